#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet lab.yaml -o lab
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
cd "$(dirname -- "$0")"

fail() {
    echo "prepare.sh: $1" >&2
    exit 1
}

[ -d /dev/dri ] || fail "/dev/dri is missing: the GPU driver is not loaded."
[ -f .env ] || fail ".env is missing: copy .env.example to .env first."

number_of() {
    number=$(getent group "$1" | cut -d: -f3)
    [ -n "$number" ] || fail "this host has no group $1."
    echo "$number"
}

video=$(number_of video)
render=$(number_of render)
umask 077
grep -v -e '^VIDEO_GID=' -e '^RENDER_GID=' .env >.env.new || true
{
    echo "VIDEO_GID=$video"
    echo "RENDER_GID=$render"
} >>.env.new
mv .env.new .env
echo "VIDEO_GID=$video and RENDER_GID=$render are in .env now."
