#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target aider --target cline --target codex-cli --target continue --target llama-swap-native --target monitoring --target openai-sdk --target zed
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# Asks the server: sh ask.sh
set -eu
folder=$(cd -- "$(dirname -- "$0")/.." && pwd)
set -a
# shellcheck source=/dev/null
[ ! -f "$folder/.env" ] || . "$folder/.env"
set +a

exec curl --silent --show-error --fail-with-body --no-buffer \
    --header 'Content-Type: application/json' \
    --data '{"model": "qwen3.8-27b", "messages": [{"role": "user", "content": "Say hello in one sentence."}], "stream": true}' \
    http://127.0.0.1:9931/v1/chat/completions
