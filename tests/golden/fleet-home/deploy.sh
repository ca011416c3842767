#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet home.yaml -o home
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# deploy.sh [--check] [HOST...]: copies folders to hosts over ssh and starts what is in them; the proxy comes last and runs on this machine.
# ~/.ssh/config says how to reach a host, as whom, with which key. SSH may name another program than ssh.
set -eu
cd "$(dirname -- "$0")"
ssh=${SSH:-ssh}
target=setupgen/home
check=
looked=' '
failed=0

say() {
    printf '%s\n' "$*"
}

wrong() {
    printf 'deploy.sh: %s\n' "$*" >&2
    failed=1
}

# look NAME ADDRESS FOLDER HOW [NODE]: is the host there, with what its folder needs?
look() {
    case $looked in *" $1/$2/$4 "*) return ;; esac
    looked="$looked$1/$2/$4 "
    needs=$(case $4 in compose) echo "docker compose version" ;; podman) echo "podman-compose --version" ;; kubernetes) echo "${KUBECTL:-kubectl} get node $5" ;; *) echo "command -v curl" ;; esac)
    if [ "$2" = local ]; then
        sh -c "$needs" >/dev/null 2>&1 || { wrong "$1: this fails here: $needs"; return; }
    else
        $ssh -o BatchMode=yes "$2" true </dev/null 2>/dev/null || { wrong "$1: no login at $2"; return; }
        $ssh -o BatchMode=yes "$2" "$needs" >/dev/null 2>&1 </dev/null || { wrong "$1: this fails there: $needs"; return; }
    fi
    say "$1: ready"
}

# start NAME ADDRESS FOLDER HOW
start() {
    run=$(case $4 in
        compose) echo "if [ -x ./prepare.sh ]; then ./prepare.sh; fi; docker compose up --detach" ;;
        podman) echo "podman-compose up --detach" ;;
        *) echo "./start.sh" ;;
    esac)
    say "$1: starting $3"
    if [ "$2" = local ]; then
        (cd "$3" && sh -c "$run") || wrong "$1: the start of $3 failed"
        return
    fi
    # The archive goes through ssh, so that secrets lie nowhere on the way.
    tar -C "$3" -cf - . | $ssh -o BatchMode=yes "$2" "umask 077 && mkdir -p $target/$3 && tar -C $target/$3 -xf -" || { wrong "$1: copying $3 to $2 failed"; return; }
    $ssh -o BatchMode=yes "$2" "cd $target/$3 && $run" </dev/null || wrong "$1: the start of $3 failed"
}

wanted() {
    [ -n "$names" ] || return 0
    for name in $names; do
        [ "$name" != "$1" ] || return 0
    done
    return 1
}

work() {
    if [ -n "$check" ]; then look "$@"; else start "$@"; fi
}

each() {
    if wanted tower; then work tower 10.0.0.5 hosts/tower compose; fi
    if wanted laptop; then work laptop 10.0.0.6 hosts/laptop/1 native; fi
    if wanted laptop; then work laptop 10.0.0.6 hosts/laptop/2 native; fi
    if wanted box; then work box 10.0.0.7 hosts/box/1 compose; fi
    if wanted box; then work box 10.0.0.7 hosts/box/2 compose; fi
    if wanted rented; then work rented l4.example.net hosts/rented compose; fi
    if wanted proxy; then work proxy local proxy compose; fi
}

names=
for word in "$@"; do
    case $word in
        --check) check=yes ;;
        -*) wrong "usage: deploy.sh [--check] [HOST...]"; exit 2 ;;
        *) names="$names $word" ;;
    esac
done
each
exit "$failed"
