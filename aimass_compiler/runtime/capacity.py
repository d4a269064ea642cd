"""How much memory this process may still take: of the machine, and of the container that it runs in."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("proc/meminfo")
_CGROUP = Path("sys/fs/cgroup")


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that can be taken without being killed for it; None where the system does not tell.

    Sources: proc(5), https://docs.kernel.org/admin-guide/cgroup-v2.html (`memory.max`, `memory.current`;
    what is cached of files, `inactive_file`, makes way) and cgroup-v1's names for the same.
    """
    found = [_of_machine(root), _of_container(root)]
    known = [bytes_ for bytes_ in found if bytes_ is not None]
    return min(known) if known else None


def _of_machine(root: Path) -> int | None:
    found = _fields(root / _MEMINFO).get("MemAvailable:")
    return None if found is None else found * 1024


def _of_container(root: Path) -> int | None:
    group = root / _CGROUP
    names = ("memory.max", "memory.current", "memory.stat", "inactive_file")
    if not (group / names[0]).exists():
        group /= "memory"
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file")
    limit, used = _number(group / names[0]), _number(group / names[1])
    if limit is None or used is None:
        return None
    return max(0, limit - used + _fields(group / names[2]).get(names[3], 0))


def _number(path: Path) -> int | None:
    """The number in a file; None where there is no file, or `max` in it."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _fields(path: Path) -> dict[str, int]:
    """A file of lines that begin with a name and a number."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}
