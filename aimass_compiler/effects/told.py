"""What a plan means for one model, as values that every view draws from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.diagnostics import Path
from aimass_compiler.plan.comparison import Change, Plan

if TYPE_CHECKING:
    from aimass_compiler.effects.cost import Cost
    from aimass_compiler.effects.deliveries import Delivery


class Sign(StrEnum):
    """What happens, in one character, as Terraform and git have it."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


class Severity(StrEnum):
    """What a change of the served contract does to those who call the model."""

    BREAKING = "breaking"
    POSSIBLY = "possibly-breaking"
    COMPATIBLE = "compatible"


class State(StrEnum):
    """Whether a stage runs the next time, and how sure that is."""

    RUNS = "runs"
    """It runs: something that it reads changed."""
    FOLLOWS = "follows"
    """It runs when a stage before it leaves something else than the last time."""
    CACHED = "cached"
    """It does not run: dvc.lock has this run, and the files are as it left them."""
    RECORDED = "recorded"
    """dvc.lock has this run; the files are not here, or too large to be read for a plan."""
    UNAFFECTED = "unaffected"
    """It reads nothing that changes; whether it ran at all is not known without a dvc.lock."""


class Told(Struct, frozen=True):
    """One change in the user's words; `place` is the file and line of the value where that is known."""

    sign: Sign
    text: str
    key: str = ""
    before: Any = None
    after: Any = None
    environments: tuple[str, ...] = ()
    place: str = ""


class Breach(Struct, frozen=True):
    """One change of what callers rely on."""

    rule: str
    severity: Severity
    text: str
    path: Path = ()
    environments: tuple[str, ...] = ()
    place: str = ""
    is_allowed: bool = False


class StageEffect(Struct, frozen=True):
    """One stage, and why it runs again or does not."""

    name: str
    state: State
    reads: tuple[str, ...] = ()
    """The values that it reads and that differ, as people write them."""
    follows: tuple[str, ...] = ()
    """The stages before it that run again."""
    notes: tuple[str, ...] = ()
    """What else is to be said, in sentences."""

    is_first: bool = False
    """Whether it never ran before."""
    is_always_run: bool = False
    """Whether it runs each time because DVC cannot watch all that it reads, and for no other reason."""

    @property
    def may_run(self) -> bool:
        return self.state in (State.RUNS, State.FOLLOWS)


class Effect(Struct, frozen=True):
    """What happens to one model."""

    model: str
    changes: tuple[Change, ...]
    """The files that differ."""
    is_new: bool = False
    is_removed: bool = False
    renamed_from: str = ""
    headline: str = ""
    """What happens to it, in a few words."""
    told: tuple[Told, ...] = ()
    breaches: tuple[Breach, ...] = ()
    stages: tuple[StageEffect, ...] = ()
    is_trained: bool = False
    """Whether it is to be expected that the model is trained again."""
    deliveries: tuple[Delivery, ...] = ()
    """What applying does in each environment."""
    applying: tuple[Told, ...] = ()
    """The same in sentences."""
    cost: Cost | None = None
    notes: tuple[str, ...] = ()
    """What a plan cannot do or see, in sentences."""


class Effects(Struct, frozen=True):
    """A plan and what it means, model by model: the one value that every view draws from."""

    plan: Plan
    models: tuple[Effect, ...] = ()
    against: str | None = None
    """What was compared with, where that is not generated/ on disk."""
    unchanged_models: int = 0
    left_out: int = 0
    """How many more models change that are not described."""
    waiting: tuple[Effect, ...] = ()
    """Models that do not change but that a run would train or test again: their data changed, say."""

    @property
    def breaches(self) -> tuple[tuple[str, Breach], ...]:
        """Every change of a served contract, with its model."""
        return tuple((effect.model, breach) for effect in self.models for breach in effect.breaches)
