"""Several models of which a search chooses one: `{one_of: [xgboost, logistic_regression]}`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.quantities import Frozen

if TYPE_CHECKING:
    from pydantic_core import core_schema

    from aimass_compiler.catalog.task import Task

#: What is written where the name of a model stands otherwise.
KEY = "one_of"


class ModelChoice(Frozen):
    """Models for the same features: the search tries each with its own hyperparameters, and keeps one."""

    one_of: tuple[Annotated[Model, OneOf("models")], ...] = Field(min_length=2, max_length=20)
    """The models to choose from, each with its hyperparameters and ranges."""

    @property
    def kind(self) -> str:
        return KEY

    @property
    def candidates(self) -> tuple[Model, ...]:
        """Every model that may be trained."""
        return self.one_of

    @property
    def names_found(self) -> tuple[str, ...]:
        """What the groups are called that any of them finds without a target, of as many as may be."""
        return max((model.names_found for model in self.one_of), key=len)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The files of the project that training any of them reads, beside the rows."""
        return tuple(dict.fromkeys(path for model in self.one_of for path in model.dependencies))

    @cached_property
    def labels(self) -> Mapping[str, Model]:
        """The models by their kind; the second of a kind is `xgboost_2`."""
        counts, found = Counter[str](), {}
        for model in self.one_of:
            counts[model.kind] += 1
            count = counts[model.kind]
            found[model.kind if count == 1 else f"{model.kind}_{count}"] = model
        return found

    def resolved(self, task: Task) -> Self:
        """The same with every default that depends on the task written out."""
        return self.filled(one_of=tuple(model.resolved(task) for model in self.one_of))

    def adjusted(self, more: Literal["regularization", "capacity"]) -> Self:
        """The same with twice the regularization or capacity of each model."""
        return self.filled(one_of=tuple(model.adjusted(more) for model in self.one_of))


class ModelOrChoice(OneOf):
    """Annotates a field that holds one model, or several to choose from."""

    def __init__(self) -> None:
        super().__init__("models")

    def _read(self, value: Any) -> Any:
        if isinstance(value, ModelChoice):
            return value
        if isinstance(value, dict) and value.keys() == {KEY}:
            return ModelChoice.model_validate(value)
        return super()._read(value)

    def _write(self, value: Any) -> dict[str, Any]:
        return value.model_dump(mode="json") if isinstance(value, ModelChoice) else super()._write(value)

    def _json_schema(self, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        found = super()._json_schema(schema, handler)
        bare, one = found["anyOf"]
        several = handler(ModelChoice.__pydantic_core_schema__)
        choice = handler.resolve_ref_schema(several)["properties"][KEY]
        summary = {"description": "Several models, of which the search chooses one."}
        return {"anyOf": [bare, {**one, "properties": {**one["properties"], KEY: {**choice, **summary}}}]}
