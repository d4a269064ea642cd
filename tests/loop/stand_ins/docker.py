"""`docker login` and `docker buildx imagetools inspect`, asked of a registry on this machine."""

from __future__ import annotations

import http.client
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def main(words: list[str]) -> int:
    """Log in, or tell whether there is an image."""
    match words:
        case ["login", registry, "--username", user, "--password-stdin"]:
            known = Path(os.environ["STAND_IN_GITHUB"]) / "logins"
            with known.open("a") as file:
                file.write(f"{registry} {user} {sys.stdin.read()}\n")
            return 0
        case ["buildx", "imagetools", "inspect", image]:
            return inspect(image)
        case ["buildx", "imagetools", "create", "--tag", tag, image]:
            return copy(image, tag)
    print(f"docker: not known here: {words}", file=sys.stderr)
    return 2


def inspect(image: str) -> int:
    """0 where the registry has the image; where it says that it has none, in the words of BuildKit."""
    try:
        with urllib.request.urlopen(manifest_of(image)) as answer:  # noqa: S310  # http
            print(f"Name: {image}\nDigest: {answer.headers['Docker-Content-Digest']}")
    except urllib.error.HTTPError as refused:
        reason = (
            "not found" if refused.code == http.client.NOT_FOUND else f"unexpected status: {refused.code}"
        )
        print(f"ERROR: {image}: {reason}", file=sys.stderr)
        return 1
    except urllib.error.URLError as unreachable:
        print(f"ERROR: failed to do request: {unreachable.reason}", file=sys.stderr)
        return 1
    return 0


def copy(image: str, tag: str) -> int:
    """Give an image one more name."""
    with urllib.request.urlopen(manifest_of(image)) as answer:  # noqa: S310  # http
        content, kind = answer.read(), answer.headers["Content-Type"] or "application/json"
    asked = urllib.request.Request(  # noqa: S310  # http
        manifest_of(tag), content, {"Content-Type": kind}, method="PUT"
    )
    with urllib.request.urlopen(asked):  # noqa: S310  # http
        return 0


def manifest_of(image: str) -> str:
    """Where the registry has the manifest of an image."""
    registry, _, rest = image.partition("/")
    repository, _, tag = rest.partition("@") if "@" in rest else rest.rpartition(":")
    return f"http://{registry}/v2/{repository}/manifests/{tag}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
