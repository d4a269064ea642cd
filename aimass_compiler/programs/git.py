"""Git by subprocess: files as they were at a revision, and what a repository says of a folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from aimass_compiler.diagnostics import HintedError

_SECONDS = 60
#: Behind a revision, as `git diff` has it.
_SINCE = "..."
#: A commit as it is noted elsewhere, which git must not take for an option.
_COMMIT = re.compile("[0-9a-f]{40,64}")
#: What begins a commit among the files that it changed, and what is between its parts: no path has it.
_BEGIN, _BETWEEN = "\x01", "\x02"
#: Modes of what `git ls-tree` lists as a file; links and submodules have others.
_FILE_MODES = (b"100644", b"100755")


class GitError(HintedError):
    """Git is missing, or cannot answer; the message says why, `help` is the hint."""


class FileRevision(Struct, frozen=True):
    """One file as a commit left it."""

    path: str
    commit: str
    at: str
    """When it reached the branch, in ISO 8601: the date of the merge where there was one."""
    author: str
    content: bytes | None
    """None where the commit deleted it."""


def changed_again(root: Path, patterns: Sequence[str]) -> list[str]:
    """The files of `root` that differ from HEAD, or that a commit on the way to HEAD did more to than add.

    Nothing without a history. Raises GitError where git refuses to say.
    """
    if not _has_history(root):
        return []
    options = ["--name-only", "--no-renames", "--relative", "-z"]
    way = ["--no-show-signature", "--first-parent", "--diff-merges=first-parent", "--diff-filter=a"]
    listed = _git(["log", *way, "--format=", *options, "--", *patterns], root)
    listed += _git(["diff", *options, "HEAD", "--", *patterns], root)
    return sorted({path for path in listed.decode(errors="surrogateescape").split("\0") if path.strip()})


def revisions(root: Path, patterns: Sequence[str]) -> list[FileRevision]:
    """Every change of these files of `root` on the way to HEAD, newest first; nothing without a history.

    A merge counts once, as it reached the branch. Raises GitError where git refuses to say, or this clone
    lacks the files.
    """
    listed = list(_changed_files(root, patterns))
    if not listed:
        return []
    blobs = [blob for _, _, blob in listed if blob.strip("0")]
    answered = _git(["cat-file", "--batch"], root, "".join(f"{blob}\n" for blob in blobs).encode())
    contents = dict(zip(blobs, _contents(answered, "HEAD"), strict=True))
    found = []
    for described, path, blob in listed:
        commit, at, name = described.split(_BETWEEN)
        found.append(FileRevision(path, commit, at, name, contents.get(blob)))
    return found


def _changed_files(root: Path, patterns: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Commit, path and new content of each change; without a repository or a commit there is none."""
    described = _BETWEEN.join(("%H", "%cI", "%an"))
    options = ["--first-parent", "--diff-merges=first-parent", "--no-renames", "--raw", "--no-abbrev"]
    asked = [
        "log",
        "--no-show-signature",
        *options,
        "--relative",
        "-z",
        f"--format={_BEGIN}{described}",
        "--",
        *patterns,
    ]
    done = _run(asked, root)
    if done.returncode != 0 and _has_history(root):
        raise GitError(_complaint(done))
    parts = iter(done.stdout.decode(errors="surrogateescape").split("\0") if done.returncode == 0 else ())
    commit = ""
    for part in parts:
        if part.startswith(_BEGIN):
            commit = part.removeprefix(_BEGIN)
        elif part.strip():  # `:MODE MODE OBJECT OBJECT LETTER`, and the path behind it
            yield commit, next(parts), part.split()[3]


def _has_history(root: Path) -> bool:
    """Whether there is a repository around, and not just one without a commit."""
    folder = root.resolve()
    if not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return False
    return bool(head(root)) or not _output(["rev-parse", "--git-dir"], root)


def is_shallow(root: Path) -> bool:
    """Whether this clone lacks the older history."""
    return _output(["rev-parse", "--is-shallow-repository"], root) == "true"


def author(root: Path) -> str:
    """Who commits here, `Name <address>`; nothing where git does not know."""
    return _output(["var", "GIT_AUTHOR_IDENT"], root).rpartition(" ")[0].rpartition(" ")[0]


