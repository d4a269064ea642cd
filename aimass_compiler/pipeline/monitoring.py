"""What is watched once the model serves, and when it is trained again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler import drift_methods
from aimass_compiler.catalog.quantities import Duration, Frozen, Integer, Number, Within, is_absent
from aimass_compiler.catalog.source_choice import SourceChoice
from aimass_compiler.drift_methods import DriftMethod
from aimass_compiler.pipeline.job_resources import JobResources
from aimass_compiler.pipeline.schedule import mistake

#: Scheme, host, port and the characters that RFC 3986 allows behind them.
_PAGE = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"


def _is_schedule(value: str) -> str:
    if problem := mistake(value):
        raise PydanticCustomError(
            "cron",
            "{shown} is not a schedule: {problem}; Mondays at 3 are `0 3 * * 1`",
            {"shown": f"`{value}`", "problem": problem},
        )
    return value


def _is_page(value: str) -> str:
    if not re.fullmatch(_PAGE, value):
        raise PydanticCustomError(
            "page",
            "{shown} is not the address of a page; write it like {example}",
            {"shown": f"`{value}`", "example": "`https://wiki.example.com/churn`"},
        )
    return value


Schedule = Annotated[str, AfterValidator(_is_schedule)]
Page = Annotated[str, AfterValidator(_is_page), Field(json_schema_extra={"pattern": f"^{_PAGE}$"})]


if TYPE_CHECKING:
    _Method = str
else:
    _Method = Literal[drift_methods.names()]


class Drift(Frozen):
    """How far the inputs and predictions may move from the training data.

    By the population stability index of Siddiqi (2006) below 0.1 nothing moved, above 0.25 much did.
    """

    method: _Method = drift_methods.USUAL
    """How the distance is measured: by the population stability index (`psi`), by the largest difference of
    cumulative shares (`ks`, Kolmogorov-Smirnov), or by the Jensen-Shannon distance (`js`)."""
    warn: Number = Field(drift_methods.method(drift_methods.USUAL).warn, gt=0)
    """Above this a ticket is opened; by default 0.1, by `ks` 0.12, by `js` 0.13."""
    page: Number = Field(drift_methods.method(drift_methods.USUAL).page, gt=0)
    """Above this someone is paged; by default 0.25, by `ks` 0.2, by `js` 0.21."""
    window: Annotated[Duration, Within("1s", "365d")] = Duration("1h")
    """The traffic that is compared with the training data."""
    rows: Integer = Field(500, ge=1)
    """The fewest rows in the window that allow a verdict."""
    representation: bool | None = Field(None, exclude_if=is_absent)
    """Whether it is watched, too, how far a network's own representation of a row is from training."""

    @property
    def measure(self) -> DriftMethod:
        """How the distance is measured."""
        return drift_methods.method(self.method)

    def with_limits(self) -> Self:
        """The same with the limits that its method has where none are written."""
        usual = {"warn": self.measure.warn, "page": self.measure.page}
        return self.filled(**{name: usual[name] for name in usual.keys() - self.model_fields_set})


class CandidateBudget(Frozen):
    """What candidates of one model may take in 30 days; what is left out is not limited."""

    candidates: Integer | None = Field(None, ge=1)
    """How many are trained."""
    cost: Number | None = Field(None, gt=0)
    """What training them costs, by `prices` in aimass.yaml and in their currency."""


def _each(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Cause = Literal["drift", "quality", "data"]
#: Of what is tried where the spec does not say.
USUAL_COOLDOWN, USUAL_ATTEMPTS = Duration("1d"), 3


class Retrain(Frozen):
    """When the model is trained again, and how often that is tried."""

    schedule: Schedule | None = None
    """A cron expression of five fields, or a word such as `@daily`, in UTC."""
    on: (
        Annotated[
            tuple[Cause, ...],
            BeforeValidator(_each, json_schema_input_type=Cause | list[Cause]),
            Field(min_length=1),
        ]
        | None
    ) = None
    """What else is a reason, one or several: `drift` of the rows that are served, lost `quality` where truth
    is known later, new `data` where the sources are. `aimass retrain` looks for them."""
    cooldown: Annotated[Duration, Within("10m", "365d")] | None = Field(None, exclude_if=is_absent)
    """How long there is no further candidate after one; by default a day."""
    budget: CandidateBudget | None = Field(None, exclude_if=is_absent)
    """What candidates may take in 30 days; by default it is not limited."""
    attempts: Integer | None = Field(None, ge=1, le=100, exclude_if=is_absent)
    """After so many candidates in a row that failed, a person decides; by default after three."""


class Labels(Frozen):
    """Where the truth comes from, once it is known."""

    source: SourceChoice
    """The table with the truth, as in `data.sources`: a column with the name of the request, one with the
    target, and `row` where requests have several rows, counted from 0."""
    join: str = Field("request_id", min_length=1)
    """The column with the name of the request, which callers send and get as `x-request-id`."""
    delay: Annotated[Duration, Within("1s", "365d")] = Duration("7d")
    """How long after a prediction its truth should be known."""
    window: Annotated[Duration, Within("1h", "365d")] = Duration("30d")
    """How far back predictions are judged, behind `delay`."""
    schedule: Schedule | None = Field(None, exclude_if=is_absent)
    """When the cluster measures it, as a cron expression of five fields or a word such as `@daily`, in UTC;
    by default only `aimass truth` does."""
    deadline: Annotated[Duration, Within("1m", "7d")] = Duration("1h")
    """How long a scheduled measurement may take with all of its retries."""
    resources: JobResources = Field(default_factory=JobResources.default)
    """What the pod that measures may use; it holds all records of the window."""


class Monitoring(Frozen):
    """What is watched once the model serves."""

    drift: Drift = Field(default_factory=Drift.default)
    """How far inputs and predictions may move."""
    retrain: Retrain = Field(default_factory=Retrain.default)
    """When the model is trained again."""
    labels: Labels | None = Field(None, exclude_if=is_absent)
    """Where the truth comes from, by which `aimass truth` measures the model in production."""
    runbook: Page | None = None
    """The page that the alerts link to."""

    def with_limits(self) -> Self:
        """The same with the limits of drift that its method has where none are written."""
        return self.filled(drift=self.drift.with_limits())
