"""A registry of images on this machine: the one that most others follow, with all in memory."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.cluster import programs
from scripts.cluster.processes import Background, free_ports

_START_SECONDS = 60


@dataclass(frozen=True)
class Registry:
    """A registry that answers; its place begins the names of its images."""

    place: str
    process: Background


@contextmanager
def running(folder: Path, auth: Mapping[str, Any] | None = None) -> Iterator[Registry]:
    """A registry that is empty at first and ends with the block. Raises ProgramMissing, BuildFailed."""
    (port,) = free_ports(1)
    place = f"127.0.0.1:{port}"
    settings = folder / "registry.json"
    settings.write_text(
        json.dumps(
            {
                "version": "0.1",
                "log": {"level": "warn", "accesslog": {"disabled": True}},
                "storage": {"inmemory": {}, "delete": {"enabled": True}},
                "http": {"addr": place},
                **({"auth": auth} if auth else {}),
            }
        )
    )
    program = str(programs.program("registry"))
    process = Background([program, "serve", str(settings)], folder / "registry.log", folder)
    process.start()
    try:
        _wait(place, process)
        yield Registry(place, process)
    finally:
        process.stop()


def _wait(place: str, process: Background) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.is_running:
        try:
            urllib.request.urlopen(f"http://{place}/v2/").close()
        except urllib.error.HTTPError:  # it asks who this is
            return
        except urllib.error.URLError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the registry does not answer: {process.last_words()}")
