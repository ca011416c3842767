#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
cd "$(dirname -- "$0")"
PATH="$PATH:$HOME/.local/bin:/usr/local/bin:/opt/homebrew/bin:/home/linuxbrew/.linuxbrew/bin"

set -a
for file in .env override.env; do
    # shellcheck source=/dev/null
    [ ! -f "$file" ] || . "./$file"
done
set +a
: "${SITE_HOST:?is missing in .env}"
: "${SETUPGEN_API_KEY:?is missing in .env}"

exec caddy run --config Caddyfile
