"""Killed, refused by the system, attacked or run twice: nothing outside changes, and a next run converges."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.plan import compare, snapshot, update, write

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = {"churn/a": b"old a", "churn/b": b"old b", "churn/gone": b"gone", "fraud/x": b"x", "old/y": b"y"}
NEW = {"churn/a": b"new a", "churn/b": b"new b", "churn/deep/c": b"new c", "fraud/x": b"new x"}
NEWER = {"churn/a": b"newer a", "churn/deep/c": b"newer c", "churn/d": b"d"}


def files_below(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "inventory.json"
    }


KILLED = """
    import os, pathlib, signal, sys
    from aimass_compiler.plan import update
    left = int(sys.argv[2])
    def counted(act):
        def acting(*arguments, **named):
            global left
            left -= 1
            if left < 0 and sys.argv[3] == "before": os.kill(os.getpid(), signal.SIGKILL)
            result = act(*arguments, **named)
            if left < 0: os.kill(os.getpid(), signal.SIGKILL)
            return result
        return acting
    for name in ("replace", "rmdir", "unlink", "write"):
        setattr(os, name, counted(getattr(os, name)))
    update(eval(sys.argv[4]), pathlib.Path(sys.argv[1]), prune_models=True)
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [0, 1, 3, 6, 10])
def test_a_run_that_was_killed_is_continued_by_the_next(tmp_path: pathlib.Path, step: int, when: str) -> None:
    update(OLD, tmp_path)
    program = textwrap.dedent(KILLED)
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(step), when, repr(NEW)], check=False
    )
    assert killed.returncode == -9
    assert update(NEWER, tmp_path, prune_models=True)[1] == []
    assert files_below(tmp_path) == NEWER


class Killed(BaseException):
    """Stands for the moment at which a process is gone: nothing is cleaned up by what follows."""


class Countdown:
    """Lets calls through until none is left, and then kills at every one."""

    def __init__(self, left: int) -> None:
        self.left = left

    def counted(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return act(*arguments, **named)

        return acting


def killed_at(monkeypatch: pytest.MonkeyPatch, left: int) -> Countdown:
    """Kill at one of the calls that change the disk."""
    countdown = Countdown(left)
    for name in ("write", "mkdir", "replace", "unlink", "rmdir"):
        monkeypatch.setattr(os, name, countdown.counted(getattr(os, name)))
    return countdown


@pytest.mark.parametrize("following", [OLD, NEW, NEWER], ids=["reverted", "again", "changed once more"])
@pytest.mark.parametrize("before", [OLD, {}], ids=["over another", "into nothing"])
def test_whichever_call_is_the_last_a_next_run_converges(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, bytes],
    following: dict[str, bytes],
) -> None:
    for step in range(1000):
        folder = tmp_path / str(step)
        update(before, folder)
        with monkeypatch.context() as patched:
            countdown = killed_at(patched, step)
            with contextlib.suppress(Killed):
                update(NEW, folder, prune_models=True)
        found = files_below(folder)
        shown = {path: content for path, content in found.items() if not path.startswith(".partial/")}
        assert all(content in (before.get(path), NEW.get(path)) for path, content in shown.items())
        assert update(following, folder, prune_models=True)[1] == []
        assert files_below(folder) == following
        assert not compare(following, snapshot(folder, following), prune_models=True).is_stale
        assert [path for path in folder.rglob("*") if path.is_dir() and not list(path.iterdir())] == []
        if countdown.left >= 0:
            break
    assert step > 10


def test_an_edit_made_after_a_killed_run_is_still_an_edit(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(OLD, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", Countdown(2).counted(os.replace))
        with pytest.raises(Killed):
            update(NEW, tmp_path)
    (tmp_path / "churn/b").write_bytes(b"mine")
    assert [finding.code for finding in update(NEW, tmp_path)[1]] == ["AM033"]


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: pathlib.Path) -> None:
    update(OLD, tmp_path)
    (tmp_path / ".partial/churn/deep").mkdir(parents=True)
    (tmp_path / ".partial/churn/deep/a").write_bytes(b"half")
    (tmp_path / ".partial/churn/link").symlink_to("/")
    assert not compare(OLD, snapshot(tmp_path, OLD), prune_models=True).is_stale
    assert update(OLD, tmp_path)[1] == []
    assert not (tmp_path / ".partial").exists()


def test_what_a_power_failure_emptied_is_written_again(tmp_path: pathlib.Path) -> None:
    update(OLD, tmp_path)
    (tmp_path / "churn/a").write_bytes(b"")
    (tmp_path / "churn/b").write_bytes(bytes(100))
    assert update(NEW, tmp_path)[1] == []
    assert files_below(tmp_path)["churn/a"] == NEW["churn/a"]


def test_an_empty_file_of_somebody_else_is_theirs(tmp_path: pathlib.Path) -> None:
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn/a").write_bytes(b"")
    assert [finding.code for finding in update(OLD, tmp_path)[1]] == ["AM033"]


@pytest.mark.parametrize("call", ["open", "write", "replace", "mkdir"])
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_system_refuses_is_told_and_leaves_whole_files(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, call: str, reason: int
) -> None:
    update(OLD, tmp_path)
    original = getattr(os, call)

    def refusing(where: Any, *arguments: Any, **named: Any) -> Any:
        if where in ("deep", "2") or arguments[:1] == (NEW["churn/b"],):
            raise OSError(reason, os.strerror(reason))
        return original(where, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refusing)
        problems = update(NEW, tmp_path)[1]
    assert [finding.code for finding in problems] == ["AM035"]
    assert os.strerror(reason) in problems[0].message
    assert not list(tmp_path.rglob(".partial"))
    assert files_below(tmp_path)["churn/b"] in (OLD["churn/b"], NEW["churn/b"])
    assert update(NEW, tmp_path, prune_models=True)[1] == []
    assert files_below(tmp_path) == NEW


def test_an_output_folder_that_is_a_file_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "generated").write_bytes(b"")
    (problem,) = update(OLD, tmp_path / "generated")[1]
    assert (problem.code, problem.file) == ("AM032", "generated")


