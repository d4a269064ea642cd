"""A control plane in a process of its own: tests side by side share it, and `make cluster` leaves it on.

Its folder tells the others how it is: `ready` names the kubeconfig, `failed` says why there is none, and
`lock` is held for as long as it lives.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from scripts.cluster import custom_resources
from scripts.cluster.cluster import Cluster, Refused
from scripts.cluster.control_plane import ControlPlane, NotReady
from scripts.cluster.programs import BuildFailed, ProgramMissing, program

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 300
_STOP_SECONDS = 30
_PAUSE = 0.1
#: Which custom resources a cluster knows from the start: none, those that are rendered, every operator's.
DEFINITIONS: dict[str, Callable[[], list[Path]]] = {
    "none": list,
    "rendered": custom_resources.rendered,
    "all": custom_resources.everything,
}
_TROUBLES = (ProgramMissing, BuildFailed, NotReady, Refused, OSError)


def launch(folder: Path, *options: str) -> None:
    """Start `serve` in the background; `options` are its own. Nothing happens where one runs already.

    Raises NotReady where the folder is somebody else's.
    """
    if is_running(folder):
        return
    if folder.exists() and any(folder.iterdir()) and not (folder / "process").exists():
        raise NotReady(f"{folder} is not empty, and what is in it is of no cluster; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "scripts.cluster", "serve", "--folder", str(folder), *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait(folder: Path) -> Path:
    """The kubeconfig of what was launched, once it is ready. Raises NotReady with the reason."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if (folder / "failed").exists():
            raise NotReady((folder / "failed").read_text(encoding="utf-8"))
        if (folder / "ready").exists():
            return Path((folder / "ready").read_text(encoding="utf-8"))
        time.sleep(_PAUSE)
    raise NotReady(f"no cluster after {_START_SECONDS} s; logs are in {folder}")


def serve(folder: Path, until: int | None, define: str) -> int:
    """Run a control plane until a signal comes or the process `until` has ended.

    It defines the custom resources that are called so in DEFINITIONS.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with FileLock(folder / "lock", timeout=0):
        (folder / "process").write_text(str(os.getpid()), encoding="utf-8")
        try:
            with running(folder) as plane:
                Cluster(plane.kubeconfig, program("kubectl"), folder).define(DEFINITIONS[define]())
                _tell(folder / "ready", str(plane.kubeconfig))
                while until is None or _is_alive(until):
                    time.sleep(_PAUSE)
        except _TROUBLES as error:
            _tell(folder / "failed", str(error))
            return 1
    return 0


@contextmanager
def running(folder: Path) -> Iterator[ControlPlane]:
    """A control plane with its controllers, which ends with the block."""
    plane = ControlPlane(folder, has_controllers=True)
    try:
        plane.start()
        yield plane
    finally:
        plane.end()


def stop(folder: Path) -> bool:
    """End what was launched; answers whether there was one."""
    if not is_running(folder):
        return False
    os.kill(int((folder / "process").read_text(encoding="utf-8")), signal.SIGTERM)
    with FileLock(folder / "lock", timeout=_STOP_SECONDS):
        shutil.rmtree(folder)
    return True


def is_running(folder: Path) -> bool:
    """Whether a process serves this folder: then it holds the lock."""
    if not (folder / "process").exists():
        return False
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _tell(path: Path, text: str) -> None:
    half = path.with_suffix(".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
