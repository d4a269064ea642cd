"""generated/.gitattributes: how git checks out, merges and shows what is generated."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_FILE = ".gitattributes"
#: `-merge` leaves our side whole and the path in conflict: no half of a file is taken for a whole one.
#: Source: https://git-scm.com/docs/gitattributes#_performing_a_three_way_merge
ATTRIBUTES = b"""\
# No checkout changes line ends here. A merge takes one side of a file, and `aimass compile` rewrites it;
# of inventory.json it needs both. Written once by aimass: it stays as you change it.
* text eol=lf linguist-generated -merge
inventory.json merge
"""


def write_attributes(generated: Path) -> None:
    """Write the file once, in a git repository; one that is there already stays as it is."""
    path = generated / _FILE
    if path.exists() or path.is_symlink() or not _is_in_repository(generated):
        return
    with contextlib.suppress(OSError):  # that the folder is read-only was reported for the files of models
        generated.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(ATTRIBUTES)


def _is_in_repository(folder: Path) -> bool:
    """Without asking git, which takes longer than a compile without changes."""
    above = Path(os.path.realpath(folder))
    return any((each / ".git").exists() for each in (above, *above.parents))
