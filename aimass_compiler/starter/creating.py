"""A new file, never in the place of another."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation

EXPLANATIONS = (
    Explanation(
        "AM067",
        "the spec could not be created",
        "A spec that exists is never overwritten: it is your work. Delete it or choose another name. "
        "Otherwise the message repeats the system's own reason.",
    ),
)


def create(path: Path, text: str, shown_as: str) -> list[Finding]:
    """Write the whole text to a file that does not exist yet, or nothing at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, text.encode())
    except FileExistsError:
        hint = "choose another name, or delete the file first"
        return [
            Finding("AM067", (), f"`{shown_as}` exists already and was left alone", help=hint, file=shown_as)
        ]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [Finding("AM067", (), f"`{shown_as}` could not be written: {reason}", file=shown_as)]
    return []


def _create(path: Path, content: bytes) -> None:
    """A link to a finished file appears at once and fails where anything is; a rename would replace it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
