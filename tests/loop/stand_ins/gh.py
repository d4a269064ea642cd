"""`gh api` for issues and the comments of pull requests, which are files here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["STAND_IN_GITHUB"])
AUTHOR = {"login": "github-actions[bot]"}


def main(words: list[str]) -> int:
    """List through jq, write something, or write it anew."""
    if not os.environ.get("GH_TOKEN"):
        print("gh: To use GitHub CLI in a workflow, set the GH_TOKEN environment variable.", file=sys.stderr)
        return 4
    match words:
        case ["api", "--paginate", address, "--jq", program]:
            path, _, asked = address.partition("?")
            found = [each for each in read(path) if "state=open" not in asked or each["state"] == "open"]
            shown = [each for each in found if each["of"] == path]
            told = subprocess.run(["jq", "-r", program], input=json.dumps(shown), text=True, check=False)
            return told.returncode
        case ["api", "--silent", "--method", "POST", path, *fields]:
            known = read(path)
            number = len(known) + 1
            new = {"id": number, "number": number, "of": path, "user": AUTHOR, "state": "open"}
            write(path, [*known, new | given(fields)])
        case ["api", "--silent", "--method", "PATCH", path, *fields]:
            known = read(path)
            (found,) = (each for each in known if each["id"] == int(path.rpartition("/")[2]))
            found |= given(fields)
            write(path, known)
        case _:
            print(f"gh: not known here: {words}", file=sys.stderr)
            return 2
    return 0


def file_of(path: str) -> Path:
    """Comments have one, and issues another."""
    return FOLDER / ("comments.json" if "comments" in path.split("/") else "issues.json")


def read(path: str) -> list[dict[str, Any]]:
    """All that there are."""
    file = file_of(path)
    known: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return known


def write(path: str, known: list[dict[str, Any]]) -> None:
    """Keep them."""
    file_of(path).write_text(json.dumps(known))


def given(fields: list[str]) -> dict[str, str]:
    """The values of `--field NAME=VALUE`, where `@FILE` is what stands in a file, and of `--raw-field`."""
    found = {}
    for option, text in zip(fields[::2], fields[1::2], strict=True):
        name, _, value = text.partition("=")
        is_file = option == "--field" and value.startswith("@")
        found[name] = Path(value[1:]).read_text() if is_file else value
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
