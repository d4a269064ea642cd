"""Who applies to an environment, as the cluster knows them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import ONE_OR_SEVERAL, Frozen


class Account(Frozen):
    """A ServiceAccount of the cluster."""

    name: str = "aimass"
    """Its name."""
    namespace: str | None = None
    """Where it stands; by default in the environment's own namespace."""


class Deployer(Frozen):
    """Who applies: a ServiceAccount, or a user or a group as the API server knows them."""

    service_account: Account | None = None
    """A ServiceAccount, such as that of a runner inside of the cluster."""
    user: str | None = Field(None, min_length=1)
    """A user, such as `github:repo:acme/models:environment:prod` with GitHub's identity tokens."""
    group: str | None = Field(None, min_length=1)
    """A group of users."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(part is not None for part in (self.service_account, self.user, self.group)) != 1:
            raise PydanticCustomError(
                "deployer", "exactly one of `service_account`, `user` and `group` says who it is"
            )
        return self


#: One, or a list of them.
Deployers = Annotated[
    Annotated[Deployer, Tag("one")] | Annotated[tuple[Deployer, ...], Field(min_length=1), Tag("several")],
    ONE_OR_SEVERAL,
]