@pytest.mark.parametrize("linked", ["churn", "churn/a", "churn/inventory.json", "churn/deep"])
@pytest.mark.parametrize("force", [False, True])
def test_a_link_is_never_followed(tmp_path: pathlib.Path, linked: str, force: bool) -> None:
    folder, outside = tmp_path / "generated", tmp_path / "outside"
    update(OLD | {"churn/deep/c": b"old c"}, folder)
    (folder / linked).rename(outside)
    (folder / linked).symlink_to(outside)
    before = {path: path.read_bytes() for path in [outside, *outside.rglob("*")] if path.is_file()}
    for produced in (NEW, {"fraud/x": b"x"}):
        problems = update(produced, folder, prune_models=True, force=force)[1]
        assert {finding.code for finding in problems} <= {"AM032", "AM033"}
        assert {path: path.read_bytes() for path in before} == before
    assert (folder / linked).is_symlink()


@pytest.mark.parametrize("obstacle", ["a folder", "a pipe", "a file above"])
def test_what_is_no_file_is_left_alone(tmp_path: pathlib.Path, obstacle: str) -> None:
    (tmp_path / "churn").mkdir()
    if obstacle == "a folder":
        (tmp_path / "churn/a").mkdir()
    elif obstacle == "a pipe":
        os.mkfifo(tmp_path / "churn/a")
    else:
        (tmp_path / "churn").rmdir()
        (tmp_path / "churn").write_bytes(b"mine")
    assert {finding.code for finding in update({"churn/a": b"x"}, tmp_path)[1]} == {"AM032"}


def test_a_forged_inventory_deletes_nothing_outside(tmp_path: pathlib.Path) -> None:
    folder, precious = tmp_path / "generated", tmp_path / "precious"
    update(OLD, folder)
    precious.write_bytes(b"x")
    inventory = json.loads((folder / "fraud/inventory.json").read_text())
    inventory["files"]["../../precious"] = inventory["files"]["x"]
    (folder / "fraud/inventory.json").write_text(json.dumps(inventory))
    assert {finding.code for finding in update({}, folder, prune_models=True)[1]} == {"AM034"}
    assert precious.exists()


def test_a_file_that_changes_between_comparing_and_writing_is_left_alone(tmp_path: pathlib.Path) -> None:
    update(OLD, tmp_path)
    plan = compare(NEW, snapshot(tmp_path, NEW))
    (tmp_path / "churn/b").write_bytes(b"mine")
    assert [finding.code for finding in write(plan, tmp_path)] == ["AM036"]
    assert (tmp_path / "churn/b").read_bytes() == b"mine"


WRITER = """
    import pathlib, sys
    from aimass_compiler.plan import update
    folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    files = {f"churn/{number}": f"{name} {number}".encode() for number in range(20)}
    for _ in range(8):
        assert update(files, folder)[1] == []
"""


def test_two_compilers_at_once_leave_the_output_of_one(tmp_path: pathlib.Path) -> None:
    program = textwrap.dedent(WRITER)
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in ("one", "two")
    ]
    assert [process.wait(timeout=30) for process in running] == [0, 0]
    assert len({content.split()[0] for content in files_below(tmp_path).values()}) == 1


def test_whoever_must_wait_is_told(tmp_path: pathlib.Path) -> None:
    holding = (
        "import pathlib, sys, time\nfrom aimass_compiler.plan import folder_locked\n"
        "with folder_locked(pathlib.Path(sys.argv[1]), print):\n"
        "    print('locked', flush=True)\n    time.sleep(0.3)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        told: list[str] = []
        assert update(OLD, tmp_path, report=told.append)[1] == []
    assert told == [f"another compiler is writing to `{tmp_path.name}`; waiting for it"]
