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
    lms \
    load \
    --context-length \
    32768 \
    --parallel \
    2 \
    --gpu \
    max \
    --identifier \
    qwen3.8-27b \
    --exact \
    unsloth/Qwen3.8-27B-GGUF/Qwen3.8-27B-UD-Q5_K_M.gguf

if [ -f override.args ]; then
    while IFS= read -r argument || [ -n "$argument" ]; do
        [ -z "$argument" ] || set -- "$@" "$argument"
    done <override.args
fi
exec ./lm-studio.sh "$@"
