"""The language: what a user may write in one model's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.forecast import Forecast
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import ModelChoice, ModelOrChoice
from aimass_compiler.catalog.quantities import Frozen, Integer, Number
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.conventions import API_VERSION, KIND
from aimass_compiler.pipeline import Metadata
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.pipeline.data import Data
from aimass_compiler.pipeline.evaluation import Evaluation
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.quantization import Quantization
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.pipeline.waiver import Waiver


class Overrides(Frozen):
    """What one environment does differently."""

    serving: Serving | None = None
    """Keys of `serving` that differ here."""
    monitoring: Monitoring | None = None
    """Keys of `monitoring` that differ here."""
    training: Training | None = None
    """Keys of `training` that differ here, for training jobs on the environment's cluster."""
    scoring: Scoring | None = None
    """What is scored here, in the place of the whole `scoring` of all environments."""
    accelerator: Accelerator | None = None
    """The accelerator of each server and each training worker of a language model, in the place of the one in
    aimass.yaml."""


def _horizon_alone(value: Any) -> Any:
    return {"horizon": value} if isinstance(value, int) else value


class WrittenTask(Frozen):
    """A task that does not follow from the target's type."""

    forecast: Annotated[Forecast, BeforeValidator(_horizon_alone, json_schema_input_type=Integer | Forecast)]
    """Predict the next values of a series, or of many, from their past."""


#: What is looked for where there is no target.
WithoutTarget = Literal["clustering", "anomaly"]


#: Several columns that are predicted, each yes or no.
Labels = Annotated[tuple[str, ...], Field(min_length=2, max_length=1_000)]


def _form_of_task(value: Any) -> str:
    return "name" if isinstance(value, str) else "record"


#: What stands for the transforms of a file that models share, until they are put in its place.
_SHARED_FEATURES = {
    "type": "object",
    "properties": {
        "shared": {
            "type": "string",
            "pattern": "^[^/]+$",
            "description": "The transforms of `features/NAME.yaml`, at this place.",
        }
    },
    "required": ["shared"],
    "additionalProperties": False,
}


def _as_written(schema: dict[str, Any]) -> None:
    """What is written otherwise than it is decoded: a target is required where no task says that there is
    none, and features may be those of a shared list."""
    (features,) = [each for each in schema["properties"]["features"]["anyOf"] if "items" in each]
    features["items"] = {"anyOf": [*features["items"]["anyOf"], _SHARED_FEATURES]}
    schema["required"].remove("target")
    schema["if"] = {"not": {"required": ["task"]}}
    schema["then"] = {"required": ["target"]}


class ModelSpec(Frozen):
    """One model, from its data to its service."""

    model_config = ConfigDict(
        populate_by_name=True,
        serialize_by_alias=True,
        title="AI Mass model",
        json_schema_extra=_as_written,
    )

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "model"},
        "data": {"sources": {"rows": "rows.csv"}, "columns": {"target": {"type": "number"}}},
        "target": "target",
    }

    @model_validator(mode="before")
    @classmethod
    def _without_target(cls, data: Any) -> Any:
        is_without = isinstance(data, dict) and isinstance(data.get("task"), str) and "target" not in data
        return {**data, "target": ""} if is_without else data

    api_version: Literal["aimass/v1"] = Field(alias="apiVersion")
    """The version of the language."""
    kind: Literal["Model"]
    """What this file describes."""
    metadata: Metadata
    """Which model this is, and whose."""
    data: Data
    """Where the rows come from, what their columns are, and how they are cleaned and split."""
    target: str | Labels
    """The column that is predicted: a category makes classes, a number makes a regression. A list of
    categories of two values each predicts all of them, as labels of which a row may have any number."""
    task: (
        Annotated[
            Annotated[WithoutTarget, Tag("name")] | Annotated[WrittenTask, Tag("record")],
            Discriminator(_form_of_task),
        ]
        | None
    ) = None
    """What is asked where the target's type does not say: a `forecast` of its next values; without a target,
    `clustering`, groups of rows that are alike, or `anomaly`, rows unlike all others."""
    positive: str | None = None
    """Of two classes the one that metrics such as recall are of; by default the last in `values`."""
    quantile: Annotated[Number, Field(gt=0, lt=1)] | None = None
    """Which quantile of a number is predicted, such as 0.9; by default it is the mean."""
    weight: str | None = None
    """The column that says how much each row counts, in training and in metrics; never a feature."""
    features: tuple[Annotated[Transform, OneOf("transforms")], ...] | None = Field(None, max_length=1_000)
    """What is computed from the columns, in this order; by default what suits the columns and the model."""
    model: Annotated[Model | ModelChoice, ModelOrChoice()] | None = None
    """What learns, and its parameters; any of them may be a range to search. `{one_of: […]}` lists several
    models, of which the search chooses one."""
    objective: Objective | None = None
    """What chooses between trials."""
    search: Search = Field(default_factory=Search.default)
    """How the ranges are searched."""
    training: Training = Field(default_factory=Training.default)
    """How one trial is trained."""
    evaluation: Evaluation = Field(default_factory=Evaluation.default)
    """What a trained model must show before it is packaged."""
    quantize: Quantization | None = None
    """How the weights of a language model are made smaller once it is trained; by default they are not."""
    serving: Serving = Field(default_factory=Serving.default)
    """How the model is served."""
    monitoring: Monitoring = Field(default_factory=Monitoring.default)
    """What is watched once the model serves."""
    scoring: Scoring | None = None
    """A table of which every row is predicted at once, by the clock or when it is asked for."""
    environments: Mapping[str, Overrides] = Field(default_factory=dict)
    """What differs in dev, staging, prod or whatever `aimass.yaml` names."""
    waivers: tuple[Waiver, ...] = ()
    """The warnings that are accepted in this spec, each with the reason."""
