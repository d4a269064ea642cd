"""People as GitHub knows them, who approve changes of what is theirs."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen

#: A user, a team of an organisation, or an e-mail address.
#: Source: https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
_NAME = r"@?[A-Za-z0-9][A-Za-z0-9_-]{0,99}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,99})?|[^@\s#]+@[^@\s#]+\.[^@\s#]+"


def _as_owner(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        message = "{shown} is no name of GitHub; write a user like `anna` or a team like `acme/growth`"
        raise PydanticCustomError("code_owner", message, {"shown": f"`{value}`"})
    return value if "@" in value else f"@{value}"


#: A user or team without the `@` that YAML wants in quotes, or an e-mail address.
CodeOwner = Annotated[str, AfterValidator(_as_owner), Field(json_schema_extra={"pattern": f"^({_NAME})$"})]


class CodeOwners(Frozen):
    """Who a team is on GitHub: users such as `anna`, teams such as `acme/growth`, or e-mail addresses."""

    members: tuple[CodeOwner, ...] = Field(min_length=1)
    """Who approves changes of its specs and of what follows from them."""
    oncall: tuple[CodeOwner, ...] = ()
    """Who approves its releases; by default the members."""

    @property
    def everyone(self) -> tuple[CodeOwner, ...]:
        """All who are of the team."""
        return (*self.members, *self.oncall)
