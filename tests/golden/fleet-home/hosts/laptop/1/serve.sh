#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet home.yaml -o home
# Your own changes go into override.env and override.args, read last and never overwritten.
# Reads, in this order: server.env (settings), .env (secrets), override.env (yours). Arguments from override.args, one per line, come last and win.
set -eu
cd "$(dirname -- "$0")"
PATH="$PATH:$HOME/.local/bin:/usr/local/bin:/opt/homebrew/bin:/home/linuxbrew/.linuxbrew/bin"

set -a
for file in server.env .env override.env; do
    # shellcheck source=/dev/null
    [ ! -f "$file" ] || . "./$file"
done
set +a
: "${LLAMA_API_KEY:?is missing in .env: run setupgen again, or copy .env.example to .env and fill it in}"

set -- \
    llama-server \
    --hf-repo \
    bartowski/Qwen_Qwen3.8-27B-GGUF:Q4_K_M \
    --no-mmproj \
    --alias \
    qwen3.8-27b \
    --host \
    127.0.0.1 \
    --port \
    21434 \
    --ctx-size \
    65536 \
    --parallel \
    1 \
    --no-kv-unified \
    --cache-type-k \
    q8_0 \
    --cache-type-v \
    q8_0 \
    --flash-attn \
    on \
    --n-gpu-layers \
    all \
    --fit \
    off \
    --batch-size \
    2048 \
    --ubatch-size \
    512 \
    --jinja \
    --temp \
    0.6 \
    --top-p \
    0.95 \
    --top-k \
    20 \
    --min-p \
    0.0 \
    --cache-ram \
    8192 \
    --cors-origins \
    localhost \
    --metrics

if [ -f override.args ]; then
    while IFS= read -r argument || [ -n "$argument" ]; do
        [ -z "$argument" ] || set -- "$@" "$argument"
    done <override.args
fi
exec "$@"
