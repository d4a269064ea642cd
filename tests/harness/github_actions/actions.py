"""What the actions do that the workflows use, as far as they use them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.github_actions.hub import Event, git
from tests.harness.github_service import TOKEN

#: What a checkout's `origin` is called; nothing is fetched from there.
ADDRESS = "https://github.com/acme/models"


class ActionFailed(Exception):  # noqa: N818  # what a step says, not an error of ours
    """An action ended its step."""


def act(
    action: str, given: Mapping[str, Any], workspace: Path, remote: Path, event: Event
) -> tuple[str, dict[str, str]]:
    """Do what `uses:` asks for; answers what is logged, and outputs. Raises ActionFailed."""
    name = action.partition("@")[0]
    match name:
        case "actions/checkout":
            return check_out(given, workspace, remote, event), {}
        case "astral-sh/setup-uv":
            return "uv is on the PATH", {}
        case "actions/attest-build-provenance":
            return attest(given, workspace)
        case "actions/create-github-app-token":
            return become_app(given)
    raise AssertionError(f"nobody here knows what {name} does")


def check_out(given: Mapping[str, Any], workspace: Path, remote: Path, event: Event) -> str:
    """The commit of the event, or another one, with as much of the history as was asked for."""
    wanted = given.get("ref") or event.sha
    depth = int(given.get("fetch-depth", 1))
    git(workspace, "init", "--quiet", "--initial-branch=main")
    git(workspace, "remote", "add", "origin", ADDRESS)
    # Without a depth, the whole history comes, and all branches.
    options = [f"--depth={depth}"] if depth else []
    branches = [] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
    git(workspace, "fetch", "--quiet", *options, f"file://{remote}", wanted, *branches)
    if "sparse-checkout" in given:
        git(workspace, "sparse-checkout", "set", *given["sparse-checkout"].split())
    git(workspace, "checkout", "--quiet", "--detach", wanted)
    return f"HEAD is now at {wanted}"


def attest(given: Mapping[str, Any], workspace: Path) -> tuple[str, dict[str, str]]:
    """Sign which image was made; here no more than a file that says so."""
    if not re.fullmatch("sha256:[0-9a-f]{64}", given["subject-digest"]):
        raise ActionFailed(f"no digest: {given['subject-digest']}")
    bundle = workspace.with_name(f"{workspace.name}-attestation.json")
    bundle.write_text(json.dumps(dict(given), sort_keys=True))
    return f"attested {given['subject-name']}", {"bundle-path": str(bundle)}


def become_app(given: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """A token of the app, whose key the job was given."""
    if not given["app-id"] or not given["private-key"]:
        raise ActionFailed("the app has no identity or no key")
    return f"token of the app {given['app-id']}", {"token": TOKEN}


def ran(script: Path, shell: str | None, workspace: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit status and the output of a `run:`; a shell that is not named has no pipefail."""
    options = ("--noprofile", "--norc", "-eo", "pipefail") if shell == "bash" else ("-e",)
    assert shell in (None, "bash"), shell
    done = subprocess.run(
        ["bash", *options, script],
        cwd=workspace,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
