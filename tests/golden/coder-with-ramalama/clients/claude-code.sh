#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# Run it in your project: sh /path/to/clients/claude-code.sh
set -eu
folder=$(cd -- "$(dirname -- "$0")/.." && pwd)
set -a
# shellcheck source=/dev/null
[ ! -f "$folder/.env" ] || . "$folder/.env"
set +a
ANTHROPIC_AUTH_TOKEN=${LLAMA_API_KEY:?is not set: export it, or keep this file beside .env}
ANTHROPIC_API_KEY=
# On another machine: export SITE_HOST, the name or address of the machine that runs the model.
ANTHROPIC_BASE_URL="https://${SITE_HOST:-localhost}:8443"
# The certificate's authority: README.md says how to get this file.
if [ -f "$folder/caddy-root.crt" ]; then
    NODE_EXTRA_CA_CERTS=$folder/caddy-root.crt
    export NODE_EXTRA_CA_CERTS
fi
ANTHROPIC_MODEL=unsloth/Qwen3.6-35B-A3B-GGUF/Qwen3.6-35B-A3B-Q8_0.gguf
ANTHROPIC_DEFAULT_OPUS_MODEL=$ANTHROPIC_MODEL
ANTHROPIC_DEFAULT_SONNET_MODEL=$ANTHROPIC_MODEL
ANTHROPIC_DEFAULT_HAIKU_MODEL=$ANTHROPIC_MODEL
# The attribution line changes with every request and stands first: with it, the server reads the whole prompt anew each time.
CLAUDE_CODE_ATTRIBUTION_HEADER=0
CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
# Reading a long prompt may take minutes on one's own hardware.
API_TIMEOUT_MS=3600000
export ANTHROPIC_AUTH_TOKEN ANTHROPIC_API_KEY ANTHROPIC_BASE_URL ANTHROPIC_MODEL
export ANTHROPIC_DEFAULT_OPUS_MODEL ANTHROPIC_DEFAULT_SONNET_MODEL ANTHROPIC_DEFAULT_HAIKU_MODEL
export CLAUDE_CODE_ATTRIBUTION_HEADER CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC API_TIMEOUT_MS
exec claude "$@"
