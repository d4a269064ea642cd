"""A disk that is full, a folder that is read-only, links, pipes and hard links: real ones."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.cli import main

CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at a system by its own means")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one spec that others may read, compiled."""
    root = tmp_path / "project"
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "churn.yaml").write_text(BASE, encoding="utf-8")
    (root / "outside").write_text("precious\n", encoding="utf-8")
    assert compiled_here(root)[0] == 0
    return root


def compiled_here(root: Path, *options: str) -> tuple[int, str]:
    """The exit code and the messages of the command in this process, which is quicker."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        return main(["compile", "--root", str(root), *options]), told.getvalue()


def compiled(
    root: Path, *options: str, prepare: Callable[[], None] | None = None, through: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """The command line's answer, which takes no more than a gigabyte."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
        if prepare:
            prepare()

    command = [*through, sys.executable, "-c", CODE, "compile", "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limited)


def files_below(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def edit(root: Path) -> None:
    """Have a spec that changes nearly every file."""
    spec = root / "specs" / "churn.yaml"
    changed = BASE.replace("customer_id: id", "customer_key: id")
    spec.write_text(f"{changed}serving: {{replicas: {{min: 4, max: 5}}}}\n", encoding="utf-8")


@contextlib.contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("may not mount a disk here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(not IS_ROOT, reason="only root mounts disks")
@pytest.mark.parametrize("size", ["16k", "128k"])
def test_a_full_disk_is_told_and_leaves_nothing_half(root: Path, size: str) -> None:
    before = files_below(root / "generated")
    shutil.rmtree(root / "generated")
    (root / "generated").mkdir()
    with mounted(root / "generated", size):
        done = compiled(root)
        assert done.returncode == 1
        assert "error[AM035]" in done.stderr
        assert "No space left on device" in done.stderr
        assert list((root / "generated").iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=4m", root / "generated"], check=True)
        assert compiled(root).returncode == 0
        assert files_below(root / "generated") == before


@pytest.mark.skipif(not IS_ROOT, reason="only root mounts disks")
def test_a_full_disk_changes_nothing_of_a_model_that_is_there(root: Path) -> None:
    before = files_below(root / "generated")
    edit(root)
    (root / "generated").rename(root / "kept")
    (root / "generated").mkdir()
    with mounted(root / "generated", "4m"):
        shutil.copytree(root / "kept", root / "generated", dirs_exist_ok=True)
        with contextlib.suppress(OSError), (root / "generated" / "filler").open("wb") as filler:
            filler.write(bytes(8_000_000))
        done = compiled(root)
        assert "No space left on device" in done.stderr
        (root / "generated" / "filler").unlink()
        assert files_below(root / "generated") == before
        assert compiled(root).returncode == 0


def test_a_limit_on_the_size_of_files_is_told(root: Path) -> None:
    before = files_below(root / "generated")
    edit(root)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = compiled(root, "--no-cache", prepare=limit)
    assert (done.returncode, "error[AM035]" in done.stderr) == (1, True)
    assert files_below(root / "generated") == before
    assert compiled(root).returncode == 0


#: What makes root obey the permissions of files.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if IS_ROOT else ()


@pytest.mark.skipif(IS_ROOT and not shutil.which("setpriv"), reason="root may write everywhere")
@pytest.mark.parametrize("part", ["generated", "generated/churn", "generated/churn/base"])
def test_a_folder_that_may_not_be_written_is_told(root: Path, part: str) -> None:
    edit(root)
    before = files_below(root / "generated")
    (root / part).chmod(0o555)
    done = compiled(root, "--no-cache", through=UNPRIVILEGED)
    (root / part).chmod(0o755)
    assert done.returncode == 1, done.stderr
    assert "error[AM035]" in done.stderr
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert part == "generated/churn/base" or files_below(root / "generated") == before
    assert compiled(root, "--no-cache", through=UNPRIVILEGED).returncode == 0


@pytest.mark.skipif(IS_ROOT and not shutil.which("setpriv"), reason="root may read everything")
@pytest.mark.parametrize("part", ["generated", "generated/churn", "generated/churn/dvc.yaml"])
def test_what_may_not_be_read_is_told(root: Path, part: str) -> None:
    edit(root)
    mode = (root / part).stat().st_mode
    (root / part).chmod(0)
    done = compiled(root, "--no-cache", through=UNPRIVILEGED)
    (root / part).chmod(mode)
    assert done.returncode == 1, done.stderr
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [(), ("--force",), ("--no-cache",)])
@pytest.mark.parametrize("part", ["", "/churn", "/churn/base", "/churn/dvc.yaml", "/churn/inventory.json"])
def test_a_link_at_any_level_is_named_and_not_followed(
    root: Path, part: str, options: tuple[str, ...]
) -> None:
    linked, elsewhere = root / f"generated{part}", root / "elsewhere"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    edit(root)
    before = elsewhere.read_bytes() if elsewhere.is_file() else files_below(elsewhere)
    code, told = compiled_here(root, *options)
    assert (code, "error[AM032]" in told) == (1, True), told
    assert before == (elsewhere.read_bytes() if elsewhere.is_file() else files_below(elsewhere))
    assert linked.is_symlink()


def test_a_link_that_dangles_is_no_way_out(root: Path) -> None:
    (root / "generated" / "churn" / "dvc.yaml").unlink()
    (root / "generated" / "churn" / "dvc.yaml").symlink_to(root / "new")
    assert "error[AM032]" in compiled_here(root)[1]
    assert not (root / "new").exists()


def test_what_a_hard_link_shares_with_a_file_outside_is_not_written(root: Path) -> None:
    shared = root / "generated" / "churn" / "dvc.yaml"
    os.link(shared, root / "shared")
    before = shared.read_bytes()
    edit(root)
    assert compiled_here(root)[0] == 0
    assert (root / "shared").read_bytes() == before
    assert shared.read_bytes() != before or shared.stat().st_nlink == 2


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder"])
def test_what_is_no_file_is_named_and_does_not_hold_the_compiler_up(root: Path, kind: str) -> None:
    path = root / "generated" / "churn" / "dvc.yaml"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "device" and not IS_ROOT:
        pytest.skip("only root makes devices")
    else:
        made = {"pipe": 0o010000, "socket": 0o140000, "device": 0o020000}[kind]
        os.mknod(path, made | 0o644, os.makedev(1, 5))
    done = compiled(root)
    assert (done.returncode, "error[AM032]" in done.stderr) == (1, True)
    assert path.exists()


def test_names_that_nobody_would_choose_are_left_alone(root: Path) -> None:
    strange = ["a\nb", "e\u0301", "é", "-rf", "*", "a b", "\udcff", "..."]
    for name in strange:
        (root / "generated" / name).mkdir()
        (root / "generated" / "churn" / name).write_bytes(b"mine")
    edit(root)
    assert compiled_here(root)[0] == 0
    assert {*strange, "churn"} == {path.name for path in (root / "generated").iterdir()}
    assert all((root / "generated" / "churn" / name).read_bytes() == b"mine" for name in strange)
