#!/bin/sh
# A language model from the same spec: fine-tuned, certified, served, and asked for an answer token by token.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
project=$root/build/demo-language-model
model=tickets

bold='' cyan='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') cyan=$(printf '\033[36m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
show() { printf '%s$ %s%s\n' "$cyan" "$*" "$plain"; "$@"; }

mkdir -p "$project/specs" "$project/data"
[ -e "$project/specs/$model.yaml" ] || cp "$root/specs/$model.yaml" "$project/specs/"
if [ ! -e "$project/models/base/model.safetensors" ]; then
    say "0. Tickets are made up, and a base of a million weights learns to read: about a minute"
    python "$root/data/prepare.py" --folder "$project/data" $model
fi
cd "$project"
if [ ! -d .git ]; then
    git init --quiet --initial-branch main
    git config user.name "$(git config user.name || echo demo)"
    git config user.email "$(git config user.email || echo demo@example.com)"
    printf '%s\n' /artifacts/ /data/ /models/ /server.log /.dvc/cache/ /.dvc/tmp/ >.gitignore
fi

say "1. One spec describes the model: build/demo-language-model/specs/$model.yaml"
sed -n '/^target:/,$p' "specs/$model.yaml"

say "2. It is compiled, fine-tuned, measured, merged, certified and tested"
show aimass compile
show aimass run "$model"

say "3. The certificate: training, merged weights and the serving engine read and answer the same"
show cat "artifacts/$model/package/model/parity.json"

say "4. The model serves OpenAI's API, and answers token by token"
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
aimass serve "$model" --port "$port" >server.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 300); do
    python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/v2/health/ready')" 2>/dev/null && break
    sleep 0.1
done
show python "$root/scripts/stream_answer.py" "http://127.0.0.1:$port" "$model" "My router drops the connection since Monday."

say "Try next, in $project"
cat <<TEXT
  edit specs/$model.yaml, such as \`rank: {choice: [4, 16]}\`, then
  aimass run $model              searches, and keeps the best
  aimass explain language_model  what a spec may say of one
(docs/language-models.md has the whole; activate the environment first: . $root/.venv/bin/activate)
TEXT
