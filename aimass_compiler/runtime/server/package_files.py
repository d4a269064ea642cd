"""Files of a package as servers read them: each is there and of its format, or the package is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.response import ServerFailure, shown

if TYPE_CHECKING:
    from pathlib import Path


def damaged(what: str) -> ServerFailure:
    """What is wrong with a package, and that it must be made again."""
    return ServerFailure(ExitCode.PACKAGE, f"{what}; package the model again")


def unreadable(path: Path, error: OSError) -> ServerFailure:
    """That a file is not there, or may not be read."""
    return ServerFailure(ExitCode.PACKAGE, f"{path} cannot be read: {error.strerror}")


def content_of(path: Path) -> bytes:
    """The bytes of a file; raises ServerFailure."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def document_in(path: Path, written_as: str, content: bytes | None = None) -> dict[str, Any]:
    """The object that a file, or its `content`, holds; raises ServerFailure for another format."""
    try:
        document = orjson.loads(content_of(path) if content is None else content)
    except orjson.JSONDecodeError as error:
        raise damaged(f"{path} is not JSON: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != written_as:
        raise damaged(f"{path} has the format {_quoted(found)}, and this server reads `{written_as}`")
    read: dict[str, Any] = document
    return read


def _quoted(found: object) -> str:
    return f"`{found}`" if found is None or isinstance(found, str) else shown(found)
