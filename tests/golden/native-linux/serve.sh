#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
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

set -- \
    llama-server \
    --hf-repo \
    unsloth/Qwen3.8-27B-GGUF:Q6_K \
    --no-mmproj \
    --alias \
    qwen3.8-27b \
    --host \
    127.0.0.1 \
    --port \
    9931 \
    --ctx-size \
    16384 \
    --parallel \
    1 \
    --no-kv-unified \
    --cache-type-k \
    f16 \
    --cache-type-v \
    f16 \
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
    --reasoning \
    on \
    --temp \
    1.0 \
    --top-p \
    0.95 \
    --top-k \
    20 \
    --min-p \
    0.0 \
    --cache-ram \
    4608 \
    --cors-origins \
    localhost \
    --metrics

if [ -f override.args ]; then
    while IFS= read -r argument || [ -n "$argument" ]; do
        [ -z "$argument" ] || set -- "$@" "$argument"
    done <override.args
fi
exec "$@"
