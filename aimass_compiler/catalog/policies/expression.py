"""A rule of one's own, in the Common Expression Language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.expression_language import ExpressionError, asked, checked
from aimass_compiler.catalog.policy_rule import (
    AdmissionClaim,
    ApiResource,
    PolicyObjection,
    PolicyRule,
)
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.catalog.text_form import Line, text_form
from aimass_compiler.conventions import COMPONENT_SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

_Word = Annotated[str, *text_form("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "name of the API", "`deployments`")]
_Group = Annotated[str, *text_form("([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?", "group of the API", "`apps`")]
_Key = Annotated[str, *text_form(r"[a-z_]+(\.[a-z0-9_]+)*", "path of a key", "`serving.limits.timeout`")]


def _is_claim(text: str) -> str:
    try:
        checked(text)
    except ExpressionError as error:
        raise PydanticCustomError(
            "expression", "it is no claim in CEL: {problem}", {"problem": str(error)}
        ) from None
    return text


class ObjectClaim(Frozen):
    """What the API server asks of one kind of object."""

    group: _Group = "apps"
    """The API group; empty for that of pods and services."""
    version: _Word = "v1"
    """Its version."""
    resource: _Word = "deployments"
    """What the API calls objects of the kind."""
    component: _Word = COMPONENT_SERVER
    """Which part of a model: its `server`, or its `training`."""
    check: str = Field(min_length=1, max_length=10_000)
    """A claim in CEL over `object`, as in a ValidatingAdmissionPolicy; the API server alone reads it."""


class Expression(PolicyRule):
    """A rule of one's own, in the Common Expression Language.

    It is about `pipeline`, which is what pipeline.json says; `here`, what of it an environment runs;
    `environment`, its name; and `team`. `seconds('5m')`, `memory('2Gi')`, `cores('500m')` and
    `percent('99.9%')` turn amounts into numbers. It needs the extra `policies`:
    `pip install aimass-compiler[policies]`.
    """

    short_form: ClassVar[str | None] = "check"

    check: Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_is_claim)]
    """The claim, such as `seconds(here.serving.limits.timeout) <= 5.0`."""
    message: Line = "the rule is not kept"
    """What is wrong where it is false."""
    help: Line | None = None
    """What to do about it, for people."""
    at: _Key = "metadata"
    """Where in the spec that is reported, such as `serving.limits.timeout`."""
    on_server: ObjectClaim | None = None
    """The same for the API server; by default only the compiler holds it."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        document = model.document
        known: dict[str, Any] = {
            "pipeline": document,
            "here": document["environments"][environment],
            "environment": environment,
            "team": model.team or "",
        }
        if not asked(self.check, known):
            yield PolicyObjection(tuple(self.at.split(".")), self.message, self.help or "")

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        if self.on_server is None:
            return ()
        claim = self.on_server
        resource = ApiResource(claim.group, claim.version, claim.resource)
        return (AdmissionClaim(resource, claim.check, self.message, claim.component),)
