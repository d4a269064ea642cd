"""The parts `engine` and `repository` of aimass.yaml: who brings what is released to the clusters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import PLACE_BELOW, Frozen

#: `aimass apply`, by people and by the compiled workflows, or an engine that watches the repository.
Engine = Literal["apply", "argocd", "flux"]

#: What people call the engines that are not ours.
ENGINE_NAMES: Mapping[Engine, str] = {"argocd": "Argo CD", "flux": "Flux"}

#: The engines that end where an overlay's release is missing, and do not take it for deleted.
RELEASE_APART: frozenset[Engine] = frozenset(("flux",))

#: What namespaces may be called.
PLACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"

_ADDRESS = r"(https?://|ssh://([A-Za-z0-9_-]+@)?)[A-Za-z0-9.:-]+(/[A-Za-z0-9._~-]+)+"
_BRANCH = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"


def _is_address(value: str) -> str:
    if not re.fullmatch(_ADDRESS, value):
        raise PydanticCustomError(
            "repository",
            "{shown} is not the address of a repository; write it like {example}, without a password",
            {"shown": f"`{value}`", "example": "`https://github.com/acme/models`"},
        )
    return value


class FollowedRepository(Frozen):
    """Where an engine reads this repository."""

    url: Annotated[str, AfterValidator(_is_address), Field(json_schema_extra={"pattern": f"^({_ADDRESS})$"})]
    """Its address by https or ssh, such as `https://github.com/acme/models`."""
    branch: str = Field("main", pattern=_BRANCH)
    """What is on this branch is what runs."""
    secret: str | None = Field(None, max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    """The Secret of each environment's namespace with what Flux needs to read it; Argo CD has its own."""


def require_repository(repository: FollowedRepository | None, engines: Mapping[str, Engine]) -> None:
    """Raises PydanticCustomError where an engine applies an environment, and does not know from where."""
    name = next((name for name, engine in engines.items() if engine != "apply"), None)
    if name is not None and repository is None:
        raise PydanticCustomError(
            "repository",
            "`{engine}` applies {name}, so it must know where: add `repository: {example}`",
            {
                "engine": engines[name],
                "name": name,
                "example": "{url: https://github.com/acme/models}",
                PLACE_BELOW: ("engine",),
            },
        )
