#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
cd "$(dirname -- "$0")"
here=$(pwd -P)
name=lm-studio-qwen3-8-27b
logs="Look at: journalctl --user -u $name -n 50"
PATH="$PATH:$HOME/.local/bin:/home/linuxbrew/.linuxbrew/bin:$HOME/.lmstudio/bin"

fail() {
    echo "start.sh: $1" >&2
    exit 1
}

health=http://127.0.0.1:1234/v1/models
for program in lms curl caddy; do
    command -v "$program" >/dev/null || fail "$program is missing. README.md says how to install it."
done
systemctl --user show-environment >/dev/null 2>&1 || fail "there is no systemd for this user here. Run ./serve.sh in a terminal instead."
if ! systemctl --user --quiet is-active "$name" && curl --silent --max-time 5 --output /dev/null "$health"; then
    fail "something else already answers at $health."
fi

units="$HOME/.config/systemd/user"
mkdir -p "$units" "$HOME/.local/share/setupgen"
ln -sfn "$here" "$HOME/.local/share/setupgen/$name"
set -- "$name" "$name-proxy"
for unit in "$@"; do
    cp "$unit.service" "$units/"
    systemctl --user daemon-reload
    systemctl --user enable "$unit"
    systemctl --user restart "$unit"
done

echo "Waiting for $health (the first start downloads and reads the weights) ..."
waited=0
until curl --silent --fail --max-time 5 --output /dev/null "$health"; do
    waited=$((waited + 5))
    [ "$waited" -le 2182 ] || fail "no answer after $waited seconds. $logs"
    sleep 5
done
printf 'Ready: %s at %s\n' qwen3.8-27b https://localhost:8443
echo "It runs while you are logged in. To keep it running after that: loginctl enable-linger"
