#!/usr/bin/env bash
# Install the compiler into .venv: nothing but what requirements/ pins by hash, and nothing that builds unpinned.
#
#   install.sh core | cluster | train
#
# Where the compiler's own sources are, they are installed. Any other repository pins a release among the rest
# (docs/gitops.md says how).
set -euo pipefail

pins=requirements/$1.txt
wheels=(--require-hashes --only-binary :all:)
# DVC brings this one, which has no wheel: it is built with the pinned setuptools.
built=(--no-binary antlr4-python3-runtime --no-build-isolation)

for file in requirements/build.txt "$pins"; do
  [[ -f $file ]] || {
    echo "::error title=No pins::$file is missing: docs/gitops.md says how it is written" >&2
    exit 1
  }
done
uv venv
uv pip install "${wheels[@]}" -r requirements/build.txt
uv pip install "${wheels[@]}" "${built[@]}" -r "$pins"
if grep -qs '^name = "aimass-compiler"$' pyproject.toml; then
  uv pip install --no-deps --no-build-isolation .
fi
[[ -x .venv/bin/aimass ]] || {
  echo "::error title=No compiler::$pins pins no release of aimass-compiler: docs/gitops.md says how it is written" >&2
  exit 1
}
