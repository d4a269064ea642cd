"""Texts that must have a form, such as hosts: how one is checked, and what is said of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def text_form(pattern: str, noun: str, example: str) -> tuple[AfterValidator, FieldInfo]:
    """What annotates a text of a form: its check, and the pattern for editors."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            context = {"shown": f"`{value[:60]}`", "noun": noun, "example": example}
            raise PydanticCustomError("form", "{shown} is no {noun}; write it like {example}", context)
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": f"^({pattern})$"})


#: A sentence, as messages have them and manifests must.
Line = Annotated[str, *text_form(r"\S[^\r\n]{0,499}", "line of text", "`a zone fails about once a year`")]
