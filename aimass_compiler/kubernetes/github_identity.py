"""How a job of GitHub Actions logs in to a cluster: by its own identity, or by a kubeconfig it was given.

The first way stores no secret. It works with every API server that trusts the issuer
https://token.actions.githubusercontent.com (https://kubernetes.io/docs/reference/access-authn-authz/authentication/).
"""

from __future__ import annotations

import json
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_API = "client.authentication.k8s.io/v1"
_SECONDS = 30


class NoIdentity(Exception):  # noqa: N818  # it reads as what is the case
    """The job has no way to log in; the message says what to set."""


def kubeconfig(environment: Mapping[str, str]) -> str:
    """The kubeconfig that these variables stand for. Raises NoIdentity where they are not set."""
    server = environment.get("KUBE_SERVER", "")
    if not server:
        given = environment.get("GIVEN_KUBECONFIG", "")
        if not given:
            raise NoIdentity("set the variable KUBE_SERVER or the secret KUBECONFIG of this environment")
        return given if given.endswith("\n") else f"{given}\n"
    cluster = {"server": server}
    if authority := environment.get("KUBE_CERTIFICATE_AUTHORITY", ""):
        cluster["certificate-authority-data"] = authority
    command = {
        "apiVersion": _API,
        "command": str(Path(sys.executable).with_name("aimass")),
        "args": ["ci", "token"],
        "interactiveMode": "Never",
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "target", "cluster": cluster}],
        "users": [{"name": "github", "user": {"exec": command}}],
        "contexts": [{"name": "target", "context": {"cluster": "target", "user": "github"}}],
        "current-context": "target",
    }
    return json.dumps(document, indent=2) + "\n"


def write_for_owner(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")


def credential(environment: Mapping[str, str]) -> str:
    """A fresh identity token of the job, as clients of Kubernetes ask for it. Raises NoIdentity.

    Source: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
    """
    address = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    secret = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not address or not secret:
        raise NoIdentity("this job may not ask for identity tokens: it needs `id-token: write`")
    audience = urllib.parse.quote(environment.get("KUBE_AUDIENCE") or "kubernetes")
    request = urllib.request.Request(  # noqa: S310  # GitHub's own service
        f"{address}&audience={audience}", headers={"Authorization": f"bearer {secret}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # as above
            token: Any = json.loads(answer.read())["value"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NoIdentity(f"GitHub's service of identity tokens does not answer: {error}") from None
    return json.dumps({"apiVersion": _API, "kind": "ExecCredential", "status": {"token": token}})
