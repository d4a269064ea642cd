"""How lines of text become cells: what separates, quotes and escapes them, and where they begin."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Flag, Integer
from aimass_compiler.catalog.source import FileSource

_TAKEN = frozenset("\r\n\0")


def _codec(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        "a".encode(name)
    except (LookupError, UnicodeError):
        raise PydanticCustomError(
            "encoding",
            "unknown encoding `{name}`; write it like `utf-16`, `latin-1` or `cp1252`",
            {"name": name},
        ) from None
    del codec
    return name


def _character(value: str) -> str:
    if _TAKEN & set(value):
        raise PydanticCustomError("line_end", "a line end is not allowed here", {})
    return value


_Character = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_character)]
_Codec = Annotated[str, AfterValidator(_codec)]


class SeparatedText(FileSource):
    """Files whose lines hold cells with separators between them; what the cells mean, a subclass says."""

    separator: _Character = ","
    """The separator between values."""
    quote: _Character | Literal["none"] = '"'
    """The quote character around values that contain separators or line ends; `none` if quotes are plain."""
    escape: Annotated[str, Field(max_length=1)] = ""
    r"""The character that escapes the next one, such as `\`; without it, quotes in quotes are doubled. If it
    is a backslash, `\N` alone is a missing value, as MySQL writes it."""
    comment: str = ""
    """How comment lines begin, such as `#`."""
    skip: Integer = Field(0, ge=0)
    """How many lines to skip above the header."""
    header: Literal["line", "none"] | tuple[str, ...] = "line"
    """`line` if the first line names the columns; `none` if there is no header and the columns are named
    `column_1`, `column_2` and so on; or their names, if there is no header."""
    strip: Flag = False
    """Whether to strip the spaces around values and names."""
    encoding: _Codec = "utf-8"
    """The encoding of the text, such as `utf-16`, `latin-1` or `cp1252`."""

    def written(self, **changed: str) -> str:
        """How a spec writes a change of the dialect."""
        return ", ".join(
            f"`{key}: {value if value.isalnum() else repr(value)}`" for key, value in changed.items()
        )
