# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Your own changes go into override.env, read last and never overwritten.
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot
$health = 'http://127.0.0.1:11434/api/version'

# Settings of this process and its children only; nothing is stored in the system.
$env:LLAMA_ARG_CACHE_RAM = '1024'
$env:OLLAMA_CONTEXT_LENGTH = '8192'
$env:OLLAMA_FLASH_ATTENTION = '1'
$env:OLLAMA_HOST = '127.0.0.1:11434'
$env:OLLAMA_KEEP_ALIVE = '30m'
$env:OLLAMA_KV_CACHE_TYPE = 'f16'
$env:OLLAMA_MAX_LOADED_MODELS = '1'
$env:OLLAMA_NO_CLOUD = '1'
$env:OLLAMA_NUM_PARALLEL = '1'
$env:OLLAMA_VULKAN = '0'
foreach ($file in '.env', 'override.env') {
    if (-not (Test-Path -LiteralPath $file)) { continue }
    foreach ($line in Get-Content -LiteralPath $file -Encoding UTF8) {
        if ($line -match '^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$') {
            $key = $Matches[1]
            $value = $Matches[2].Trim()
            if ($value.Length -ge 2 -and $value[0] -eq $value[-1] -and "'""".Contains($value[0])) {
                $value = $value.Substring(1, $value.Length - 2)
            }
            Set-Item -LiteralPath "env:$key" -Value $value
        }
    }
}

# Windows hands a program one line of text: quote each argument as the C runtime reads it.
function Join-Arguments([string[]] $Words) {
    ($Words | ForEach-Object { '"' + ($_ -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"' }) -join ' '
}

function Start-Part([string] $Name, [string] $Program, [string[]] $Words) {
    if (-not (Get-Command $Program -ErrorAction SilentlyContinue)) { throw "$Program is missing. README.md says how to install it." }
    $options = @{ FilePath = $Program; WindowStyle = 'Hidden'; PassThru = $true
        RedirectStandardOutput = "$Name.out.log"; RedirectStandardError = "$Name.log" }
    if ($Words) { $options.ArgumentList = Join-Arguments $Words }
    $process = Start-Process @options
    Set-Content -LiteralPath "$Name.pid" -Value $process.Id
}

function Test-Answer { try { $null = Invoke-WebRequest -Uri $health -UseBasicParsing -TimeoutSec 5; $true } catch { $false } }

if (Test-Answer) {
    throw "Something already answers at $health. If it is the Ollama app: quit it from the taskbar. If it is this setup: run stop.ps1 first."
}
$words = @(
    'serve'
)
Start-Part 'server' 'ollama' $words

Write-Host "Waiting for $health (the model is fetched after that) ..."
$limit = (Get-Date).AddSeconds(1039)
while (-not (Test-Answer)) {
    if ((Get-Date) -gt $limit) { throw 'No answer. Look at the end of server.log.' }
    Start-Sleep -Seconds 5
}
$env:OLLAMA_HOST = '127.0.0.1:11434'
ollama pull 'hf.co/unsloth/gemma-4-E4B-it-GGUF:UD-Q4_K_XL'
if ($LASTEXITCODE -ne 0) { throw 'The model could not be fetched.' }
ollama create 'gemma-4-e4b' -f Modelfile
if ($LASTEXITCODE -ne 0) { throw 'The model could not be created.' }
Write-Host ('Ready: ' + 'gemma-4-e4b' + ' at ' + 'http://127.0.0.1:11434')
