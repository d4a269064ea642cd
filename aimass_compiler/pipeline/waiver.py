"""A warning that somebody accepts, with the reason."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.values import Frozen


def _is_code(value: str) -> str:
    if not re.fullmatch(r"AM[0-9]{3}", value):
        raise PydanticCustomError("code", "{shown} is not a code such as `AM216`", {"shown": f"`{value}`"})
    return value


class Waiver(Frozen):
    """A warning that somebody accepts, with the reason. Errors cannot be accepted."""

    code: Annotated[str, AfterValidator(_is_code)]
    """The code of the warning, such as `AM216`; `aimass explain AM216` says what it means."""
    at: str | None = None
    """Where it is accepted, such as `data.columns.note` or `features.2`; by default everywhere."""
    reason: str = Field(min_length=1)
    """Why, for whoever reads the spec next."""
