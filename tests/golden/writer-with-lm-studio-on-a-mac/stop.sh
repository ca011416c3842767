#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
name=lm-studio-gemma-3-12b
set -- "$name"
for job in "$@"; do
    launchctl bootout "gui/$(id -u)/local.setupgen.$job" 2>/dev/null || true
    rm -f "$HOME/Library/LaunchAgents/local.setupgen.$job.plist"
done
rm -f "$HOME/.local/share/setupgen/$name"
echo "Stopped and removed. Downloaded models are still there: README.md says where."
