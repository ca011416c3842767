#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target shell
# Your own changes go into override.env and override.args, read last and never overwritten.
set -eu
cd "$(dirname -- "$0")"

fail() {
    echo "run.sh: $1" >&2
    exit 1
}

# 1. What must be here.
for program in docker curl; do
    command -v "$program" >/dev/null || fail "$program is missing. README.md says how to install it."
done
health=http://127.0.0.1:9931/health
if curl --silent --max-time 5 --output /dev/null "$health"; then
    fail "something already answers at $health. Stop that first."
fi

# 2. Settings that the server takes from its environment, then your secrets, then your own changes.
export LLAMA_CACHE=/models
set -a
for file in .env override.env; do
    # shellcheck source=/dev/null
    [ ! -f "$file" ] || . "./$file"
done
set +a

# 3. The server and its arguments. What you write into override.args, one word per line, comes last and wins.
name=llama-cpp-embeddinggemma-300m
set -- docker run --rm --name "$name"
set -- "$@" --publish 127.0.0.1:9931:8080
set -- "$@" --volume llama-cpp-embeddinggemma-300m-llama-cpp-models:/models
# By name: the values come from above and show up in no list of processes.
set -- "$@" --env LLAMA_CACHE
set -- "$@" --env HF_TOKEN
set -- "$@" --cap-drop ALL
set -- "$@" --security-opt no-new-privileges
set -- "$@" ghcr.io/ggml-org/llama.cpp:server-b11312
set -- "$@" \
    --hf-repo \
    ggml-org/embeddinggemma-300m-qat-q8_0-GGUF:Q8_0 \
    --alias \
    embeddinggemma-300m \
    --host \
    0.0.0.0 \
    --port \
    8080 \
    --ctx-size \
    2048 \
    --parallel \
    1 \
    --no-kv-unified \
    --cache-type-k \
    f16 \
    --cache-type-v \
    f16 \
    --flash-attn \
    on \
    --n-gpu-layers \
    0 \
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

# 4. Start it, and stop it when this script is stopped.
"$@" &
process=$!
trap 'kill "$process" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
echo "Waiting for $health (the first start downloads and reads the weights) ..."
waited=0
until curl --silent --fail --max-time 5 --output /dev/null "$health"; do
    kill -0 "$process" 2>/dev/null || fail "the server has ended: its last lines above say why."
    waited=$((waited + 2))
    if [ "$waited" -gt 627 ]; then
        echo "run.sh: no answer at $health after $waited seconds; the server goes on. Ctrl+C stops it." >&2
        break
    fi
    sleep 2
done
printf 'Ready: %s at %s\n' embeddinggemma-300m http://127.0.0.1:9931
wait "$process"
