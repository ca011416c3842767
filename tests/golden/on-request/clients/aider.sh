#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target aider --target cline --target codex-cli --target continue --target llama-swap-native --target monitoring --target openai-sdk --target zed
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# Run it in your project: sh /path/to/clients/aider.sh
set -eu
folder=$(cd -- "$(dirname -- "$0")/.." && pwd)
set -a
# shellcheck source=/dev/null
[ ! -f "$folder/.env" ] || . "$folder/.env"
set +a

OPENAI_API_KEY=none
export OPENAI_API_KEY
exec aider --config "$folder/clients/aider/aider.conf.yml" --model-metadata-file "$folder/clients/aider/model-metadata.json" "$@"
