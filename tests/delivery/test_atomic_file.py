"""A file that could not be written is named, also where the system does not say which it was."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.atomic_file import replace_file, replacing

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_disk_names_the_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "v1.json"
    target.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failed:
        replace_file(target, b"new")
    assert failed.value.filename == str(target)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("v1.json", "old")]


def test_a_folder_that_takes_no_file_names_the_one_that_was_to_be(tmp_path: Path) -> None:
    target = tmp_path / "none" / "report.html"
    with pytest.raises(FileNotFoundError) as failed, replacing(target) as temporary:
        temporary.write_text("new")
    assert failed.value.filename == str(target)
