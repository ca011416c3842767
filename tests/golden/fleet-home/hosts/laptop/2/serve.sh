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
    ggml-org/embeddinggemma-300m-qat-q8_0-GGUF:Q8_0 \
    --alias \
    embeddinggemma-300m \
    --host \
    127.0.0.1 \
    --port \
    21435 \
    --ctx-size \
    4096 \
    --parallel \
    2 \
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
    2048 \
    --embeddings \
    --cache-ram \
    1024 \
    --cors-origins \
    localhost \
    --metrics

if [ -f override.args ]; then
    while IFS= read -r argument || [ -n "$argument" ]; do
        [ -z "$argument" ] || set -- "$@" "$argument"
    done <override.args
fi
exec "$@"
