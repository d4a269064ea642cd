#!/usr/bin/env bash
# Build the serving image of a model that was trained here, under the name that its manifests use, and push it.
#
# Where no dvc.lock is in git, that name does not stand for the package. The image is then also called as it will
# be once the dvc.lock of this run is committed, so that nothing is trained again for it.
set -euo pipefail
scripts=$(dirname "$0")
model=$1

image=$("$scripts/image-of.sh" "$model")
"$scripts/registry-log-in.sh" "$image"
pushed=$(aimass image "$model" --push | tail -n 1)
recorded=$("$scripts/image-of.sh" "$model")
[[ $recorded == "$image" ]] || docker buildx imagetools create --tag "$image" "$pushed"
{
  echo "### $model"
  echo "Pushed \`$image\`, which is \`$pushed\`."
  [[ $recorded == "$image" ]] || echo "With the \`dvc.lock\` of this run it is \`$recorded\`."
  echo '```json'
  cat "artifacts/$model/evaluate/metrics.json"
  echo '```'
} >>"$GITHUB_STEP_SUMMARY"
