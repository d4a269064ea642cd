"""A rule of the organisation: what models are held to, where, why, and who may waive it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.policy_rule import PolicyRule
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.catalog.text_form import Line, text_form
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.code_owner import CodeOwner

#: What a model is asked for, as its contract calls it.
_Task = Literal[
    "classification", "regression", "forecast", "multilabel", "clustering", "anomaly", "generation"
]
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_Model = Annotated[
    str,
    *text_form(r"([a-z][a-z0-9-]*/)?[a-z][a-z0-9-]*", "path of a model", "`churn` or `growth/churn`"),
]


def _is_day(value: str) -> str:
    try:
        if re.fullmatch(_DAY, value):
            datetime.date.fromisoformat(value)
            return value
    except ValueError:
        pass
    raise PydanticCustomError(
        "day",
        "{shown} is no day; write it like {example}",
        {"shown": f"`{value}`", "example": '`"2027-03-31"`'},
    )


class Scope(Frozen):
    """Which models a policy holds for, and where: each key narrows it, and an empty one does not."""

    environments: tuple[str, ...] = ()
    """The environments, such as `prod`; by default all."""
    teams: tuple[str, ...] = ()
    """The teams, such as `growth`; by default all, and models of no team."""
    tasks: tuple[_Task, ...] = ()
    """The tasks, such as `generation`; by default all."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """Labels that the model's objects get from aimass.yaml; by default any."""

    def is_about(self, task: str, team: str, labels: Mapping[str, str]) -> bool:
        """Whether a model is one of these, whatever the environment."""
        return (
            (not self.teams or team in self.teams)
            and (not self.tasks or task in self.tasks)
            and all(labels.get(key) == value for key, value in self.labels.items())
        )

    def has(self, environment: str) -> bool:
        """Whether it is about an environment."""
        return not self.environments or environment in self.environments

    def environments_of(self, model: Pipeline) -> list[str]:
        """The environments of a model that it is about."""
        if not self.is_about(model.task.served_as, model.team or "", model.settings.labels):
            return []
        return [name for name in model.environments if self.has(name)]


class Policy(Frozen):
    """A rule of the organisation, which all models are held to that it is about."""

    why: Line
    """The reason, in a sentence: who meets the policy reads it."""
    level: Literal["error", "warn"] = "error"
    """Whether a model that does not keep it is refused, by compiler and API server, or only reported."""
    where: Scope = Field(default_factory=Scope.default)
    """Which models it is about, and in which environments; by default all."""
    approvers: tuple[CodeOwner, ...] = ()
    """Who on GitHub may waive it and change it: users such as `anna`, or teams such as `acme/platform`. By
    default no one may waive it."""
    rule: Annotated[PolicyRule, OneOf("policies")]
    """What models must keep: one of the rules, with its parameters, or an `expression` of your own."""

    @property
    def is_error(self) -> bool:
        """Whether a model that does not keep it is refused."""
        return self.level == "error"


class PolicyWaiver(Frozen):
    """A model that need not keep a policy for a while."""

    model: _Model
    """The model by its path, such as `growth/churn`."""
    environments: tuple[str, ...] = ()
    """Where; by default wherever the policy holds."""
    reason: Line
    """Why, for those who ask later."""
    until: Annotated[str, AfterValidator(_is_day), Field(json_schema_extra={"pattern": f"^{_DAY}$"})]
    """The last day on which it holds, in UTC: `2027-03-31`."""

    def holds(self, model: str, environment: str) -> bool:
        """Whether it is about a model in an environment."""
        return self.model == model and (not self.environments or environment in self.environments)


class PolicyWaivers(Frozen):
    """Who need not keep a policy: policies/waivers/NAME.yaml, which the policy's approvers own."""

    waivers: tuple[PolicyWaiver, ...] = Field(min_length=1)
    """Each for one model, with a reason and an end."""


class Policies(Frozen):
    """All policies of an organisation, and who need not keep them."""

    policies: Mapping[str, Policy] = Field(default_factory=dict)
    """By their names."""
    waivers: Mapping[str, tuple[PolicyWaiver, ...]] = Field(default_factory=dict)
    """By the names of the policies."""

    def ended(self, today: datetime.date) -> Iterator[tuple[str, int, PolicyWaiver]]:
        """The waivers that hold no more, each with the name of its policy and its place in the file."""
        for policy, waivers in self.waivers.items():
            for place, waiver in enumerate(waivers):
                if datetime.date.fromisoformat(waiver.until) < today:
                    yield policy, place, waiver

    def waiver(self, policy: str, model: str, environment: str) -> PolicyWaiver | None:
        """What lets a model be as it is, by its path."""
        return next((one for one in self.waivers.get(policy, ()) if one.holds(model, environment)), None)


NO_POLICIES = Policies.default()
