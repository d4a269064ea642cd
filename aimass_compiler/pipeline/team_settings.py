"""What holds for all teams of a repository: how their namespaces are called, and who owns what they share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.pipeline.code_owner import CodeOwner


def _is_pattern(value: str) -> str:
    words = set(re.findall(r"{([^{}]*)}", value))
    if words != {"team", "environment"} or not re.fullmatch(r"[a-z0-9-]*", re.sub(r"{[a-z]+}", "", value)):
        message = "{shown} is no pattern with the words {words}; write it like {example}"
        context = {
            "shown": f"`{value}`",
            "words": "`{team}` and `{environment}`",
            "example": "`ml-{team}-{environment}`",
        }
        raise PydanticCustomError("namespace_pattern", message, context)
    return value


class TeamSettings(Frozen):
    """What holds for the teams of the repository, which are the folders of specs/."""

    namespace: Annotated[str, AfterValidator(_is_pattern)] = "ml-{team}-{environment}"
    """What a team's namespace is called in an environment."""
    owners: tuple[CodeOwner, ...] = ()
    """Who on GitHub approves changes of what all teams share: aimass.yaml, teams/, policies/, contracts/ and
    what follows from them. Without them, `.github/CODEOWNERS` says nothing of it."""

    def namespace_of(self, team: str, environment: str) -> str:
        """The namespace of a team in an environment."""
        return self.namespace.replace("{team}", team).replace("{environment}", environment)
