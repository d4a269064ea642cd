"""How a training job of some operator is read back from a cluster: how far it is, and why it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.objects import Object
from aimass_compiler.render.object_kind import ObjectKind, WorkloadState

#: What a stage may exit with in the job.
_STAGE_CODES = (ExitCode.DATA, ExitCode.TRAINING, ExitCode.GATE, ExitCode.DISK, ExitCode.PACKAGE)


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed."""

    reason: str
    """In a word."""
    message: str
    """What its last lines say."""
    exit_code: int | None = None
    """Of what ran in it, where that is known."""

    @property
    def code(self) -> ExitCode:
        """The stage's, as a command exits with it."""
        known = [code for code in _STAGE_CODES if code == self.exit_code]
        return (known or [ExitCode.TRAINING])[0]


@dataclass(frozen=True)
class OperatorJobs:
    """The training jobs of one operator."""

    kind: ObjectKind
    template: Callable[[Object, Sequence[Object]], Object]
    """The template of a job's pods, from it and the objects that lie beside it."""
    beside: Callable[[Object], Sequence[tuple[str, str]]]
    """What a job refers to beside what its pods do: kinds and names."""
    state: Callable[[Object], WorkloadState]
    """How far a live job is."""
    has_ended: Callable[[Object], bool]
    failure: Callable[[Connection, Object], JobFailure]
    """Of a live job that has failed."""
