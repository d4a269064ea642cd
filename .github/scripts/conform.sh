#!/usr/bin/env bash
# Build every overlay with kustomize and hold its objects to the Kubernetes API's schemas.
# Kinds of other APIs (Prometheus, Ray, Argo) are skipped here; the project's tests know their schemas.
set -euo pipefail
shopt -s nullglob

for overlay in generated/*/overlays/*/; do
  echo "$overlay"
  kustomize build "$overlay" | kubeconform -strict -summary -ignore-missing-schemas
done
