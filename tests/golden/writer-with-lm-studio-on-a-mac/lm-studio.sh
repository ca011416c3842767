#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# serve.sh starts this with the words that load the model. It brings LM Studio up, fetches the model where it is missing, loads it, starts
# the server and stays until one of them ends.
set -eu
cd "$(dirname -- "$0")"
PATH="$PATH:$HOME/.lmstudio/bin"
oldest=0.4.16
path=setupgen/local/gemma.gguf
name=gemma-3-12b
health=http://127.0.0.1:1234/v1/models

fail() {
    echo "lm-studio.sh: $1" >&2
    exit 1
}

older() {
    printf '%s\n%s\n' "$1" "$2" | awk -F. 'NR == 1 { a = $1; b = $2; c = $3 } NR == 2 { exit !(a < $1 || a == $1 && (b < $2 || b == $2 && c < $3)) }'
}

here() { lms ls --json | grep -qF "\"path\":\"$path\""; }

ours=yes
# shellcheck disable=SC2317 # the traps below call it
stop() {
    trap - EXIT INT TERM HUP
    lms server stop >/dev/null 2>&1 || true
    lms unload "$name" >/dev/null 2>&1 || true
    # Only what was started here: the app or a daemon that ran before goes on.
    [ "$ours" = no ] || lms daemon down >/dev/null 2>&1 || true
}

if lms daemon status --json | grep -q '"status":"running"'; then ours=no; fi
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
version=$(lms daemon up --json | sed -n 's/.*"version":"\([0-9.]*\).*/\1/p')
[ -n "$version" ] || fail "LM Studio did not start: run \"lms daemon up\" to see why."
if older "$version" "$oldest"; then
    fail "LM Studio $version is older than $oldest, which this setup needs: lms daemon update"
fi
echo "LM Studio $version"

file=/Users/me/gemma.gguf
[ -f "$file" ] || fail "there is no file $file."
link="$HOME/.lmstudio/models/$path"
if [ -L "$link" ] && [ "$(readlink "$link")" != "$file" ]; then rm "$link"; fi
here || lms import --yes --symbolic-link --user-repo setupgen/local "$file"
here || fail "LM Studio does not list $path: look at \"lms ls --json\"."

lms unload "$name" >/dev/null 2>&1 || true
"$@"
lms server start --port 1234 --bind 127.0.0.1

missed=0
while [ "$missed" -lt 3 ]; do
    if curl --silent --fail --max-time 10 --output /dev/null "$health"; then missed=0; else missed=$((missed + 1)); fi
    sleep 5 &
    wait "$!"
done
fail "no answer at $health any more."
