#!/usr/bin/env bash
# Build the serving image of a model that was trained here, under the name that its manifests use, and push it.
set -euo pipefail
scripts=$(dirname "$0")
model=$1

image=$("$scripts/image-of.sh" "$model")
"$scripts/registry-log-in.sh" "$image"
pushed=$(aimass image "$model" --push | tail -n 1)
{
  echo "### $model"
  echo "Pushed \`$image\`, which is \`$pushed\`."
  echo '```json'
  cat "artifacts/$model/evaluate/metrics.json"
  echo '```'
} >>"$GITHUB_STEP_SUMMARY"
