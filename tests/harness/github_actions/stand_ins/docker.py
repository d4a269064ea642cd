"""`docker login`, asked of a registry on this machine; nothing else of Docker is used by workflows."""

from __future__ import annotations

import base64
import sys
import urllib.error
import urllib.request


def main(words: list[str]) -> int:
    """Log in, where the registry takes the password."""
    match words:
        case ["login", registry, "--username", user, "--password-stdin"]:
            return log_in(registry, user, sys.stdin.read())
    print(f"docker: not known here: {words}", file=sys.stderr)
    return 2


def log_in(registry: str, user: str, password: str) -> int:
    """Ask as this user, as Docker does before it keeps the password."""
    known = base64.b64encode(f"{user}:{password}".encode()).decode()
    asked = urllib.request.Request(  # http
        f"http://{registry}/v2/", headers={"Authorization": f"Basic {known}"}
    )
    try:
        urllib.request.urlopen(asked).close()  # noqa: S310  # http
    except urllib.error.HTTPError as refused:
        print(f"Error response from daemon: Get {asked.full_url}: {refused.code}", file=sys.stderr)
        return 1
    print("Login Succeeded")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
