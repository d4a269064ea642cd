#!/usr/bin/env bash
# Keep one issue open for an environment as long as its cluster is not as git has it.
#
#   issue.sh ENVIRONMENT STATUS FILE
#
# STATUS is what `aimass drift` exited with, and FILE what it said. GH_TOKEN, GITHUB_REPOSITORY and what else
# a workflow's step has come from the environment. Where issues are switched off, the job's summary has it.
set -euo pipefail

environment=$1 status=$2 file=$3
issues=repos/$GITHUB_REPOSITORY/issues
marker="<!-- aimass drift $environment -->"

# Only ours counts: anybody may write an issue that begins alike.
ours=".[] | select(.user.login == \"github-actions[bot]\" and .pull_request == null
  and ((.body // \"\") | startswith(\"$marker\"))) | .number"

stays() {
  echo "::notice title=What differs is in the summary::It could not be written into an issue"
  exit 0
}

found=$(gh api --paginate "$issues?state=open&per_page=100" --jq "$ours") || stays
first=${found%%$'\n'*}
if [[ $status == 0 ]]; then
  [[ -z $first ]] || gh api --silent --method PATCH "$issues/$first" --field state=closed || stays
  exit 0
fi

# GitHub takes 65,536 characters.
body=$(mktemp)
{
  echo "$marker"
  echo "\`$environment\` is not as git has it, says [the last look]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID)."
  echo "Undo the change, commit it, or apply again: docs/gitops.md says when to do which."
  echo
  head --bytes=60000 "$file"
} >"$body"
if [[ -n $first ]]; then
  gh api --silent --method PATCH "$issues/$first" --field "body=@$body" || stays
else
  gh api --silent --method POST "$issues" --raw-field "title=$environment is not as git has it" \
    --field "body=@$body" || stays
fi
