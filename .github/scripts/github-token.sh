#!/usr/bin/env bash
# Answer kubectl's request for a credential with a fresh identity token of this workflow run.
# https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
set -euo pipefail

curl --silent --show-error --fail --get --data-urlencode "audience=${AUDIENCE:-kubernetes}" \
  --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL" |
  jq '{apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: {token: .value}}'
