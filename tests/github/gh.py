"""Runs a script of the workflows with a `gh` that lists what a test gives it and keeps what is written."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[2] / ".github" / "scripts"
#: Answers like `gh api`: lists LISTED through jq, and keeps the body that it is asked to write.
_GH = """\
#!/bin/sh
echo "$*" >>"$CALLS"
case $* in
  *--jq*)
    [ "$REFUSED" = list ] && { echo "gh: $REFUSAL" >&2; exit 1; }
    while [ "$1" != --jq ]; do shift; done
    jq -r "$2" "$LISTED" ;;
  *--method*)
    [ "$REFUSED" = write ] && { echo 'gh: Resource not accessible by integration (HTTP 403)' >&2; exit 1; }
    for last in "$@"; do :; done
    case $last in body=@*) cat "${last#body=@}" >"$WRITTEN" ;; esac ;;
esac
"""


def run(
    script: str, *arguments: str, folder: Path, listed: list[dict[str, Any]], **variables: str
) -> tuple[subprocess.CompletedProcess[str], list[str], str]:
    """What the script said, what it asked of GitHub, and what it wrote.

    REFUSED says what GitHub refuses, `list` or `write`, and REFUSAL how it refuses to list.
    """
    (folder / "gh").write_text(_GH)
    (folder / "gh").chmod(0o755)
    (folder / "listed.json").write_text(json.dumps(listed))
    own = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "LISTED": str(folder / "listed.json"),
        "WRITTEN": str(folder / "written"),
        "GITHUB_REPOSITORY": "acme/models",
    }
    done = subprocess.run(
        [SCRIPTS / script, *arguments],
        cwd=folder,
        env={**os.environ, **own, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    written = (folder / "written").read_text() if (folder / "written").exists() else ""
    return done, (folder / "calls").read_text().splitlines(), written
