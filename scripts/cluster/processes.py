"""Programs that run in the background, write to a file, and never outlive the process that started them."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_STOP_SECONDS = 10
_PR_SET_PDEATHSIG = 1
_LAST_LINES = 15
_FIRST_PORT, _PORTS = 20_000, 12_000


class Background:
    """One program, which can be started again after it has ended."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`folder` is where it runs, and `variables` are further ones of its environment."""
        self.command = list(command)
        self.log = log
        self._folder = folder
        self._variables = variables or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it says is appended to the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**os.environ, **self._variables},
                # A session of its own, so that an interrupt from the keyboard does not end it before us.
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # no threads yet
            )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> int | None:
        """The identifier of the running process."""
        return self._process.pid if self._process is not None and self.is_running else None

    def is_ready_at(self, port: int, path: str, seconds: float) -> bool:
        """Wait until it answers a path at a port with 200; False where it ends before, or takes longer."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.is_running:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", path)
                if connection.getresponse().status == http.client.OK:
                    return True
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.1)
        return False

    def stop(self) -> None:
        """End it in order; one that does not end is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after a pause."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None  # noqa: S101  # only what was started is paused
        self._process.send_signal(number)

    def last_words(self) -> str:
        """The end of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])


def _end_with_parent() -> None:
    """Between fork and exec: let the kernel kill this process when the one that started it is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nothing listens on.

    They lie below those that systems give to connections, of which one could else take a port while the
    program that listened on it is being restarted.
    """
    free: list[int] = []
    while len(free) < count:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            free += [port] if port not in free else []
    return free
