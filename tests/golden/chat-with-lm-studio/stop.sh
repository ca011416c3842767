#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
name=lm-studio-qwen3-8-27b
set -- "$name-proxy" "$name"
for unit in "$@"; do
    systemctl --user disable --now "$unit" || true
    rm -f "$HOME/.config/systemd/user/$unit.service"
done
rm -f "$HOME/.local/share/setupgen/$name"
systemctl --user daemon-reload
echo "Stopped and removed. Downloaded models are still there: README.md says where."
