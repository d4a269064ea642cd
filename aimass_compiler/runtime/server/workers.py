"""Several processes that answer on one port, and the one that starts, replaces and stops them.

A small model is computed in less time than Python takes around it, and Python uses one core a process.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.listener import bound
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.worker_peers import VARIABLE, WorkerBoard, keep_last_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.settings import ServerSettings

_MODULE = "aimass_compiler.runtime.server"
_LOOK_SECONDS, _STARTING_SECONDS = 1.0, 0.02
#: How long a worker that ended is waited for before it is replaced, twice as long each time that it ended
#: soon again.
_FIRST_PAUSE, _LONGEST_PAUSE, _SOON_SECONDS = 0.5, 30.0, 60.0
_ENDINGS = (signal.SIGTERM, signal.SIGINT)


class _Worker:
    """One process, and when it may be started again."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self.due = 0.0
        self.pause = _FIRST_PAUSE


class WorkerSupervisor:
    """Keeps as many workers running as the settings say, until it is told to stop."""

    def __init__(self, settings: ServerSettings, log: EventLog, arguments: Sequence[str]) -> None:
        """Start workers with these arguments of the command line."""
        self._settings, self._log, self._arguments = settings, log, arguments
        self._workers = [_Worker(number) for number in range(settings.workers)]
        self._signals: list[int] = []
        self._is_stopping = False
        self._code = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; answers one of `ExitCode`.

        Raises ServerFailure where the address cannot be had.
        """
        started = time.monotonic()
        self._log.event("start", {"package": str(self._settings.package), "workers": len(self._workers)})
        folder = Path(tempfile.mkdtemp(prefix="aimass-workers-"))
        try:
            with bound(self._settings.host, self._settings.port) as listener, socket.socket() as place:
                self._listener, self._folder = listener, folder
                self._grpc_port = self._grpc_place(place)
                self._board = WorkerBoard(folder, len(self._workers), is_new=True)
                self._follow(started)
            unfinished = self._board.unfinished
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        seconds = round(time.monotonic() - started, 3)
        self._log.event("stop", {"seconds": seconds, "unfinished": unfinished})
        return self._code

    def _grpc_place(self, place: socket.socket) -> int | None:
        """The port for gRPC; a free one is kept by a socket, and each worker binds it again."""
        if self._settings.grpc_port == 0:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            place.bind((self._settings.host, 0))
            return int(place.getsockname()[1])
        return self._settings.grpc_port

    def _follow(self, started: float) -> None:
        waking, wake = socket.socketpair()
        with waking, wake:
            wake.setblocking(False)
            signal.set_wakeup_fd(wake.fileno())
            for number in (*_ENDINGS, signal.SIGCHLD):
                signal.signal(number, lambda number, _: self._signals.append(number))
            is_told = False
            while True:
                self._look()
                if self._is_stopping and not any(worker.process for worker in self._workers):
                    return
                if not is_told and self._board.ready == len(self._workers):
                    is_told = True
                    self._board.note_started()
                    self._log.event("ready", self._told(started))
                seconds = _LOOK_SECONDS if is_told or self._is_stopping else _STARTING_SECONDS
                if select.select([waking], [], [], seconds)[0]:
                    waking.recv(512)

    def _told(self, started: float) -> dict[str, object]:
        grpc = {} if self._grpc_port is None else {"grpc_port": self._grpc_port}
        return {
            "workers": len(self._workers),
            "host": self._settings.host,
            "port": self._listener.getsockname()[1],
            **grpc,
            "seconds": round(time.monotonic() - started, 3),
        }

    def _look(self) -> None:
        """Hand on signals, take note of who ended, and start whoever is due."""
        while self._signals:
            number = self._signals.pop(0)
            if number in _ENDINGS:
                self._is_stopping = True
                self._send(number)
        for worker in self._workers:
            if worker.process is not None and (code := worker.process.poll()) is not None:
                self._ended(worker, code)
            if worker.process is None and not self._is_stopping and time.monotonic() >= worker.due:
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        told = f"{worker.number}:{len(self._workers)}:{self._listener.fileno()}:{self._folder}"
        grpc = [] if self._grpc_port is None else [f"--grpc-port={self._grpc_port}"]
        worker.began = time.monotonic()
        worker.process = subprocess.Popen(  # noqa: S603  # this program itself
            [sys.executable, "-m", _MODULE, *self._arguments, *grpc],
            env={**os.environ, VARIABLE: told},
            pass_fds=[self._listener.fileno()],
            process_group=0,  # a terminal's Ctrl-C reaches it by way of this process alone
        )

    def _ended(self, worker: _Worker, code: int) -> None:
        worker.process = None
        self._board.note_ready(worker.number, is_ready=False)
        keep_last_counts(self._folder, worker.number)
        if self._is_stopping:
            if code > 0:
                self._code = self._code or code
            return
        if not self._board.have_started:
            # What one cannot serve the others cannot either.
            self._code, self._is_stopping = (code if code > 0 else int(ExitCode.SERVICE)), True
            self._send(signal.SIGTERM)
            return
        now = time.monotonic()
        has_lasted = now - worker.began > _SOON_SECONDS
        worker.pause = _FIRST_PAUSE if has_lasted else min(2 * worker.pause, _LONGEST_PAUSE)
        worker.due = now + worker.pause
        self._board.note_restart()
        fields = {"worker": worker.number, "code": code, "again_seconds": worker.pause}
        self._log.event("worker ended", fields, "error")

    def _send(self, number: int) -> None:
        for worker in self._workers:
            if worker.process is not None:
                worker.process.send_signal(number)


def supervise(settings: ServerSettings, log: EventLog, arguments: Sequence[str]) -> int:
    """Serve by several workers; answers one of `ExitCode`. Raises ServerFailure where it cannot."""
    if not hasattr(socket, "SO_REUSEPORT") or not hasattr(socket, "AF_UNIX"):
        raise ServerFailure(ExitCode.SERVICE, "this system has no sockets that several workers share")
    return WorkerSupervisor(settings, log, arguments).run()
