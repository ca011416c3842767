# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target windows-task
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot
foreach ($part in 'proxy', 'server') {
    if (-not (Test-Path -LiteralPath "$part.pid")) { continue }
    $id = [int] (Get-Content -LiteralPath "$part.pid")
    # Ends the children too: Ollama runs its models in processes of their own.
    taskkill.exe /PID $id /T /F
    Remove-Item -LiteralPath "$part.pid"
}
