"""Blocks of a page as the script of a shell: what a person would type, one block after the other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.documentation.blocks import Block

#: Where pages have a server listen, and ask it.
SHOWN_PORT = "8080"
PATIENCE_SECONDS = 900
_BEGIN = f"""\
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
ready() {{
    until curl --silent http://127.0.0.1:{SHOWN_PORT}/v2/health/ready; do sleep 0.2; kill -0 $!; done
}}
curl() {{ command curl --fail-with-body "$@"; }}
"""


def typed(block: Block) -> Iterable[str]:
    """What is typed in a block, without what is answered."""
    text = block.text.replace("\\\n", " ")
    if block.language == "sh":
        return text.splitlines()
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def script(blocks: Iterable[Block]) -> str:
    """All that is typed; a server goes on beside what follows, which waits until it answers."""
    lines = [line for block in blocks for line in typed(block)]
    return _BEGIN + "\n".join(
        f"{line.split('#')[0]} --port {SHOWN_PORT} & ready" if line.startswith("aimass serve ") else line
        for line in lines
    )


def run(blocks: Iterable[Block], folder: Path, variables: dict[str, str]) -> str:
    """What is said when blocks are typed in a folder; fails where a command does."""
    text = script(blocks).replace(SHOWN_PORT, _free_port())
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=os.environ
        | variables
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])
