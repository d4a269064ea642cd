"""Envoy's rate limit service with Redis, as Envoy Gateway configures it for our objects."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scripts.cluster import envoy
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import ProgramMissing, program

_ADDRESS = "127.0.0.1"
_START_SECONDS = 60
_FOLDER = "limits"


def configurations(documents: Sequence[dict[str, Any]], folder: Path) -> dict[str, str]:
    """How Envoy Gateway configures the service for these objects, by domain.

    Raises envoy.Refused, ProgramMissing and BuildFailed.
    """
    found = envoy.translate(documents, folder, "--to=ir")
    done = subprocess.run(
        [str(program("rate-limits"))], input=found, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise envoy.Refused(done.stderr.strip()[:4000])
    configured: dict[str, str] = json.loads(done.stdout)
    return configured


@contextmanager
def running(configured: Mapping[str, str], folder: Path) -> Iterator[int]:
    """Run it while the block lasts; answers its port. Raises envoy.Refused, ProgramMissing, BuildFailed."""
    place = folder / _FOLDER / "config"
    place.mkdir(parents=True)
    for number, text in enumerate(configured.values()):
        (place / f"domain-{number}.yaml").write_text(text, encoding="utf-8")
    redis, grpc, web, debug = free_ports(4)
    variables = {
        "RUNTIME_ROOT": str(folder),
        "RUNTIME_SUBDIRECTORY": _FOLDER,
        "RUNTIME_WATCH_ROOT": "false",
        "USE_STATSD": "false",
        "REDIS_SOCKET_TYPE": "tcp",
        "REDIS_URL": f"{_ADDRESS}:{redis}",
        **{f"{name}HOST": _ADDRESS for name in ("", "GRPC_", "DEBUG_")},
        "PORT": str(web),
        "GRPC_PORT": str(grpc),
        "DEBUG_PORT": str(debug),
    }
    store = [_redis(), "--bind", _ADDRESS, "--port", str(redis), "--save", "", "--dir", str(folder)]
    with ExitStack() as stack:
        for command, name in ((store, "redis"), ([str(program("ratelimit"))], "ratelimit")):
            started = Background(command, folder / f"{name}.log", folder, variables)
            started.start()
            stack.callback(started.stop)
        if not started.is_ready_at(web, "/healthcheck", _START_SECONDS):
            raise envoy.Refused(f"the rate limit service is not ready:\n{started.last_words()}")
        yield grpc


def _redis() -> str:
    found = shutil.which("redis-server")
    if found is None:
        raise ProgramMissing("no redis-server: Debian's package `redis-server` has it")
    return found
