#!/usr/bin/env bash
# Print `registry=…` (configured or none) and `missing=…`, the models as JSON whose image nobody has pushed.
# An image is named by the part of the spec that it was trained from, so one that is there is the right one.
set -euo pipefail
shopt -s nullglob
scripts=$(dirname "$0")

registry=none
missing=()
for folder in generated/*/; do
  model=$(basename "$folder")
  image=$("$scripts/image-of.sh" "$model")
  case $image in
    "" | registry.example.com/*)
      echo "::notice title=Nothing is deployed::set images.registry in aimass.yaml to deploy $model" >&2
      continue
      ;;
  esac
  [[ $registry == configured ]] || "$scripts/registry-log-in.sh" "$image"
  registry=configured
  docker manifest inspect "$image" >/dev/null 2>&1 || missing+=("$model")
done
echo "registry=$registry"
echo "missing=$(jq --null-input --compact-output '$ARGS.positional' --args -- "${missing[@]}")"
