"""`gh api` for the comments of a pull request, which are a file here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

COMMENTS = Path(os.environ["STAND_IN_GITHUB"]) / "comments.json"
AUTHOR = {"login": "github-actions[bot]"}


def main(words: list[str]) -> int:
    """List comments through jq, write one, or write one anew."""
    if not os.environ.get("GH_TOKEN"):
        print("gh: To use GitHub CLI in a workflow, set the GH_TOKEN environment variable.", file=sys.stderr)
        return 4
    comments = json.loads(COMMENTS.read_text()) if COMMENTS.exists() else []
    match words:
        case ["api", "--paginate", address, "--jq", program]:
            listed = [each for each in comments if each["issue"] == number_in(address)]
            return subprocess.run(
                ["jq", "-r", program], input=json.dumps(listed), text=True, check=False
            ).returncode
        case ["api", "--silent", "--method", "POST", address, "--field", text]:
            known = {"id": len(comments) + 1, "issue": number_in(address), "user": AUTHOR}
            comments.append(known | {"body": body_of(text)})
        case ["api", "--silent", "--method", "PATCH", address, "--field", text]:
            (found,) = (each for each in comments if each["id"] == int(address.rpartition("/")[2]))
            found["body"] = body_of(text)
        case _:
            print(f"gh: not known here: {words}", file=sys.stderr)
            return 2
    COMMENTS.write_text(json.dumps(comments))
    return 0


def number_in(address: str) -> int:
    """The number of the pull request in `repos/OWNER/NAME/issues/NUMBER/comments`."""
    return int(address.split("/")[4])


def body_of(field: str) -> str:
    """The text of `body=@FILE`."""
    return Path(field.removeprefix("body=@")).read_text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
