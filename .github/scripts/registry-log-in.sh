#!/usr/bin/env bash
# Log Docker in to the registry of an image, with REGISTRY_USER and REGISTRY_PASSWORD.
set -euo pipefail

printf '%s' "$REGISTRY_PASSWORD" | docker login "${1%%/*}" --username "$REGISTRY_USER" --password-stdin >&2
