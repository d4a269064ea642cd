"""What git is told of a project: how it treats generated/, and what it leaves out."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

ATTRIBUTES_FILE = ".gitattributes"
#: `-merge` leaves our side whole and the path in conflict: no half of a file is taken for a whole one.
#: Source: https://git-scm.com/docs/gitattributes#_performing_a_three_way_merge
ATTRIBUTES = b"""\
# No checkout changes line ends here. A merge takes one side of a file, and `aimass compile` writes it anew;
# of inventory.json it needs both. Written once by aimass: it stays as you change it.
* text eol=lf linguist-generated -merge
inventory.json merge
"""


def is_in_git(folder: Path) -> bool:
    """Whether a folder lies in a git repository, without asking git."""
    above = Path(os.path.realpath(folder))
    return any((each / ".git").exists() for each in (above, *above.parents))


def tell_attributes(generated: Path) -> bool:
    """Tell git once how to treat what is generated; whether it was told just now."""
    path = generated / ATTRIBUTES_FILE
    if path.exists() or path.is_symlink() or not is_in_git(generated):
        return False
    with contextlib.suppress(OSError):  # a read-only folder was told of by what could not be written to it
        generated.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(ATTRIBUTES)
        return True
    return False
