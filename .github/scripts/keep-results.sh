#!/usr/bin/env bash
# Push what a model's run made to DVC's remote, where the project has one, so that it can be served, released and
# compared with without training it again.
set -euo pipefail

if [[ -n $(dvc remote list 2>/dev/null) ]]; then
  dvc push "generated/$1/dvc.yaml"
else
  echo "::notice title=No DVC remote::what the run of $1 made is kept as an artifact of this workflow's run only"
fi
