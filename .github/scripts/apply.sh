#!/usr/bin/env bash
# Apply every model's overlay of one environment, show the difference, and wait until each model serves.
#
# Nothing is deleted here: what the manifests no longer hold is listed, for a person to delete. Fields that
# someone else manages are no reason to overwrite them either: the conflict ends the run and names them.
set -euo pipefail
shopt -s nullglob
environment=$1
manager=aimass-compile
kinds=(
  configmaps serviceaccounts services
  deployments.apps horizontalpodautoscalers.autoscaling poddisruptionbudgets.policy
  networkpolicies.networking.k8s.io httproutes.gateway.networking.k8s.io
  analysistemplates.argoproj.io rollouts.argoproj.io
  prometheusrules.monitoring.coreos.com servicemonitors.monitoring.coreos.com
  cronjobs.batch rayjobs.ray.io
)
folder=$(mktemp -d)

# kubectl refuses the whole question when the cluster does not know one of the kinds.
kubectl api-resources --namespaced --verbs=list -o name >"$folder/served" ||
  echo "::warning title=Leftovers may be missed::the cluster did not tell all of its kinds" >&2
known=$(printf '%s\n' "${kinds[@]}" | grep -Fxf "$folder/served" | paste -sd, || true)

for overlay in generated/*/overlays/"$environment"/; do
  model=$(basename "$(dirname "$(dirname "$overlay")")")
  namespace=$(sed -n 's/^namespace: *//p' "$overlay/kustomization.yaml")
  kubectl kustomize "$overlay" >"$folder/wanted.yaml"
  kubectl get namespace "$namespace" >/dev/null

  status=0
  kubectl diff --server-side --field-manager="$manager" -f "$folder/wanted.yaml" >"$folder/difference" || status=$?
  ((status <= 1)) || exit "$status" # 1 says that there are differences
  {
    echo "### $model in $environment"
    echo '```diff'
    head --bytes=200000 "$folder/difference"
    echo '```'
  } >>"$GITHUB_STEP_SUMMARY"

  kubectl apply --server-side --field-manager="$manager" -f "$folder/wanted.yaml"
  kubectl get -f "$folder/wanted.yaml" -o name | sort >"$folder/applied"
  while read -r object; do
    case $object in
      deployment.apps/*) kubectl rollout status "$object" -n "$namespace" --timeout=10m ;;
      rollout.argoproj.io/*)
        kubectl wait "$object" -n "$namespace" --for=jsonpath='{.status.phase}'=Healthy --timeout=40m
        ;;
    esac
  done <"$folder/applied"

  [[ -n $known ]] || continue
  kubectl get "$known" -n "$namespace" -o name \
    -l "aimass.dev/model=$model,aimass.dev/environment=$environment" >"$folder/listed" ||
    echo "::warning title=Leftovers may be missed::not all objects of $model could be listed" >&2
  sort "$folder/listed" >"$folder/found"
  leftovers=$(comm -13 "$folder/applied" "$folder/found")
  [[ -z $leftovers ]] || {
    echo "No longer in git, and still in \`$namespace\` (an old configuration may be in use by pods that are ending):"
    printf -- '- `%s`\n' $leftovers # shellcheck disable=SC2086  # names without spaces, one a line
  } >>"$GITHUB_STEP_SUMMARY"
done
