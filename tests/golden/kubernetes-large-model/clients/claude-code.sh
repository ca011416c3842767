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
ANTHROPIC_AUTH_TOKEN=${VLLM_API_KEY:?is not set: export it, or keep this file beside .env}
ANTHROPIC_API_KEY=
ANTHROPIC_BASE_URL=http://127.0.0.1:8000/llm/mimo-v2-6-pro
ANTHROPIC_MODEL=mimo-v2.6-pro
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
