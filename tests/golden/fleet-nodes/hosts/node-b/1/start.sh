#!/bin/sh
# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet nodes.yaml -o nodes
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
# start.sh: brings everything of this folder into the cluster that kubectl talks to. KUBECTL may name another program, with its arguments.
set -eu
cd "$(dirname -- "$0")"
kubectl=${KUBECTL:-kubectl}

$kubectl apply --filename kubernetes/namespace.yaml
# The keys go through a pipe, and lie in no file but .env.
$kubectl create secret generic node-b-1-secrets --namespace nodes-node-b-1 --from-env-file=.env --dry-run=client --output=yaml |
    $kubectl apply --filename -
$kubectl apply --kustomize kubernetes
