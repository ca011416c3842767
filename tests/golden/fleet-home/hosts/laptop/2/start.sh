#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet home.yaml -o home
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
cd "$(dirname -- "$0")"
here=$(pwd -P)
name=home-laptop-2
logs="Look at: tail -n 50 ~/Library/Logs/$name.log"
PATH="$PATH:$HOME/.local/bin:/opt/homebrew/bin:/usr/local/bin"

fail() {
    echo "start.sh: $1" >&2
    exit 1
}

health=http://127.0.0.1:21435/health
for program in llama-server curl caddy; do
    command -v "$program" >/dev/null || fail "$program is missing. README.md says how to install it."
done
domain="gui/$(id -u)"
if ! launchctl print "$domain/local.setupgen.$name" >/dev/null 2>&1 && curl --silent --max-time 5 --output /dev/null "$health"; then
    fail "something else already answers at $health."
fi

agents="$HOME/Library/LaunchAgents"
mkdir -p "$agents" "$HOME/Library/Logs" "$HOME/.local/share/setupgen"
ln -sfn "$here" "$HOME/.local/share/setupgen/$name"
set -- "$name" "$name-proxy"
for job in "$@"; do
    launchctl bootout "$domain/local.setupgen.$job" 2>/dev/null || true
    cp "local.setupgen.$job.plist" "$agents/"
    launchctl bootstrap "$domain" "$agents/local.setupgen.$job.plist"
done

echo "Waiting for $health (the first start downloads and reads the weights) ..."
waited=0
until curl --silent --fail --max-time 5 --output /dev/null "$health"; do
    waited=$((waited + 5))
    [ "$waited" -le 627 ] || fail "no answer after $waited seconds. $logs"
    sleep 5
done
printf 'Ready: %s at %s\n' embeddinggemma-300m http://10.0.0.6:11435
