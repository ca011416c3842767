#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target aider --target cline --target codex-cli --target continue --target llama-swap-native --target monitoring --target openai-sdk --target zed
# Your own changes go into override.env, read last and never overwritten.
# Starts llama-swap in the foreground; it starts and stops serve.sh. Stop the setup's own service first: ./stop.sh
# Clients ask http://127.0.0.1:9292/v1 instead of the server's own address.
set -eu
cd "$(dirname -- "$0")"
PATH="$PATH:$HOME/.local/bin:/usr/local/bin:/opt/homebrew/bin:/home/linuxbrew/.linuxbrew/bin"
if [ -f override.env ]; then
    set -a
    # shellcheck source=/dev/null
    . ./override.env
    set +a
fi
# Without -listen it would answer on every interface.
exec llama-swap -config llama-swap.yaml -listen 127.0.0.1:9292 "$@"
