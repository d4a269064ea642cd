"""Ray for one stage: on this machine alone, or on the cluster that RAY_ADDRESS names."""

from __future__ import annotations

import logging
import math
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from aimass_compiler.pipeline.training import Training

VARIABLE = "RAY_ADDRESS"
_OBJECT_STORE_BYTES = 100 * 2**20
_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # its tables come even when nothing is to be told
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": str(10**4),  # a population is compared as a whole
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),  # the trials' folders are what a search goes on from
    "TUNE_WARN_THRESHOLD_S": str(10**9),
}
#: What Ray appends to its folder for temporary files, to name a socket (ray._private.node).
_SOCKET = "/ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"
#: The longest path of a socket that the system takes. Source: sun_path in unix(7), and in macOS' sys/un.h
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
_SHORT_FOLDER = "/tmp"  # noqa: S108  # a folder of our own is made in it
_REACH_SECONDS = 5
#: How often Ray is started before that fails.
_STARTS = 4


@contextmanager
def ray_session(training: Training, object_store: int = _OBJECT_STORE_BYTES) -> Iterator[None]:
    """Ray as the environment says, or else only for this process, on this machine, for as long.

    Raises StageFailure where there is no such cluster, or this machine lacks what a trial needs.
    """
    configure_ray()
    with _here(training, object_store) if is_here() else _there(os.environ[VARIABLE]):
        yield


def is_here() -> bool:
    """Whether Ray runs on this machine alone, and not on a cluster."""
    return os.environ.get(VARIABLE, "") in ("", "local")


def configure_ray() -> None:
    """What Ray and Ray Tune are to do and leave, before any of it is imported."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def _here(training: Training, object_store: int) -> Iterator[None]:
    # Only this process and its children can reach it, so no token must be written into the home folder.
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    import ray

    workers, _ = training.worker_range
    with _folder_for_sockets() as folder:
        local: dict[str, Any] = {
            "address": "local",
            "num_cpus": max(os.cpu_count() or 1, math.ceil(workers * training.resources.cpu)),
            "include_dashboard": False,
            "object_store_memory": object_store,
        }
        _start(local | ({"_temp_dir": folder} if folder else {}))
        with _ended_by_shutdown():
            if ray.cluster_resources().get("GPU", 0) < workers * training.gpus:
                raise StageFailure(
                    ExitCode.USAGE,
                    f"a trial needs {workers * training.gpus} GPUs, which this machine does not have",
                    "set `training.gpus` to 0, or train on a cluster",
                )
            yield


def _start(settings: Mapping[str, Any]) -> None:
    """Start Ray, and again where it took longer than it waits for itself, as on a busy machine."""
    import ray

    for attempt in range(_STARTS):
        try:
            ray.init(**settings, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            ray.shutdown()
            if "timed out during startup" not in str(error):
                raise
            if attempt == _STARTS - 1:
                raise StageFailure(
                    ExitCode.TRAINING,
                    f"Ray did not start in {_STARTS} attempts of half a minute",
                    "the machine may be short of memory or busy: try again when it is not",
                ) from None
        else:
            return


@contextmanager
def _there(address: str) -> Iterator[None]:
    if problem := _problem(address):
        raise _no_cluster(address, problem)
    import ray

    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    except (ValueError, RuntimeError, OSError, ImportError) as error:
        lines = str(error).strip().splitlines()
        said = f"Ray says: {lines[0] if lines else type(error).__name__}"
        raise _no_cluster(
            address, said if address != "auto" else "no Ray runs here that could be joined"
        ) from None
    with _ended_by_shutdown():
        yield


@contextmanager
def _ended_by_shutdown() -> Iterator[None]:
    import ray

    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failed trials are told by us
    try:
        yield
    finally:
        ray.shutdown()


def _no_cluster(address: str, problem: str) -> StageFailure:
    return StageFailure(
        ExitCode.USAGE,
        f"{VARIABLE} is set to `{address}`: {problem}",
        f"unset it to train on this machine: `env -u {VARIABLE} aimass run MODEL`; "
        f"or set it to the HOST:PORT of a Ray cluster's head node, mostly port 6379",
    )


def _problem(address: str) -> str:
    """Why no search can run at an address, as far as that can be seen from here; nothing where it may."""
    if address == "auto":
        return ""
    scheme, separator, rest = address.partition("://")
    if separator and scheme in ("http", "https"):
        return "that is a dashboard, to which jobs are submitted, and no cluster that a search can join"
    if separator:
        return f"a search cannot run over {scheme}://"
    host, colon, port = rest.rpartition(":") if separator else address.rpartition(":")
    if not (host and colon and port.isdecimal()):
        return "that is no HOST:PORT"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        return f"nothing answers there ({getattr(error, 'strerror', None) or error})"
    return ""


@contextmanager
def _folder_for_sockets() -> Iterator[str]:
    """A short folder for as long as Ray runs, where that of the system is too long; else nothing."""
    usual = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or _SHORT_FOLDER
    if sys.platform == "win32" or len(os.fsencode(f"{Path(usual).absolute()}{_SOCKET}")) <= _LONGEST_SOCKET:
        yield ""
        return
    try:
        folder = tempfile.mkdtemp(prefix="aimass-", dir=_SHORT_FOLDER)
    except OSError as error:
        raise StageFailure(
            ExitCode.DISK,
            f"the folder for temporary files, {usual}, has too long a name for Ray's sockets, and "
            f"{_SHORT_FOLDER} cannot be written: {error.strerror}",
            "set TMPDIR to a folder with a short name: `TMPDIR=/scratch/me aimass run MODEL`",
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
