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
    mlx_lm.server \
    --model \
    mlx-community/Qwen3.6-35B-A3B-8bit \
    --host \
    127.0.0.1 \
    --port \
    8080 \
    --allowed-origins \
    http://localhost \
    --max-tokens \
    16384 \
    --decode-concurrency \
    1 \
    --prompt-cache-bytes \
    6776750080 \
    --temp \
    0.6 \
    --top-p \
    0.95 \
    --top-k \
    20 \
    --min-p \
    0.0

if [ -f override.args ]; then
    while IFS= read -r argument || [ -n "$argument" ]; do
        [ -z "$argument" ] || set -- "$@" "$argument"
    done <override.args
fi
exec "$@"
