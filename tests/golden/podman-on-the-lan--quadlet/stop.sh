#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target quadlet
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
name=llama-cpp-qwen3-8-27b
set -- llama-cpp-qwen3-8-27b-open-webui llama-cpp-qwen3-8-27b-caddy llama-cpp-qwen3-8-27b "$name-network"
for unit in "$@"; do
    systemctl --user stop "$unit.service" || true
done
rm -rf "${XDG_CONFIG_HOME:-$HOME/.config}/containers/systemd/$name"
rm -f "$HOME/.local/share/setupgen/$name"
systemctl --user daemon-reload
podman network rm --force "$name" >/dev/null
echo "Stopped and removed. Models and images are still there: README.md says how to delete them."
