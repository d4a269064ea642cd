"""What was measured of the images, as Markdown."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.images.running import Seen
    from benchmarks.images.store import Image

_MEBIBYTE = 2**20
_HEAD = (
    "model", "size", "in the registry", "layers", "the package", "to ready", "of that CPU",
    "first prediction", "peak memory", "rows", "largest difference", "to end",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One model's image, and its container."""

    model: str
    image: Image
    size: int
    seen: Seen
    faults: tuple[str, ...]


def markdown(measured: Sequence[Measured], base: str, faults: Sequence[str]) -> str:
    """The whole report."""
    shared = set.intersection(*({layer.digest for layer in each.image.layers} for each in measured))
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_row(each, shared) for each in measured)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    told = "\n".join(f"- {fault}" for fault in faults) or _SOUND
    return f"""\
# The serving images

Base: {base}.
{_version("buildah")}. {_version("runc")}. {os.cpu_count()} cores, load {os.getloadavg()[2]:.0f} over
the last quarter of an hour.

{table}

Sizes are in MiB, in the registry as a node pulls them; times are those of the middling
start, memory is of the server's process. {len(shared)} layers are the same in all images.

{told}
"""


_SOUND = """\
The server was built twice, the second time in another folder, under another umask and without a cache: same
digest. Each model was published on it without a builder, and pulled by its digest. Each container ran as its
Deployment in production says, and the kernel told the same of its process: user 10001, no capabilities, no
new privileges, filtered system calls, a read-only root, the memory limit. A build with another hash in a pin,
and one with a wheel that has another hash, ended. The pip.conf of the package index is in no layer, and in
nothing that a failed build left."""


def _row(each: Measured, shared: set[str]) -> tuple[str, ...]:
    layers = each.image.layers
    own = [layer.stored_bytes for layer in layers if layer.digest not in shared]
    seen = each.seen
    return (
        each.model,
        f"{each.size / _MEBIBYTE:.0f}",
        f"{sum(layer.stored_bytes for layer in layers) / _MEBIBYTE:.0f}",
        str(len(layers)),
        f"{sum(own) / _MEBIBYTE:.2f}",
        f"{seen.ready_seconds:.2f} s",
        f"{seen.ready_cpu_seconds:.2f} s",
        f"{seen.first_seconds * 1000:.1f} ms",
        f"{seen.peak_bytes / _MEBIBYTE:.0f}",
        str(seen.rows),
        f"{seen.largest_difference:.0e}",
        f"{seen.end_seconds:.2f} s",
    )


def _version(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return told.splitlines()[0]