def files_at(revision: str, root: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """The files at or below these paths of `root` at a revision, by path; links are none.

    Raises GitError where `root` is in no repository, or the repository has no such revision.
    """
    commit = commit_of(revision, root)
    listed = dict(_listed(_git(["ls-tree", "-r", "-z", commit, "--", *paths], root)))
    names = "".join(f"{name}\n" for name in listed.values())
    answered = _git(["cat-file", "--batch"], root, names.encode())
    return dict(zip(listed, _contents(answered, revision), strict=True))


def contents_at(places: Sequence[tuple[str, str]], root: Path) -> dict[tuple[str, str], bytes | None]:
    """Files of `root` by commit and path, asked for at once; None where the commit has no such file.

    Raises GitError where the repository has no such commit.
    """
    commits = sorted({commit for commit, _ in places})
    asked = "".join(f"{each}^{{commit}}\n" for each in commits).encode()
    known = _git(["cat-file", "--batch-check"], root, asked)
    for commit, described in zip(commits, known.splitlines(), strict=True):
        if described.endswith(b" missing"):
            commit_of(commit, root)  # raises, in the words that it has for that
    start = prefix(root)
    names = "".join(f"{commit}:{start}{path}\n" for commit, path in places)
    answered = _git(["cat-file", "--batch"], root, names.encode())
    return dict(zip(places, _answers(answered), strict=True))


def answer(arguments: Sequence[str], root: Path) -> bytes:
    """What git answers. Raises GitError where it refuses."""
    return _git([*arguments], root)


def top(root: Path) -> str:
    """The folder of the repository that `root` is in. Raises GitError where it is in none."""
    return _git(["rev-parse", "--show-toplevel"], root).decode(errors="surrogateescape").rstrip("\n")


def prefix(root: Path) -> str:
    """Where `root` lies in its repository; nothing where it is all of it. Raises GitError as `top` does."""
    return _git(["rev-parse", "--show-prefix"], root).decode(errors="surrogateescape").rstrip("\n")


def changed_or_untracked(root: Path) -> list[str]:
    """The files of `root` that differ from HEAD or are not in git, without those that it leaves out.

    Deleted ones are among them. Raises GitError.
    """
    listed = _git(["diff", "--name-only", "--no-renames", "--relative", "-z", "HEAD"], root)
    listed += _git(["ls-files", "--others", "--exclude-standard", "-z"], root)
    return sorted({path for path in listed.decode(errors="surrogateescape").split("\0") if path})


def head(root: Path) -> str:
    """The commit that is checked out, or nothing where there is no repository, or no commit yet."""
    return _output(["rev-parse", "--verify", "--quiet", "HEAD"], root)


def commits_since(commit: str, root: Path) -> int | None:
    """How many commits HEAD has that `commit` has not; None where it is not in HEAD's history."""
    if not _COMMIT.fullmatch(commit) or _output(["merge-base", commit, "HEAD"], root) != commit:
        return None
    counted = _output(["rev-list", "--count", f"{commit}..HEAD"], root)
    return int(counted) if counted.isdecimal() else None


def changed_since(commit: str, root: Path, folder: str) -> list[str] | None:
    """The files of a folder of `root` that differ from a commit; None where git does not know it."""
    if not _COMMIT.fullmatch(commit):
        return None
    done = _run(["diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", folder], root)
    if done.returncode != 0:
        return None
    paths = done.stdout.decode(errors="surrogateescape").split("\0")
    return [path.removeprefix(f"{folder}/") for path in paths if path]


def are_committed(paths: Sequence[str], root: Path) -> bool:
    """Whether all of these are in git, and as its newest commit has them."""
    try:
        known = _run(["ls-files", "--error-unmatch", "--", *paths], root)
        changed = _run(["status", "--porcelain", "--untracked-files=no", "--", *paths], root)
    except GitError:
        return False
    return known.returncode == 0 and changed.returncode == 0 and not changed.stdout.strip()


def ignores(path: str, root: Path) -> bool | None:
    """Whether git leaves out what lies at a path of `root`; None where `root` is in no repository."""
    try:
        done = _run(["check-ignore", "--quiet", "--", path], root)
    except GitError:
        return None
    return {0: True, 1: False}.get(done.returncode)


def source(root: Path) -> str:
    """Which project this is, for all of its clones: `github.com/acme/models`, or `…//folder` within it.

    Nothing where there is no repository, or it has no remote `origin`. Credentials are left out.
    """
    address = _output(["remote", "get-url", "origin"], root)
    if not address:
        return ""
    folder = _output(["rev-parse", "--show-prefix"], root).rstrip("/")
    return normalised(address) + (f"//{folder}" if folder else "")


def normalised(address: str) -> str:
    """A remote's address without its scheme, user, password and `.git`: one for all ways to reach it.

    Source: https://git-scm.com/docs/git-clone#_git_urls
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        host, colon, path = address.partition(":")
        is_ssh = colon and "/" not in host and len(host) > 1  # `C:` is a drive
        scheme, rest = ("ssh", f"{host}/{path.lstrip('/')}") if is_ssh else ("file", address)
    if scheme != "file":
        host, slash, path = rest.partition("/")
        rest = f"{host.rpartition('@')[2].lower()}{slash}{path}"
    return rest.rstrip("/").removesuffix(".git")


def _output(arguments: list[str], root: Path) -> str:
    """The first line that git answers, or nothing where it has no answer."""
    try:
        done = _run(arguments, root)
    except GitError:
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def commit_of(revision: str, root: Path) -> str:
    """The name of the commit, which cannot be taken for an option; `main...` is where HEAD left main.

    Raises GitError where git knows no such revision.
    """
    if revision.endswith(_SINCE):
        return _merge_base(revision.removesuffix(_SINCE), root)
    unknown = GitError(
        f"git knows no revision `{revision}` here",
        "fetch it first; a clone that CI made may hold the newest commit only",
    )
    if revision.startswith("-"):
        raise unknown
    # Quietly, it says nothing of a revision that it does not know, but still what else is wrong.
    found = _run(["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], root)
    if found.returncode != 0:
        raise GitError(_complaint(found)) if found.stderr else unknown
    return found.stdout.decode().strip()


def _merge_base(revision: str, root: Path) -> str:
    """The newest commit that a revision and HEAD have in common."""
    found = _run(["merge-base", commit_of(revision, root), "HEAD"], root)
    if found.returncode == 0:
        return found.stdout.decode().strip()
    is_shallow = _git(["rev-parse", "--is-shallow-repository"], root).strip() == b"true"
    way = "fetch more of the history: `git fetch --unshallow`" if is_shallow else f"compare with `{revision}`"
    raise GitError(f"git knows no commit that `{revision}` and HEAD have in common", way)


def _listed(listing: bytes) -> Iterator[tuple[str, str]]:
    """Path and object of every file; an entry is `MODE TYPE OBJECT<tab>PATH`."""
    for entry in listing.split(b"\0")[:-1]:
        described, _, path = entry.partition(b"\t")
        mode, _, name = described.split()
        if mode in _FILE_MODES:
            yield path.decode(errors="surrogateescape"), name.decode()


def _contents(answered: bytes, revision: str) -> Iterator[bytes]:
    """The objects in their order. Raises GitError where one is missing."""
    for content in _answers(answered):
        if content is None:
            raise GitError(f"this clone lacks files of `{revision}`", "fetch it again, without a filter")
        yield content


def _answers(answered: bytes) -> Iterator[bytes | None]:
    """The objects in their order; each is `OBJECT TYPE SIZE`, a line end, the content and a line end.

    None for one that is missing, which has the first line alone.
    """
    place = 0
    while place < len(answered):
        end = answered.index(b"\n", place)
        described = answered[place:end].split()
        if described[-1] == b"missing":
            place = end + 1
            yield None
            continue
        place = end + 1 + int(described[-1]) + 1
        yield answered[end + 1 : place - 1]


def _git(arguments: list[str], root: Path, written: bytes = b"") -> bytes:
    done = _run(arguments, root, written)
    if done.returncode != 0:
        raise GitError(_complaint(done))
    return done.stdout


def _run(arguments: list[str], root: Path, written: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", *arguments]
    try:
        return subprocess.run(  # noqa: S603  # a list of arguments, never a shell
            command, cwd=root, input=written, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"`{' '.join(command)}` did not answer within {_SECONDS} s") from None
    except OSError as error:
        raise GitError(
            f"git could not be started: {error.strerror}", "install git, or compare with a folder"
        ) from None


def _complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"git cannot answer: {lines[0].removeprefix('fatal: ')}" if lines else "git cannot answer"
