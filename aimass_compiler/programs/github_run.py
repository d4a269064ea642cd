"""The run of a GitHub workflow that this process is part of."""

from __future__ import annotations

import os


def run_address() -> str:
    """The address of the run, or nothing outside of one.

    Source: https://docs.github.com/actions/reference/workflows-and-actions/variables
    """
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
