# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target windows-task
# Your own changes go into override.env, read last and never overwritten.
$ErrorActionPreference = 'Stop'
$name = 'setupgen ollama-gemma-4-e4b'
# A path in single quotes holds them doubled.
$start = (Join-Path $PSScriptRoot 'start.ps1') -replace "'", "''"
$process = (Join-Path $PSScriptRoot 'server.pid') -replace "'", "''"
# The task runs as long as the server does, so that its state in Task Scheduler is the server's.
$command = "& '$start'; Wait-Process -Id (Get-Content -LiteralPath '$process')"
$words = '-NoProfile -NonInteractive -WindowStyle Hidden -ExecutionPolicy Bypass -Command "' + $command + '"'

$action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $words -WorkingDirectory $PSScriptRoot
$trigger = New-ScheduledTaskTrigger -AtLogOn -User ([Security.Principal.WindowsIdentity]::GetCurrent().Name)
# Windows stops a task after three days, and on battery, unless told otherwise; a limit of zero is none.
$options = @{
    ExecutionTimeLimit = [TimeSpan]::Zero
    AllowStartIfOnBatteries = $true
    DontStopIfGoingOnBatteries = $true
    MultipleInstances = 'IgnoreNew'
    RestartCount = 3
    RestartInterval = New-TimeSpan -Minutes 1
}
$settings = New-ScheduledTaskSettingsSet @options
$null = Register-ScheduledTask -TaskName $name -Action $action -Trigger $trigger -Settings $settings -Force
Start-ScheduledTask -TaskName $name
Write-Host "The task '$name' runs, and starts again whenever you log on. What the server says: server.log"
