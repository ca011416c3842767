#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet lab.yaml -o lab
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
: "${N01_1_KEY:?is missing in .env}"
: "${N01_2_KEY:?is missing in .env}"
: "${N02_1_KEY:?is missing in .env}"
: "${N02_2_KEY:?is missing in .env}"
: "${N03_1_KEY:?is missing in .env}"
: "${N03_2_KEY:?is missing in .env}"
: "${N04_KEY:?is missing in .env}"
: "${N05_KEY:?is missing in .env}"
: "${N06_KEY:?is missing in .env}"
: "${N07_KEY:?is missing in .env}"
: "${N08_KEY:?is missing in .env}"
: "${N10_KEY:?is missing in .env}"
: "${N11_KEY:?is missing in .env}"
: "${N12_KEY:?is missing in .env}"
: "${N13_KEY:?is missing in .env}"
: "${N14_KEY:?is missing in .env}"
: "${N15_KEY:?is missing in .env}"
: "${N29_KEY:?is missing in .env}"
: "${N30_KEY:?is missing in .env}"
: "${N31_KEY:?is missing in .env}"
: "${N32_KEY:?is missing in .env}"
: "${N33_KEY:?is missing in .env}"
: "${N34_KEY:?is missing in .env}"

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
    check N01_1_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N01_1_KEY "$N01_1_KEY"
    check N01_2_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N01_2_KEY "$N01_2_KEY"
    check N02_1_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N02_1_KEY "$N02_1_KEY"
    check N02_2_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N02_2_KEY "$N02_2_KEY"
    check N03_1_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N03_1_KEY "$N03_1_KEY"
    check N03_2_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N03_2_KEY "$N03_2_KEY"
    check N04_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N04_KEY "$N04_KEY"
    check N05_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N05_KEY "$N05_KEY"
    check N06_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N06_KEY "$N06_KEY"
    check N07_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N07_KEY "$N07_KEY"
    check N08_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N08_KEY "$N08_KEY"
    check N10_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N10_KEY "$N10_KEY"
    check N11_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N11_KEY "$N11_KEY"
    check N12_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N12_KEY "$N12_KEY"
    check N13_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N13_KEY "$N13_KEY"
    check N14_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N14_KEY "$N14_KEY"
    check N15_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N15_KEY "$N15_KEY"
    check N29_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N29_KEY "$N29_KEY"
    check N30_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N30_KEY "$N30_KEY"
    check N31_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N31_KEY "$N31_KEY"
    check N32_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N32_KEY "$N32_KEY"
    check N33_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N33_KEY "$N33_KEY"
    check N34_KEY 'A-Za-z0-9._~+/=-'
    printf 'map $uri $bearer_%s {\n    default "Bearer %s";\n}\n' N34_KEY "$N34_KEY"
} >tmp/secrets.conf

# `serve.sh check` only reads the files.
[ "${1:-}" != check ] || exec nginx -t -p "$PWD/" -c nginx.conf -e stderr
exec nginx -p "$PWD/" -c nginx.conf -e stderr -g "$directives"
