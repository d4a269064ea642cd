#!/usr/bin/env bash
# Print `registry=…` (configured or none) and `missing=…`, the models as JSON whose image nobody has pushed.
# An image is named by what it is made from, so one that is there is the right one. Only a registry that says
# that it has no such image makes it a missing one: any other answer ends the run, and nothing is trained.
#
# `docker manifest inspect` would not do: it says "no such manifest" of a refused login, too.
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
  answer=$(docker buildx imagetools inspect "$image" 2>&1) && continue
  case $answer in
    *"$image: not found"* | *"manifest unknown"* | *MANIFEST_UNKNOWN* | *NAME_UNKNOWN*) missing+=("$model") ;;
    *)
      echo "::error title=The registry does not say whether $image is there::${answer//$'\n'/%0A}" >&2
      exit 1
      ;;
  esac
done
echo "registry=$registry"
echo "missing=$(jq --null-input --compact-output '$ARGS.positional' --args -- "${missing[@]}")"
