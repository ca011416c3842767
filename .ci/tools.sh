#!/bin/sh
# The programs that tests put generated files before. Installs the missing ones where it may (apt, as root or with sudo), else says which.
set -eu

packages=""
need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || packages="$packages $2"
}
need podman podman
need systemd-analyze systemd
need shellcheck shellcheck
need nix-instantiate nix-bin
need promtool prometheus
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || packages="$packages nginx-light"
need caddy caddy
need openssl openssl
need cmake cmake
need c++ g++
if ! command -v google-chrome >/dev/null 2>&1; then
    need chromium chromium
fi
if command -v node >/dev/null 2>&1; then
    need npm npm
else
    packages="$packages nodejs npm"
fi

if [ -n "$packages" ]; then
    as_root=""
    if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
    if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
        echo "Installing for the tests:$packages" >&2
        $as_root apt-get update -qq >&2
        # shellcheck disable=SC2086  # a list of package names
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
        # Debian starts these at once; the tests only want the programs.
        for service in nginx prometheus caddy; do
            case "$packages " in
            *" $service"*) $as_root systemctl disable --quiet --now "$service" 2>/dev/null || true ;;
            esac
        done
    else
        echo "The tests need programs that are not here:$packages" >&2
        echo "On Debian or Ubuntu: sudo apt install$packages   Elsewhere: install the same programs by your package manager, then run make again." >&2
        exit 1
    fi
fi

major=$(node -p 'process.versions.node.split(".")[0]')
if [ "$major" -lt 20 ]; then
    echo "The tests need Node.js 20 or newer for dclint; here is $(node --version). See https://nodejs.org for newer ones." >&2
    exit 1
fi

# podman's generator for quadlets comes with podman 4.4 and newer, Docker Compose 2 with Debian 13. Debian 12 has older ones: there the programs
# are taken out of the next release's packages, into .cache/, and nothing is installed.
from_next_release() { # NAME PACKAGE FILE: .cache/NAME/NAME is FILE of the package
    sources=$(grep -l '^Suites: bookworm ' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1 || true)
    if [ -z "$sources" ]; then
        echo "The tests need the program $1 of the package $2 in a newer version than is here, and no package with it was found." >&2
        exit 1
    fi
    echo "Fetching $1 for the tests" >&2
    stage=$(pwd)/.cache/$1
    mkdir -p "$stage/lists/partial" "$stage/archives/partial"
    sed '/^$/q' "$sources" | sed 's/^Suites:.*/Suites: trixie/' >"$stage/next.sources"
    cat >"$stage/apt.conf" <<CONF
Dir::Etc::sourcelist "$stage/next.sources";
Dir::Etc::sourceparts "-";
Dir::State::Lists "$stage/lists";
Dir::Cache "$stage";
APT::Sandbox::User "$(id -un)";
CONF
    (
        cd "$stage"
        export APT_CONFIG="$stage/apt.conf"
        apt-get update -qq
        apt-get download -qq "$2"
        dpkg --fsys-tarfile "$2"_*.deb | tar -x --transform 's,.*/,,' ".$3"
    )
    rm -rf "$stage/lists" "$stage/archives" "$stage"/*.deb
}
there() { # PATH...: whether one of them is a program
    for found in "$@"; do
        if [ -x "$found" ]; then return 0; fi
    done
    return 1
}
plugin=/libexec/docker/cli-plugins/docker-compose
there /usr/libexec/podman/quadlet /usr/lib/podman/quadlet .cache/quadlet/quadlet ||
    from_next_release quadlet podman /usr/libexec/podman/quadlet
there "/usr$plugin" "/usr/local$plugin" "/usr/local/lib/docker/cli-plugins/docker-compose" "/usr/lib/docker/cli-plugins/docker-compose" .cache/docker-compose/docker-compose ||
    from_next_release docker-compose docker-compose "/usr$plugin"
