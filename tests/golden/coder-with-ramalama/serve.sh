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
: "${LLAMA_API_KEY:?is missing in .env: run setupgen again, or copy .env.example to .env and fill it in}"

set -- \
    ramalama \
    serve \
    --image \
    quay.io/ramalama/cuda:0.25 \
    --pull \
    missing \
    --env \
    LLAMA_API_KEY \
    --host \
    127.0.0.1 \
    --port \
    8085 \
    --ctx-size \
    131072 \
    --ngl \
    all \
    --temp \
    0.6 \
    --runtime-args \
    '--parallel 2 --no-kv-unified --cache-type-k f16 --cache-type-v f16 --flash-attn on --split-mode layer --tensor-split 20,22 --fit off --batch-size 2048 --ubatch-size 512 --jinja --top-p 0.95 --top-k 20 --min-p 0.0 --cache-ram 8192 --metrics' \
    hf://unsloth/Qwen3.6-35B-A3B-GGUF/Qwen3.6-35B-A3B-Q8_0.gguf

if [ -f override.args ]; then
    while IFS= read -r argument || [ -n "$argument" ]; do
        [ -z "$argument" ] || set -- "$@" "$argument"
    done <override.args
fi
exec "$@"
