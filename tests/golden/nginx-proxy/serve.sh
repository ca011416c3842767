#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet inventory.yaml
# Your own changes go into override.env, read last and never overwritten.
# Starts nginx in the foreground. The keys of .env go into tmp/secrets.conf, which only this user can read and nginx includes.
HOME=${HOME:-/}
set -eu
cd "$(dirname -- "$0")"
PATH="$PWD/.venv/bin:$PATH:$HOME/.local/bin:/usr/local/bin:/usr/sbin:/opt/homebrew/bin"

set -a
for file in .env override.env; do
    # shellcheck source=/dev/null
    [ ! -f "$file" ] || . "./$file"
done
set +a
: "${FLEET_KEY:?is missing in .env}"
: "${TOWER_KEY:?is missing in .env}"

umask 077
mkdir -p tmp
rm -f tmp/*.sock
directives='daemon off;'
if [ "$(id -u)" = 0 ]; then
    # The workers of a root's nginx run as nobody, and must reach their sockets in tmp.
    chown nobody tmp
    directives="$directives user nobody $(id -gn nobody);"
    if ! su -s /bin/sh nobody -c "test -w '$PWD/tmp'"; then
        echo "The user nobody, as whom nginx works, cannot reach $PWD/tmp: start this as an ordinary user, or move the folder." >&2
        exit 1
    fi
fi

# NAME CHARACTERS refuses a value that a configuration of nginx would read as more than text.
check() {
    value=
    eval "value=\$$1"
    case $value in
    '' | *[!$2]*)
        echo "$1 in .env has a character that nginx cannot carry, or is empty: use letters, digits, - and _." >&2
        exit 1
        ;;
    esac
}

# shellcheck disable=SC2016  # these dollar signs are for nginx
{
    :
    check FLEET_KEY 'A-Za-z0-9_-'
    # A map compares text without regard to case; an expression does not.
    printf 'map $bearer $by_bearer {\n    default 0;\n    "~^%s\\z" 1;\n}\n' "$FLEET_KEY"
    printf 'map $http_x_api_key $by_header {\n    default 0;\n    "~^%s\\z" 1;\n}\n' "$FLEET_KEY"
    check TOWER_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' TOWER_KEY "$TOWER_KEY"
} >tmp/secrets.conf

# `serve.sh check` only reads the files.
[ "${1:-}" != check ] || exec nginx -t -p "$PWD/" -c nginx.conf -e stderr
exec nginx -p "$PWD/" -c nginx.conf -e stderr -g "$directives"
