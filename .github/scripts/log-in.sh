#!/usr/bin/env bash
# Write KUBECONFIG: with a token of GitHub's that kubectl fetches whenever it needs one, or as it was given.
#
# The first way stores no secret. It works with every API server that trusts the issuer
# https://token.actions.githubusercontent.com (https://kubernetes.io/docs/reference/access-authn-authz/authentication/).
set -euo pipefail
umask 077
scripts=$(cd "$(dirname "$0")" && pwd)

if [[ -n $SERVER ]]; then
  trust=()
  if [[ -n $CERTIFICATE_AUTHORITY ]]; then
    certificate=$(mktemp)
    base64 --decode <<<"$CERTIFICATE_AUTHORITY" >"$certificate"
    trust=(--certificate-authority="$certificate" --embed-certs=true)
  fi
  kubectl config set-cluster target --server="$SERVER" "${trust[@]}"
  kubectl config set-credentials github \
    --exec-api-version=client.authentication.k8s.io/v1 --exec-interactive-mode=Never \
    --exec-command="$scripts/github-token.sh"
  kubectl config set-context target --cluster=target --user=github
  kubectl config use-context target
elif [[ -n $GIVEN_KUBECONFIG ]]; then
  printf '%s\n' "$GIVEN_KUBECONFIG" >"$KUBECONFIG"
else
  echo "::error title=No cluster::set the variable KUBE_SERVER or the secret KUBECONFIG of this environment"
  exit 1
fi
