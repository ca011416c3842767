# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target windows-task
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
$ErrorActionPreference = 'Stop'
$name = 'setupgen ollama-gemma-4-e4b'
if (Get-ScheduledTask -TaskName $name -ErrorAction SilentlyContinue) {
    Unregister-ScheduledTask -TaskName $name -Confirm:$false
}
& (Join-Path $PSScriptRoot 'stop.ps1')
Write-Host "The task '$name' is gone, and the server stopped."
