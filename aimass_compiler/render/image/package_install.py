"""How an image gets this package: the version of the compiler, with what it needs as it is pinned."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

#: In the folder that an image is built from.
CONSTRAINTS = "constraints.txt"
_MOUNTED = f"/context/{CONSTRAINTS}"
_FILE = Path(__file__).parents[2] / "runtime" / "packaging" / CONSTRAINTS


@cache
def context() -> dict[str, bytes]:
    """What an image is built from beside its Dockerfile, by path: versions of all that may be installed."""
    return {CONSTRAINTS: _FILE.read_bytes()}


def install(extras: Iterable[str], version: str, *, is_pinned: bool = True) -> str:
    """The instruction that installs a version of this package; where it `is_pinned`, that names the pins."""
    extra = f"aimass-compiler[{','.join(sorted(extras))}]=={version}"
    pip = "PIP_CONFIG_FILE=/run/secrets/pip python -m pip install --no-cache-dir --disable-pip-version-check"
    return f"""\
# The secrets `pip` and `certificates` say which index, as for the image that serves.
RUN --mount=type=bind,target=/context \\
    --mount=type=secret,id=pip,mode=0444 --mount=type=secret,id=certificates,mode=0444 \\
    {_checked() if is_pinned else ""}{pip} \\
      --find-links /context {f"--constraint {_MOUNTED} " if is_pinned else ""}\\
      "{extra}"
"""


def _checked() -> str:
    """That the pins are those which the image's tag stands for."""
    digest = hashlib.sha256(context()[CONSTRAINTS]).hexdigest()
    return f'echo "{digest}  {_MOUNTED}" >/tmp/pins && sha256sum -c /tmp/pins && rm /tmp/pins \\\n && '
