#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet lab.yaml -o lab
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# deploy.sh [--check] [HOST...]: copies folders to hosts over ssh and starts what is in them; the proxy comes last and runs on this machine.
# ~/.ssh/config says how to reach a host, as whom, with which key. SSH may name another program than ssh.
set -eu
cd "$(dirname -- "$0")"
ssh=${SSH:-ssh}
target=setupgen/lab
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
    if wanted n01; then work n01 10.2.0.1 hosts/n01/1 compose; fi
    if wanted n01; then work n01 10.2.0.1 hosts/n01/2 compose; fi
    if wanted n02; then work n02 10.2.0.2 hosts/n02/1 compose; fi
    if wanted n02; then work n02 10.2.0.2 hosts/n02/2 compose; fi
    if wanted n03; then work n03 10.2.0.3 hosts/n03/1 compose; fi
    if wanted n03; then work n03 10.2.0.3 hosts/n03/2 compose; fi
    if wanted n04; then work n04 10.2.1.1 hosts/n04 compose; fi
    if wanted n05; then work n05 10.2.1.2 hosts/n05 compose; fi
    if wanted n06; then work n06 10.2.1.3 hosts/n06 compose; fi
    if wanted n07; then work n07 10.2.1.4 hosts/n07 compose; fi
    if wanted n08; then work n08 10.2.1.5 hosts/n08 compose; fi
    if wanted n10; then work n10 10.2.2.1 hosts/n10 compose; fi
    if wanted n11; then work n11 10.2.2.2 hosts/n11 compose; fi
    if wanted n12; then work n12 10.2.3.1 hosts/n12 compose; fi
    if wanted n13; then work n13 10.2.3.2 hosts/n13 compose; fi
    if wanted n14; then work n14 10.2.4.1 hosts/n14 compose; fi
    if wanted n15; then work n15 10.2.4.2 hosts/n15 compose; fi
    if wanted n29; then work n29 10.2.8.1 hosts/n29 compose; fi
    if wanted n30; then work n30 10.2.8.2 hosts/n30 compose; fi
    if wanted n31; then work n31 10.2.9.1 hosts/n31 compose; fi
    if wanted n32; then work n32 10.2.9.2 hosts/n32 compose; fi
    if wanted n33; then work n33 10.2.9.3 hosts/n33 compose; fi
    if wanted n34; then work n34 10.2.9.4 hosts/n34 compose; fi
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
