"""A server that speaks S3, with one bucket, in another process."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: `make clients` makes it.
CLIENTS = Path(__file__).parents[2] / "build" / "clients-venv" / "bin" / "python"
BUCKET = "models"
KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}


@contextmanager
def s3_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of its bucket; variables of the environment lead there."""
    python = CLIENTS if CLIENTS.exists() else Path(sys.executable)
    if subprocess.run([python, "-c", "import moto.server"], capture_output=True, check=False).returncode:
        pytest.skip("`make clients` installs a server that speaks S3")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": url, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    log = (folder / "moto.log").open("w")
    code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    process = subprocess.Popen([python, "-c", code], stdout=log, stderr=log)
    try:
        _answered(f"{url}/moto-api/", process)
        urllib.request.urlopen(urllib.request.Request(f"{url}/{BUCKET}", method="PUT")).close()  # noqa: S310  # ours
        yield f"s3://{BUCKET}"
    finally:
        process.kill()
        process.wait()
        log.close()


def _answered(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers; fails when it has ended."""
    while True:
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url).close()  # noqa: S310  # ours
        except OSError:
            time.sleep(0.2)
        else:
            return
