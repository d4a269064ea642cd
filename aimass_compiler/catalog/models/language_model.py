"""A language model that is fine-tuned: it answers a text, or one of a target's classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

from pydantic import Field

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.adapter import Adapter
from aimass_compiler.catalog.adapters.lora import Lora
from aimass_compiler.catalog.artifact import Artifact
from aimass_compiler.catalog.artifacts.language_model import LanguageModelFiles
from aimass_compiler.catalog.base_model import AnyBase
from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.examples import Conversations, Examples, Read
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.transformers import TRANSFORMERS
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.project_code import ProjectFile
from aimass_compiler.catalog.quantities import Flag, Frozen, Integer, Number, Tunable, is_absent
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence


class Preference(Frozen):
    """Learn to prefer one answer to another (DPO, Rafailov et al. 2023, https://arxiv.org/abs/2305.18290)."""

    rejected: str
    """The column with the answer that was liked less; the target is the one that was liked more."""
    beta: Tunable[Annotated[Number, Field(gt=0, le=10)]] = 0.1
    """How closely the answers stay to those of the base."""


class LanguageModel(Model):
    """A language model that is fine-tuned: it answers a text, or one of a target's classes."""

    tasks: ClassVar[frozenset[str]] = frozenset({"generation", "classification"})
    examples: ClassVar[Read] = Conversations()
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "generation": ("log_loss",),
        "classification": ("log_loss",),
    }
    library: ClassVar[Framework] = TRANSFORMERS
    artifact: ClassVar[Artifact[Any]] = LanguageModelFiles()
    learns_in_epochs: ClassVar[bool] = True
    learns_in_steps: ClassVar[bool] = True

    base: AnyBase
    """What fine-tuning begins with: `{path: models/base}`, `{hub: org/name, revision: COMMIT}` or
    `{oci: registry/name@sha256:…}`; safetensors only, and never code."""
    adapter: Annotated[Adapter, OneOf("adapters")] = Field(default_factory=Lora.default)
    """What learns: `lora`, with its parameters, or `full`."""
    sequence_length: Integer = Field(1024, ge=8, le=1_048_576)
    """How many tokens prompt and answer have together at most; longer rows are cut off."""
    template: ProjectFile | None = Field(None, exclude_if=is_absent)
    """A chat template in the place of the base's own: a Jinja file of the project."""
    packing: Flag = False
    """Put several conversations into a row of training, so that little of a batch is padding; each still sees
    itself alone. `batch_size` then counts such rows."""
    preference: Preference | None = Field(None, exclude_if=is_absent)
    """Learn from pairs of answers which is liked more; by default each answer is learned as it is."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        return (*self.base.dependencies, *(() if self.template is None else (self.template,)))

    @property
    def learned(self) -> Adapter:
        return self.adapter

    @property
    def data_files(self) -> tuple[str, ...]:
        return self.base.dependencies

    def conversation(self, columns: Sequence[str]) -> Conversation | None:
        rejected = None if self.preference is None else self.preference.rejected
        return Conversation(
            base=self.base,
            columns=tuple(name for name in columns if name != rejected),
            sequence_length=self.sequence_length,
            template=self.template,
            packing=self.packing,
            rejected=rejected,
        )

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The same with values of the adapter's, the preference's and its own parameters, by their names."""
        changed: dict[str, Any] = {}
        for name, part in (("adapter", self.adapter), ("preference", self.preference)):
            own = {key: value for key, value in values.items() if part and key in type(part).model_fields}
            if part is not None and own:
                changed[name] = type(part).model_validate(part.model_dump() | own)
        return self.filled(**changed)

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        from aimass_compiler.catalog.frameworks._fine_tuning_loop import fine_tuned
        from aimass_compiler.catalog.frameworks._fine_tuning_setup import FineTuningSetup

        setup = FineTuningSetup(
            base=self.base,
            adapter=self.adapter,
            sequence_length=self.sequence_length,
            template=self.template,
            beta=None if self.preference is None else cast("float", self.preference.beta),
        )
        return fine_tuned(setup, task, train, validation, budget, progress)
