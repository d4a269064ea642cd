#!/usr/bin/env bash
# Build every overlay and every training job with kustomize and hold their objects to the Kubernetes API's schemas.
# Kinds of other APIs (Prometheus, Ray, Argo) are skipped here; the project's tests know their schemas.
set -euo pipefail
shopt -s nullglob

built=$(mktemp -d)
trap 'rm -r "$built"' EXIT
mkdir "$built/schemas" "$built/objects"
for folder in generated/*/overlays/*/ generated/*/train/; do
  echo "$folder"
  kustomize build "$folder" >"$built/objects/$(tr / . <<<"${folder%/}").yaml"
done
# All at once, so that each schema is fetched once.
kubeconform -strict -summary -ignore-missing-schemas -cache "$built/schemas" "$built/objects"
