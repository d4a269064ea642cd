#!/bin/sh
# One spec, from raw data to a served model and its release, in a git repository below build/demo.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
project=$root/build/demo
model=breast-cancer

bold='' cyan='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') cyan=$(printf '\033[36m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
show() { printf '%s$ %s%s\n' "$cyan" "$*" "$plain"; "$@"; }

mkdir -p "$project/specs" "$project/data"
if [ ! -e "$project/specs/$model.yaml" ]; then
    cp "$root/specs/$model.yaml" "$project/specs/"
elif ! cmp -s "$root/specs/$model.yaml" "$project/specs/$model.yaml"; then
    echo "build/demo/specs/$model.yaml is kept as you edited it; rm -r build/demo begins from scratch"
fi
python "$root/data/prepare.py" --folder "$project/data" breast_cancer >/dev/null
cd "$project"
if [ ! -d .git ]; then
    git init --quiet --initial-branch main
    git config user.name "$(git config user.name || echo demo)"
    git config user.email "$(git config user.email || echo demo@example.com)"
    printf '%s\n' /artifacts/ /data/ /server.log /.dvc/cache/ /.dvc/tmp/ >.gitignore
fi

say "1. One spec describes the model: build/demo/specs/$model.yaml"
sed -n '/^target:/,$p' "specs/$model.yaml"

say "2. It is compiled into DVC stages, a Ray job, Dockerfiles and Kubernetes manifests"
show aimass compile

say "3. DVC runs the stages that are not up to date"
show aimass run "$model"

say "4. The model serves"
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
aimass serve "$model" --port "$port" >server.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/v2/health/ready')" 2>/dev/null && break
    sleep 0.1
done
show aimass predict "$model" --example --url "http://127.0.0.1:$port"

say "5. What was made is put on record, as a version of a committed recipe"
if [ -n "$(git status --porcelain specs generated)" ]; then
    git add --all
    show git commit --quiet --message "Declare $model"
fi
show aimass publish "$model"

say "6. A release says where a version runs; a commit of it is what deploys it"
show aimass promote "$model" --to dev
git add --intent-to-add versions releases
show git --no-pager diff --stat
show git --no-pager diff releases

say "Try next, in $project"
cat <<TEXT
  edit specs/$model.yaml, then
  aimass plan                    what would change, and which stages run again
  aimass run $model       runs only those
  aimass explain $model   the spec with every default and where it comes from
  aimass explain spec            the keys that a spec may have
  dvc plots show                 learning curve, ROC, confusion and importance
  aimass build $model dev the manifests of dev, with the release in them
(activate the environment first: . $root/.venv/bin/activate)
TEXT
