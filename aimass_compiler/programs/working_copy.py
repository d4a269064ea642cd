"""A copy of a project as it is now, in a worktree of its repository, for what must not touch the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from aimass_compiler.programs import git
from aimass_compiler.programs.dvc import DvcFailed

#: Lets DVC keep what it makes in the copy where the project keeps it, as `dvc cache dir` does.
_SHARE = """
import sys
from dvc.config import Config
from dvc.repo import Repo
cache = Repo(sys.argv[1]).cache.local_cache_dir
with Config(sys.argv[2]).edit("local") as config:
    config.setdefault("cache", {})["dir"] = cache
"""
#: Folders of DVC, which git leaves out unless DVC was there before the repository.
_DVC_KEEPS = ("/.dvc/tmp/", "/.dvc/cache/")
#: From this size on, in bytes, files are linked.
_LARGE = 64 * 2**20
_LOCAL_CONFIG = Path(".dvc/config.local")


def made(root: Path, folder: Path, data: Iterable[str]) -> Path:
    """A copy of the project's repository at `folder`, on the same commit; answers the project's root in it.

    It has what git has, what was changed and added since, and of what git leaves out these files and
    folders of `data`. A copy that is there already is brought up to date; what git leaves out stays in it.
    Raises GitError where there is no commit, and DvcFailed.
    """
    prefix = git.prefix(root)
    if (folder / ".git").exists():
        git.answer(["checkout", "--quiet", "--detach", "--force", git.commit_of("HEAD", root)], folder)
        git.answer(["clean", "-d", "--force", "--quiet"], folder)
    else:
        git.answer(["worktree", "prune"], root)
        folder.parent.mkdir(parents=True, exist_ok=True)
        git.answer(["worktree", "add", "--quiet", "--detach", "--force", str(folder), "HEAD"], root)
    top = Path(git.top(root))
    for path in git.changed_or_untracked(top):
        if any(kept in f"/{path}" for kept in _DVC_KEEPS) or path.endswith("/"):  # another repository
            continue
        _copied(top / path, folder / path)
    copy = folder / prefix
    for path in data:
        if not (copy / path).exists():
            _copied(root / path, copy / path)
    _share_cache(root, copy)
    return copy


def removed(root: Path, folder: Path) -> None:
    """Take a copy away, with what was made in it."""
    shutil.rmtree(folder, ignore_errors=True)
    git.answer(["worktree", "prune"], root)


def _copied(source: Path, target: Path) -> None:
    """Bring a file or folder into the copy, or take it out where it was deleted."""
    if not source.exists() and not source.is_symlink():
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_linked, dirs_exist_ok=True)
    else:
        target.unlink(missing_ok=True)
        _linked(str(source), str(target))


def _linked(source: str, target: str) -> None:
    """Small files are copied; large ones, which no stage writes to, are linked where that can be."""
    try:
        if Path(source).stat().st_size >= _LARGE:
            os.link(source, target)
            return
    except OSError:  # the folders are on two file systems, or on one without links
        pass
    shutil.copy2(source, target)


def _share_cache(root: Path, copy: Path) -> None:
    if (root / _LOCAL_CONFIG).is_file():
        shutil.copy2(root / _LOCAL_CONFIG, copy / _LOCAL_CONFIG)
    command = [sys.executable, "-c", _SHARE, str(root), str(copy / ".dvc")]
    done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603  # a list of arguments
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["it does not say why"]
        raise DvcFailed(f"DVC's cache cannot be shared: {reason[0]}")
