#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target quadlet
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
set -eu
cd "$(dirname -- "$0")"
here=$(pwd -P)
name=llama-cpp-qwen3-8-27b
logs="Look at: journalctl --user -u $name -n 50"

fail() {
    echo "start.sh: $1" >&2
    exit 1
}

for program in podman systemctl; do
    command -v "$program" >/dev/null || fail "$program is missing. README.md says how to install it."
done
systemctl --user show-environment >/dev/null 2>&1 || fail "there is no systemd for this user here. Log in as this user, not by su or sudo."
[ -f .env ] || fail ".env is missing: run setupgen again, or copy .env.example to .env and fill it in."

# The images first: their download would outlast the time that systemd waits for a start.
set -- ghcr.io/ggml-org/llama.cpp:server-cuda-b11312 docker.io/library/caddy:2.11.4-alpine
for image in "$@"; do
    podman image exists "$image" || podman pull "$image"
done

# open-webui has its own name for the key.
(
    umask 077
    set -a
    # shellcheck source=/dev/null
    . ./.env
    printf '%s=%s\n' OPENAI_API_KEY "${LLAMA_API_KEY:?is missing in .env}" >open-webui.env
)

mkdir -p "$HOME/.local/share/setupgen"
ln -sfn "$here" "$HOME/.local/share/setupgen/$name"
units="${XDG_CONFIG_HOME:-$HOME/.config}/containers/systemd/$name"
rm -rf "$units"
mkdir -p "$units"
cp -R -- *.container *.network "$units/"
for own in *.container.d; do
    [ ! -d "$own" ] || cp -R -- "$own" "$units/"
done
systemctl --user daemon-reload
set -- llama-cpp-qwen3-8-27b llama-cpp-qwen3-8-27b-caddy
for unit in "$@"; do
    systemctl --user cat "$unit.service" >/dev/null 2>&1 ||
        fail "podman made no service of $unit.container. What it says: /usr/libexec/podman/quadlet -dryrun -user (or in /usr/lib/podman)"
    systemctl --user restart "$unit.service"
done

echo "Waiting for $name to be healthy (the first start downloads and reads the weights) ..."
waited=0
until podman healthcheck run "$name" >/dev/null 2>&1; do
    case $(systemctl --user is-active "$name.service") in
    active | activating | reloading) ;;
    *) fail "the service has ended. $logs" ;;
    esac
    waited=$((waited + 5))
    [ "$waited" -le 2182 ] || fail "not healthy after $waited seconds. $logs"
    sleep 5
done
printf 'Ready: %s at %s\n' qwen3.8-27b https://localhost:8443
echo "It runs while you are logged in. To keep it running after that: loginctl enable-linger"
