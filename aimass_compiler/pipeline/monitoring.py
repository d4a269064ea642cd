"""What is watched once the model serves, and when it is trained again."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.values import Duration, Frozen, Number

_CRON_FIELDS = 5


class Drift(Frozen):
    """How far the inputs and predictions may move from the training data.

    The population stability index of Siddiqi (2006): below 0.1 nothing moved, above 0.25 much did.
    """

    method: Literal["psi"] = "psi"
    """How the distance is measured."""
    warn: Number = Field(0.1, gt=0)
    """Above this a ticket is opened."""
    page: Number = Field(0.25, gt=0)
    """Above this somebody is called."""
    window: Duration = Duration("1h")
    """The traffic that is compared with the training data."""
    rows: int = Field(500, ge=1, strict=True)
    """The fewest rows in the window that allow a verdict."""


class Retrain(Frozen):
    """When the training job runs again on the cluster."""

    schedule: str | None = None
    """A cron expression of five fields, in UTC."""
    on: Literal["drift"] | None = None
    """What else starts it."""

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = value.split()
        if len(parts) != _CRON_FIELDS or not all(re.fullmatch(r"[0-9A-Za-z*/,\-]+", part) for part in parts):
            raise PydanticCustomError(
                "cron",
                "{shown} is not a cron expression of five fields; Mondays at 3 are `0 3 * * 1`",
                {"shown": f"`{value}`"},
            )
        return value


class Monitoring(Frozen):
    """What is watched once the model serves."""

    drift: Drift = Field(default_factory=Drift)
    """How far inputs and predictions may move."""
    retrain: Retrain = Field(default_factory=Retrain)
    """When the model is trained again."""
    runbook: str | None = None
    """The page that the alerts link to."""
