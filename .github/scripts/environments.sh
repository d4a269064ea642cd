#!/usr/bin/env bash
# Fail unless the overlays are for exactly the environments that are given: those with a job in apply.yml.
set -euo pipefail
shopt -s nullglob

overlays=(generated/*/overlays/*/)
((${#overlays[@]})) || exit 0
applied=$(printf '%s\n' "$@" | sort -u)
rendered=$(printf '%s\n' "${overlays[@]}" | xargs -n 1 basename | sort -u)
[[ $applied == "$rendered" ]] || {
  echo "::error title=Environments differ::aimass.yaml has ${rendered//$'\n'/, }, and apply.yml has jobs for" \
    "${applied//$'\n'/, }: bring its jobs, their \`needs\` and the choice at its top in line" >&2
  exit 1
}
