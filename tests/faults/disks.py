"""A disk that does not tell `Churn` from `churn`, as on macOS and Windows: exFAT, by FUSE or the kernel."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Names a folder on such a disk, for those who may not mount one.
VARIABLE = "AIMASS_TEST_CASELESS_FOLDER"
KINDS = ("exfat", "exfat-fuse")
SMALL = 64 << 20


def is_caseless(folder: Path) -> bool:
    """Whether the disk that a folder is on takes names for one that differ in case only."""
    (folder / "case").touch()
    try:
        return (folder / "CASE").exists()
    finally:
        (folder / "case").unlink()


@contextlib.contextmanager
def caseless(folder: Path) -> Iterator[Path]:
    """A folder on such a disk: the one that is named, this one, or one on a disk mounted for it."""
    named = os.environ.get(VARIABLE)
    if named:
        assert is_caseless(Path(named)), f"${VARIABLE} names {named}, where case is told apart"
        own = Path(named, uuid.uuid4().hex)
        own.mkdir()
        try:
            yield own
        finally:
            shutil.rmtree(own)
    elif is_caseless(folder):
        yield folder
    else:
        with _mounted(folder) as mounted:
            yield mounted


@contextlib.contextmanager
def _mounted(folder: Path) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip(
            f"only root on Linux mounts a disk that knows no case; ${VARIABLE} may name a folder on one"
        )
    if not shutil.which("mkfs.exfat"):
        pytest.skip("no mkfs.exfat here; Debian's exfatprogs and exfat-fuse bring a disk that knows no case")
    image, point = folder / "caseless.img", folder / "caseless"
    with image.open("wb") as stream:
        stream.truncate(SMALL // 4)
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    point.mkdir()
    _mount(image, point)
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


def _mount(image: Path, point: Path) -> None:
    refusals = []
    for kind in KINDS:
        command = ["mount", "-t", kind, "-o", "loop", image, point]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        refusals.append(done.stderr.strip())
    pytest.skip(f"exFAT cannot be mounted here: {'; '.join(refusals)}")
