"""On a disk that does not tell `Churn` from `churn`, has no links or permissions, and keeps whole seconds."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.cli import main
from aimass_compiler.conventions import VARIABLE_CACHE
from aimass_compiler.plan import update
from tests.faults.disks import SMALL, caseless

CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with caseless(tmp_path_factory.mktemp("disk")) as folder:
        yield folder


@pytest.fixture
def root(disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository there with one spec, compiled."""
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    root = disk / "project"
    (root / "specs").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", root], check=True)
    (root / "specs" / "churn.yaml").write_text(BASE, encoding="utf-8")
    (root / "outside").write_text("precious\n", encoding="utf-8")
    assert aimass(root, "compile").returncode == 0
    yield root
    assert (root / "outside").read_text(encoding="utf-8") == "precious\n"
    assert {"specs", "generated", "outside", ".git"} == {path.name for path in root.iterdir()}
    shutil.rmtree(root)


def aimass(root: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    written = [sys.executable, "-c", CODE, command, "--root", str(root), *options]
    done = subprocess.run(written, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def files_below(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def edit(root: Path, name: str = "churn") -> None:
    """Have a spec that changes nearly every file."""
    changed = BASE.replace("customer_id: id", "customer_key: id").replace("name: churn", f"name: {name}")
    spec = root / "specs" / f"{name}.yaml"
    spec.write_text(f"{changed}serving: {{replicas: {{min: 4, max: 5}}}}\n", encoding="utf-8")


def respell(path: Path, name: str) -> None:
    """Rename what differs in case only, which `mv` refuses for folders."""
    path.rename(path.with_name(name))
    assert name in {each.name for each in path.parent.iterdir()}


def test_it_is_compiled_as_anywhere(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "specs", tmp_path / "elsewhere" / "specs")
    assert aimass(tmp_path / "elsewhere", "compile").returncode == 0
    assert files_below(root / "generated") == files_below(tmp_path / "elsewhere" / "generated")
    for command in ("check", "compile", "plan"):
        done = aimass(root, command)
        assert (done.returncode, done.stderr) == (0, "")
    assert aimass(root, "plan", "--detailed-exitcode").returncode == 0


def test_a_spec_whose_file_is_spelt_otherwise_is_told_how_to_spell_it(root: Path) -> None:
    before = files_below(root / "generated")
    respell(root / "specs" / "churn.yaml", "Churn.yaml")
    for command in ("check", "compile", "plan"):
        done = aimass(root, command)
        assert done.returncode == 1
        assert "specs/Churn.yaml" in done.stderr
        assert "help: rename the file to `churn.yaml`\n" in done.stderr
    assert files_below(root / "generated") == before
    respell(root / "specs" / "Churn.yaml", "churn.yaml")
    assert aimass(root, "compile", "--check").returncode == 0


@pytest.mark.parametrize("options", [(), ("--no-cache",), ("--force",), ("--check",)])
def test_a_model_whose_folder_is_spelt_otherwise_is_not_one_that_is_gone(
    root: Path, options: tuple[str, ...]
) -> None:
    respell(root / "generated" / "churn", "Churn")
    before = files_below(root / "generated")
    done = aimass(root, "compile", *options)
    assert done.returncode == (3 if options == ("--check",) else 1)
    assert done.stderr.count("error[AM032]: `Churn` is in the place of `churn`") == 1
    assert "help: rename it to `churn`" in done.stderr
    assert "Churn is removed" not in done.stdout
    assert files_below(root / "generated") == before
    respell(root / "generated" / "Churn", "churn")
    assert aimass(root, "compile", "--check", "--no-cache").returncode == 0


def test_somebodys_folder_that_would_be_a_models_is_left_alone(root: Path) -> None:
    (root / "generated" / "Fresh").mkdir()
    (root / "generated" / "Fresh" / "notes").write_bytes(b"mine")
    edit(root, "fresh")
    done = aimass(root, "compile")
    assert (done.returncode, "help: rename it to `fresh`" in done.stderr) == (1, True)
    assert files_below(root / "generated" / "Fresh") == {"notes": b"mine"}
    respell(root / "generated" / "Fresh", "fresh")
    assert aimass(root, "compile").returncode == 0
    assert files_below(root / "generated" / "fresh")["notes"] == b"mine"


@pytest.mark.parametrize("options", [(), ("--force",)])
@pytest.mark.parametrize("part", ["dvc.yaml", "inventory.json", "overlays/dev", "overlays/dev/alerts.yaml"])
def test_what_is_spelt_otherwise_is_named_and_not_overwritten(
    root: Path, part: str, options: tuple[str, ...]
) -> None:
    path = root / "generated" / "churn" / part
    respell(path, path.name.upper())
    if path.is_file():
        path.write_bytes(path.read_bytes() + b"# mine\n")
    edit(root)
    before = files_below(root / "generated")
    done = aimass(root, "compile", *options)
    assert done.returncode == 1, done.stdout
    assert f"help: rename it to `{path.name}`" in done.stderr
    assert "AM036" not in done.stderr
    assert files_below(root / "generated") == before
    respell(path.with_name(path.name.upper()), path.name)
    assert aimass(root, "compile", "--force").returncode == 0


def test_an_edit_is_given_up_only_when_it_is_forced(root: Path) -> None:
    path = root / "generated" / "churn" / "dvc.yaml"
    before = path.read_bytes()
    path.write_bytes(b"# mine\n" + before)
    edit(root)
    assert "error[AM033]" in aimass(root, "compile").stderr
    assert path.read_bytes().startswith(b"# mine\n")
    assert aimass(root, "compile", "--force").returncode == 0
    assert not path.read_bytes().startswith(b"# mine\n")


def test_a_model_that_is_renamed_takes_nothing_of_others_along(root: Path) -> None:
    (root / "generated" / "churn" / "Notes").write_bytes(b"mine")
    (root / "specs" / "churn.yaml").unlink()
    edit(root, "fresh")
    done = aimass(root, "compile")
    assert (done.returncode, "warning[AM037]" in done.stderr) == (0, True)
    assert files_below(root / "generated" / "churn") == {"Notes": b"mine"}
    assert (root / "generated" / "fresh" / "dvc.yaml").exists()


def test_a_file_of_ours_that_is_spelt_otherwise_now_is_replaced(disk: Path) -> None:
    folder = disk / "spellings"
    assert update({"model/Stage/Train": b"old", "model/kept": b"same"}, folder)[1] == []
    new = {"model/stage/train": b"new", "model/kept": b"same"}
    if {finding.code for finding in update(new, folder)[1]} == {"AM035"}:
        time.sleep(1.1)  # FUSE remembers for a second that there was a folder of this name
        assert update(new, folder)[1] == []
    assert files_below(folder / "model").keys() == {"stage/train", "kept", "inventory.json"}
    assert (folder / "model" / "stage" / "train").read_bytes() == b"new"


def test_changes_within_a_tick_of_its_clock_are_seen(root: Path) -> None:
    spec, folder = root / "specs" / "churn.yaml", root / "generated" / "churn"
    for seed in range(1, 9):  # several of them in one second
        spec.write_text(f"{BASE}training: {{seed: {seed}}}\n", encoding="utf-8")
        assert main(["compile", "--root", str(root)]) == 0
        assert f'"seed": {seed}' in (folder / "pipeline.json").read_text(encoding="utf-8")
        before = (folder / "dvc.yaml").read_bytes()
        (folder / "dvc.yaml").write_bytes(before.replace(b"stages", b"STAGES"))
        assert main(["compile", "--root", str(root)]) == 1
        (folder / "dvc.yaml").write_bytes(before)


def test_a_full_disk_is_told_and_leaves_nothing_half(root: Path) -> None:
    if shutil.disk_usage(root).total > SMALL:
        pytest.skip("this disk is too large to fill it")
    before = files_below(root / "generated")
    edit(root)
    filler = root.parent / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as stream:
        while stream.write(bytes(4096)):
            stream.flush()
    done = aimass(root, "compile")
    assert (done.returncode, "No space left on device" in done.stderr) == (1, True), done.stderr
    assert files_below(root / "generated") == before
    filler.unlink()
    assert aimass(root, "compile").returncode == 0


def test_a_compiler_that_is_killed_leaves_whole_files(root: Path) -> None:
    old = files_below(root / "generated")
    edit(root)
    assert aimass(root, "compile").returncode == 0
    new = files_below(root / "generated")
    command = [sys.executable, "-c", CODE, "compile", "--root", str(root), "--no-cache"]
    for number in range(4):
        (root / "specs" / "churn.yaml").write_text(BASE, encoding="utf-8")
        assert aimass(root, "compile").returncode == 0
        edit(root)
        compiler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until and not (root / "generated" / ".partial").exists():
            time.sleep(0.001)
        time.sleep(0.004 * number)
        compiler.send_signal(signal.SIGKILL)
        compiler.wait()
        for path, content in files_below(root / "generated").items():
            if path.endswith("inventory.json"):
                json.loads(content)
            elif not path.startswith(".partial/"):
                assert content in (old.get(path), new.get(path))
        assert aimass(root, "compile").returncode == 0
        assert files_below(root / "generated") == new


def test_where_there_are_no_links_none_are_needed(root: Path) -> None:
    try:
        (root / "link").symlink_to("outside")
    except OSError:
        edit(root)
        assert aimass(root, "compile").returncode == 0
        return
    (root / "link").unlink()
    pytest.skip("this disk has links")
