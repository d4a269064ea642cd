#!/usr/bin/env bash
# Print the image that a model's manifests name.
set -euo pipefail

overlays=(generated/"$1"/overlays/*/)
kustomize build "${overlays[0]}" | sed -n 's/^ *\(- \)\{0,1\}image: *//p' | sed -n 1p
