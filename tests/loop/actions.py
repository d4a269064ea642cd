"""What the actions do that the workflows use, as far as they use them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loop.hub import Event, git

#: What a checkout's `origin` is called; nothing is fetched from there.
ADDRESS = "https://github.com/acme/models"


class ActionFailed(Exception):  # noqa: N818  # what a step says, not an error of ours
    """An action ended its step."""


def act(action: str, given: Mapping[str, Any], workspace: Path, remote: Path, event: Event) -> str:
    """Do what `uses:` asks for; answers what is logged. Raises ActionFailed."""
    name = action.partition("@")[0]
    match name:
        case "actions/checkout":
            return check_out(given, workspace, remote, event)
        case "astral-sh/setup-uv":
            return "uv is on the PATH"
        case "actions/upload-artifact":
            return keep(given, workspace)
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


def keep(given: Mapping[str, Any], workspace: Path) -> str:
    """Copy files beside the workspace; a pattern that finds none is only warned of, as GitHub does."""
    kept = workspace.with_name(f"{workspace.name}-artifacts") / given["name"]
    told = []
    for path in given["path"].split():
        found = workspace / path
        told.append(f"kept {path}" if found.exists() else f"::warning::No files were found: {path}")
        if found.is_dir():
            shutil.copytree(found, kept / path)
        elif found.exists():
            (kept / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, kept / path)
    if not kept.exists():
        raise ActionFailed("\n".join(told))
    return "\n".join(told)


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
