"""What git leaves in a file where it could not merge: conflict markers, and the two sides between them.

Source: https://git-scm.com/docs/git-merge#_how_conflicts_are_presented
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Seven signs at the start of a line; of the middle one there is nothing else on it.
_MARKERS = re.compile(rb"^(?:(?:<{7}|>{7}|\|{7})(?= |\r?$)|={7}(?=\r?$)).*$", re.MULTILINE)
_OURS, _BASE, _MIDDLE, _THEIRS = b"<", b"|", b"=", b">"
#: The name of a stage in a dvc.lock, as DVC writes it.
_STAGE = re.compile(rb"^  (?P<name>[^\s#][^:]*):\s*$")


def is_conflicted(content: bytes) -> bool:
    """Whether git's conflict markers are in a file; a line of `=======` alone is none."""
    return (b"<<<<<<<" in content or b">>>>>>>" in content) and next(_certain(content), None) is not None


def first_marker(text: str) -> tuple[int, int] | None:
    """Where the first conflict marker of a text begins and ends, in characters; None where there is none."""
    content = text.encode("utf-8", "surrogatepass")
    found = next(_certain(content), None)
    if found is None:
        return None
    start = len(content[: found.start()].decode("utf-8", "surrogatepass"))
    return start, start + len(found[0].rstrip().decode("utf-8", "surrogatepass"))


def sides(content: bytes) -> tuple[bytes, bytes]:
    """The file as each of two branches has it, where they differ; what git merged is the same in both."""
    ours: list[bytes] = []
    theirs: list[bytes] = []
    for line, side in _lines(content):
        if side in (b"", _OURS):
            ours.append(line)
        if side in (b"", _MIDDLE):
            theirs.append(line)
    return b"".join(ours), b"".join(theirs)


def without_stages_in_conflict(lock: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A dvc.lock without the stages that both sides changed, and their names; nothing where none is left.

    Half of one side's stage and half of the other's would be a run that never was, which DVC would believe.
    """
    kept: list[tuple[bytes, bytes]] = []
    touched: dict[bytes, bool] = {}
    current = outside = b""
    for line, side in _lines(lock, with_markers=True):
        if not line:  # a marker: each side begins in the stage that the conflict began in
            outside = current if side == _OURS else outside
            current = current if side == _THEIRS else outside
            continue
        header = _STAGE.match(line)
        current = header["name"] if header else b"" if line[:1].strip() and not side else current
        if side:
            touched[current] = True
        else:
            kept.append((current, line))
    whole = [line for stage, line in kept if not stage or stage not in touched]
    is_whole = any(line.startswith(b"stages:") for line in whole) and any(line[:2] == b"  " for line in whole)
    return b"".join(whole) if is_whole else b"", tuple(name.decode() for name in touched if name)


def _certain(content: bytes) -> Iterator[re.Match[bytes]]:
    return (found for found in _MARKERS.finditer(content) if found[0][:1] != _MIDDLE)


def _lines(content: bytes, *, with_markers: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Each line with the side that it is on: the sign that opened it, or nothing outside of conflicts."""
    side = b""
    for line in content.splitlines(keepends=True):
        sign = _sign(line, side)
        if not sign:
            yield line, side
            continue
        if with_markers:
            yield b"", sign
        side = b"" if sign == _THEIRS else sign


def _sign(line: bytes, side: bytes) -> bytes:
    """The sign that a marker consists of; a middle one counts only within a conflict."""
    found = _MARKERS.match(line.rstrip(b"\r\n"))
    sign = found[0][:1] if found else b""
    return b"" if sign == _MIDDLE and not side else sign
