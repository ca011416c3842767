#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet inventory.yaml
# Your own changes go into override.env, read last and never overwritten.
# Starts llama-swap in the foreground. Without -listen it would answer on every interface.
set -eu
cd "$(dirname -- "$0")"
PATH="$PWD/.venv/bin:$PATH:$HOME/.local/bin:/usr/local/bin:/usr/sbin:/opt/homebrew/bin"

set -a
for file in .env override.env; do
    # shellcheck source=/dev/null
    [ ! -f "$file" ] || . "./$file"
done
set +a
: "${FLEET_KEY:?is missing in .env}"
: "${TOWER_KEY:?is missing in .env}"

exec llama-swap -config config.yaml -listen 127.0.0.1:8089 "$@"
