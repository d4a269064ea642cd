"""What memory is available: the least of what the machine has and what the container may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimass_compiler.catalog.quantities import shown_bytes
from aimass_compiler.runtime.capacity import available_memory

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {"proc/meminfo": "MemTotal: 16000 kB\nMemAvailable:    8000 kB\n"}
VERSION_2 = {
    "sys/fs/cgroup/memory.max": "4096000\n",
    "sys/fs/cgroup/memory.current": "3000000\n",
    "sys/fs/cgroup/memory.stat": "anon 1000000\ninactive_file 2000000\n",
}
VERSION_1 = {
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "4096000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "3000000\n",
    "sys/fs/cgroup/memory/memory.stat": "cache 5\ntotal_inactive_file 1000000\n",
}


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, None),
        (MACHINE, 8_192_000),
        (VERSION_2, 3_096_000),
        (MACHINE | VERSION_2, 3_096_000),
        (MACHINE | VERSION_2 | {"sys/fs/cgroup/memory.max": "max\n"}, 8_192_000),
        (MACHINE | VERSION_2 | {"sys/fs/cgroup/memory.max": "99999999999\n"}, 8_192_000),
        (MACHINE | VERSION_1, 2_096_000),
    ],
)
def test_what_is_available(tmp_path: Path, files: dict[str, str], available: int | None) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert available_memory(tmp_path) == available


def test_sizes_are_shown_as_people_read_them() -> None:
    assert [shown_bytes(count) for count in (1, 5 * 2**20, 3 * 2**30)] == ["1 MiB", "5 MiB", "3.0 GiB"]
