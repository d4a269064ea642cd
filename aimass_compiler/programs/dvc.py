"""DVC by subprocess: run the stages of a model that are not up to date, and fetch what it keeps."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs import git

#: Pulls what a note names that git leaves out, which the command line of DVC refuses.
_PULL = """
import sys
from dvc.exceptions import DvcException
from dvc.repo import Repo
try:
    Repo(config={"core": {"no_scm": True}}).pull(sys.argv[1:], force=True)
except DvcException as error:
    sys.exit(f"ERROR: {error}")
"""
#: Where `dvc plots show` draws.
_PLOTS = "dvc_plots"
#: What git leaves out of `.dvc` (dvc.repo.init), which DVC writes only where git is.
_OWN_GITIGNORE = ".dvc/.gitignore"
_LEFT_OUT_OF_DVC = ("/config.local", "/tmp", "/cache")  # noqa: S108  # a line of a .gitignore
#: So many of what DVC and the stages say last are looked at for the reason of a failure.
_LAST_LINES = 12
#: What DVC says when a stage's command ends badly (dvc.stage.exceptions.StageCmdFailedError).
_EXITED = re.compile(r"exited with (-?\d+)")
#: What it says of a file that a stage depends on (dvc.stage.exceptions.MissingDataSource, or the system's).
_NO_FILE = re.compile(r"(?:No such file or directory: '|missing data '[^']*': )(?P<path>[^']+)")
_NO_ROOM = re.compile(
    r"No space left on device|File too large|Disk quota exceeded|disk I/O error|disk is full"
)
#: What the system says of any other file.
_REFUSED = re.compile(r"\[Errno \d+\] (?P<reason>[^:]+): '(?P<path>[^']+)'")
#: What comes before the reason.
_PREFIX = re.compile(r"^ERROR: (?:unexpected error - )?(?:failed to reproduce '[^']*': )?")
#: What it says of a file of its own that it cannot read, before the reason (dvc.utils.strictyaml).
_UNREADABLE = re.compile(r"^'(?:\./)?(?P<path>[^']+)' (?:is invalid|validation failed)")
_UNDECODED = re.compile(r"unable to read: '(?P<path>[^']+)', is not valid utf-8")
#: What it says where its note of what is read and written was cut off, as by a full disk (dvc.rwlock).
_CUT_OFF = re.compile(
    r"RWLock-file '(?:\./)?(?P<path>[^']+)'(?:\. JSON structure is corrupted| format error)"
)
#: What it says while another DVC works on the same files (dvc.lock, dvc.rwlock).
_BUSY = re.compile(r"Unable to acquire lock|is busy, it is being blocked by")


class DvcFailed(HintedError):  # noqa: N818  # a failure that is reported, not an error of ours
    """DVC could not go on, and no stage said why; the message does."""


class DvcMissing(DvcFailed):
    """DVC is not installed, or cannot be used here."""


class DataMissing(DvcFailed):
    """A file that a stage reads does not exist."""


class DiskRefuses(DvcFailed):
    """There is no room for what the stages left, or a file cannot be read or written."""


def prepare(root: Path) -> tuple[str, ...]:
    """Make a project a DVC repository where it is none; answers what there is to commit then.

    Before the first run git is made to leave out what stages make, which is DVC's to keep: a git that begins
    later does so, too. Raises DvcFailed.
    """
    return (*_made_repository(root), *_left_out_of_git(root))


def _made_repository(root: Path) -> tuple[str, ...]:
    """`.dvc` where it was made, or told that there is a git by now, without which experiments are refused."""
    if (root / ".dvc").is_dir():
        return _made_known_to_git(root)
    done = _run(["init", "--quiet", *_where_git_is(root)], root, lambda line: None)  # noqa: ARG005  # nothing new
    if done != 0:
        raise DvcMissing(f"`dvc init` failed in {root}", "run it there to see why")
    if git.ignores(".", root) is None:
        _add_lines(root / _OWN_GITIGNORE, _LEFT_OUT_OF_DVC)
    return (".dvc",)


def _made_known_to_git(root: Path) -> tuple[str, ...]:
    if not _knows_no_git(root) or git.ignores(".", root) is not False:
        return ()
    said: list[str] = []
    if _run(["config", "--unset", "core.no_scm"], root, said.append) != 0:
        raise DvcFailed(f"DVC could not be connected to git: {_last_complaint(said)}")
    return (".dvc/config",)


def _knows_no_git(root: Path) -> bool:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read(root / ".dvc" / "config", encoding="utf-8")
        return config.getboolean("core", "no_scm", fallback=False)
    except (configparser.Error, OSError, ValueError):
        return False  # DVC says what it thinks of it


def _left_out_of_git(root: Path) -> tuple[str, ...]:
    names = (conventions.ARTIFACTS_FOLDER, _PLOTS)
    made = [f"/{name}/" for name in names if not git.ignores(f"{name}/", root)]
    if not made or (root / conventions.ARTIFACTS_FOLDER).exists():  # later, who tracks them has a reason
        return ()
    _add_lines(root / ".gitignore", made)
    return (".gitignore",)


def _add_lines(path: Path, lines: Sequence[str]) -> None:
    """To a file that may exist. Raises DiskRefuses."""
    try:
        before = path.read_bytes() if path.exists() else b""
        line_end = b"\n" if before and not before.endswith(b"\n") else b""
        with path.open("ab") as stream:
            stream.write(line_end + b"".join(f"{line}\n".encode() for line in lines))
    except OSError as error:
        raise DiskRefuses(f"{path.name} could not be written: {error.strerror}") from None


def _where_git_is(root: Path) -> list[str]:
    """What tells `dvc init` so: here, further up, or nowhere that would keep what it makes."""
    if (root / ".git").exists():
        return []
    return ["--subdir"] if git.ignores(".", root) is False else ["--no-scm"]


def fetch(root: Path, files: Mapping[str, str], folder: Path) -> None:
    """Bring files into a folder by the hashes that DVC keeps them by, from its cache or else its remote.

    Raises DvcFailed.
    """
    note = folder.with_name(f"{folder.name}.dvc")
    outs = [
        {"hash": "md5", "md5": md5, "path": f"{folder.name}/{name}"} for name, md5 in sorted(files.items())
    ]
    note.write_text(json.dumps({"outs": outs}), encoding="utf-8")
    said: list[str] = []
    try:
        if _watched([sys.executable, "-c", _PULL, str(note.relative_to(root))], root, said.append) != 0:
            raise DataMissing(f"neither DVC's cache nor its remote has it: {_last_complaint(said)}")
    finally:
        note.unlink(missing_ok=True)


def _last_complaint(said: list[str]) -> str:
    """Why DVC did not do it, in its own words."""
    complaints = [line for line in said if line.startswith("ERROR")]
    return _PREFIX.sub("", complaints[-1]) if complaints else " ".join(said) or "it does not say why"


def commit(root: Path, model: str, stages: Sequence[str]) -> None:
    """Record in dvc.lock what stages read and left, as it is here now. Raises DvcFailed."""
    said: list[str] = []
    if _run(["commit", "--force", *(_target(model, stage) for stage in stages)], root, said.append) != 0:
        raise DvcFailed(f"DVC could not keep what came back: {_last_complaint(said)}")


def save_experiment(root: Path, name: str, message: str, targets: Sequence[str]) -> None:
    """Keep what was run here as an experiment under a name. Raises DvcFailed."""
    said: list[str] = []
    if _run(["exp", "save", "--name", name, "--message", message, *targets], root, said.append) != 0:
        raise DvcFailed(f"DVC could not keep the run as {name}: {_last_complaint(said)}")


def cache_folder(root: Path) -> Path:
    """Where DVC keeps files by their hashes: below the project, unless it was configured otherwise."""
    usual = root / ".dvc" / "cache"
    if usual.is_dir():
        return usual
    said: list[str] = []
    asked = _run(["cache", "dir"], root, said.append)
    return Path(said[-1]) if asked == 0 and said else usual


def _target(model: str, stage: str = "") -> str:
    file = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.DVC_FILE}"
    return f"{file}:{stage}" if stage else file


def reproduce(
    root: Path,
    model: str,
    report: Callable[[str], None],
    *,
    stage: str = "",
    force: bool = False,
    alone: Sequence[str] = (),
) -> int:
    """Run the stages of a model up to `stage`, or all; answers 0 or the exit code of the stage that failed.

    Stages that are to run `alone` do so without those before them. `report` gets every line of the stages and
    of DVC itself. Raises DvcFailed where no stage ended badly.
    """
    complaints = [""]
    said: list[str] = []

    def watch(line: str) -> None:
        if line.startswith("ERROR"):
            complaints.append(line)
        if line.strip():
            said.append(line.strip())
            del said[:-_LAST_LINES]
        report(line)

    options = [*(["--force"] if force else []), *(["--single-item"] if alone else [])]
    targets = [_target(model, each) for each in alone] or [_target(model, stage)]
    status = _run(["repro", *options, *targets], root, watch)
    if status == 0:
        return 0
    _hold_to_readable(said)
    return _exit_code(complaints[-1] or " ".join(said[-1:]), root)


def _hold_to_readable(said: list[str]) -> None:
    """Raises DvcFailed where DVC could not read a file of its own, which it tells without `ERROR`."""
    for line, reason in zip(said, [*said[1:], ""], strict=True):
        if found := _UNREADABLE.match(line):
            raise _unreadable(found["path"], reason)


def _unreadable(path: str, reason: str) -> DvcFailed:
    way = f"take it from git (`git checkout {path}`)"
    if path.endswith(conventions.DVC_LOCK):
        way += ", or delete it: its runs come from DVC's cache"
    elif path.endswith(".dvc"):
        way += f", or have it written again: `dvc add {path.removesuffix('.dvc')}`"
    return DvcFailed(f"DVC cannot read {path}: {reason or 'it is invalid'}", way)


def _exit_code(complaint: str, root: Path) -> int:
    """What the stage that DVC complains about exited with. Raises DvcFailed when that is not the reason."""
    if exited := _EXITED.search(complaint):
        code = int(exited[1])
        if code < 0:
            raise DvcFailed(
                f"the stage was killed by signal {-code}", "perhaps it needed more memory than there is"
            )
        return code
    if missing := _NO_FILE.search(complaint):
        path = missing["path"].removeprefix(f"{root}/")
        raise DataMissing(f"there is no file {path}", "paths start at the project's root")
    if undecoded := _UNDECODED.search(complaint):
        raise _unreadable(undecoded["path"].removeprefix(f"{root}/"), "it is not UTF-8")
    reason = _PREFIX.sub("", complaint) or "it ended without a word"
    if _NO_ROOM.search(reason):
        raise DiskRefuses(f"what the stages left could not be kept: {reason}", "make room, then run again")
    if refused := _REFUSED.search(reason):
        path = refused["path"].removeprefix(f"{root}/")
        raise DiskRefuses(
            f"DVC could not read or write {path}: {refused['reason']}", "set that right, then run again"
        )
    if cut_off := _CUT_OFF.search(reason):
        raise DvcFailed(
            f"{cut_off['path']}, DVC's own note of what it works on, was cut off: by a full disk, or a kill",
            "delete it where no DVC is at work, then run again",
        )
    if _BUSY.search(reason):
        raise DvcFailed("another DVC is at work on the same files", "wait until it has ended, then run again")
    raise DvcFailed(f"DVC could not go on: {reason}", "`--verbose` shows all that it says")


def _run(arguments: list[str], root: Path, report: Callable[[str], None]) -> int:
    return _watched([sys.executable, "-m", "dvc", *arguments], root, report)


def _watched(command: list[str], root: Path, report: Callable[[str], None]) -> int:
    """Run DVC and pass on each line as it comes; an interrupt reaches the stage, too, and is waited for."""
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",  # whatever the terminal has: this process passes it on
        "DVC_NO_ANALYTICS": "1",
        "PYTHONWARNINGS": "",  # where they are errors, DVC stops at its own
    }
    with subprocess.Popen(  # noqa: S603  # a list of arguments, never a shell
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            for line in process.stdout:
                if "No module named dvc" in line:
                    raise DvcMissing("DVC is not installed", "`pip install 'aimass-compiler[run]'` brings it")
                report(line.rstrip("\n"))
        except KeyboardInterrupt:
            # The terminal interrupts the stage, too; leaving now would wait a quarter of a second for it.
            process.communicate()
            raise
        return process.wait()
