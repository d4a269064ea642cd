#!/usr/bin/env bash
# Put a plan below a pull request: one comment, which is found by its first line and written anew each time.
#
#   comment.sh FILE
#
# GH_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST come from the environment. Where the token may not write, as
# that of a pull request from a fork, the plan stays in the job's summary.
set -euo pipefail

file=$1
comments=repos/$GITHUB_REPOSITORY/issues

# Only ours counts: anybody may write a comment that begins alike.
ours='.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- aimass plan -->"))) | .id'

stays() {
    echo "::notice title=The plan is in the summary::It could not be written below the pull request"
    exit 0
}

found=$(gh api --paginate "$comments/$PULL_REQUEST/comments" --jq "$ours") || stays
first=${found%%$'\n'*}
if [ -n "$first" ]; then
    gh api --silent --method PATCH "$comments/comments/$first" --field "body=@$file" || stays
elif grep -q '^<details>' "$file"; then
    gh api --silent --method POST "$comments/$PULL_REQUEST/comments" --field "body=@$file" || stays
else
    echo "there is no change to tell, and nothing was said before"
fi
