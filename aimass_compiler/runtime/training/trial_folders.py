"""What is kept of each trial in a folder of its own, so that a search that was killed goes on."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aimass_compiler.atomic_file import replacing
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json
from aimass_compiler.version import __version__

if TYPE_CHECKING:
    from aimass_compiler.pipeline.training import Search
    from aimass_compiler.runtime.training.space import Draw
    from aimass_compiler.runtime.training.trial import Assignment, Fitted

Status = Literal["done", "stopped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: done, stopped because it fell behind, or failed."""

    id: int
    status: Status
    draw: Draw
    values: Mapping[str, Any]
    value: float | None = None
    seconds: float | None = None
    attempts: int = 1
    error: str = ""
    at: float = 0.0
    """Seconds of searching after which it ended."""
    schedule: Sequence[Mapping[str, Any]] = ()
    """Of a population, the values `after` so many epochs, those of the trials that it followed first."""


@dataclass(frozen=True)
class TrialFolders:
    """The trials' folders below artifacts/MODEL/search/, which is no output of any stage."""

    folder: Path

    @classmethod
    def of(cls, workspace: Workspace, assignment: Assignment, search: Search) -> TrialFolders:
        """The trials of exactly this search on exactly these rows; those of any other are removed."""
        home = workspace.folder("search")
        own = home / _fingerprint(assignment, search)
        for other in home.iterdir():
            if other != own:
                shutil.rmtree(other, ignore_errors=True)
        own.mkdir(exist_ok=True)
        return cls(own)

    def remove(self) -> None:
        """Forget the search, once its result is written."""
        shutil.rmtree(self.folder.parent)

    def path(self, number: int, name: str) -> Path:
        return self.folder / "trials" / str(number) / name

    def create(self, number: int) -> None:
        """Make the folder of a trial that is about to begin."""
        (self.folder / "trials" / str(number)).mkdir(parents=True, exist_ok=True)

    def propose(self, number: int, draw: Draw) -> None:
        self.create(number)
        write_json(self.path(number, "proposal.json"), {"id": number, "draw": dict(draw)})

    def proposed(self) -> dict[int, Draw]:
        """What was drawn for each trial, in order."""
        found = [read_json(path) for path in self.folder.glob("trials/*/proposal.json")]
        return {
            document["id"]: document["draw"]
            for document in sorted(found, key=lambda document: document["id"])
        }

    def end(self, outcome: Outcome) -> None:
        self.create(outcome.id)
        write_json(self.path(outcome.id, "outcome.json"), asdict(outcome))

    def outcomes(self) -> list[Outcome]:
        """How trials ended, in order."""
        found = [Outcome(**read_json(path)) for path in self.folder.glob("trials/*/outcome.json")]
        return sorted(found, key=lambda outcome: outcome.id)

    def checkpoint(self, number: int) -> Path:
        return self.path(number, "checkpoint")

    def keep(self, number: int, fitted: Fitted) -> None:
        """Write the model that a trial trained."""
        with replacing(self.path(number, "fitted.pickle")) as temporary:
            temporary.write_bytes(pickle.dumps(fitted))

    def fitted(self, number: int) -> Fitted:
        """The model that a trial of ours trained; nothing else may write to its folder."""
        path = self.path(number, "fitted.pickle")
        fitted: Fitted = pickle.loads(path.read_bytes())  # noqa: S301  # our own file
        return fitted

    def drop(self, number: int) -> None:
        """Remove what only a model that may become the best needs."""
        for name in ("fitted.pickle", "checkpoint"):
            self.path(number, name).unlink(missing_ok=True)


def ranked(outcomes: Iterable[Outcome], *, greater_is_better: bool) -> list[Outcome]:
    """The trials that are done, the best first; the earlier one where two are as good."""
    sign = -1 if greater_is_better else 1
    done = [(sign * outcome.value, outcome.id, outcome) for outcome in outcomes if outcome.value is not None]
    return [outcome for _, _, outcome in sorted(done)]


def _files(assignment: Assignment) -> list[Path]:
    """What training reads of the project beside the rows."""
    places = [assignment.root / path for path in assignment.model.dependencies]
    found = {file for place in places for file in (place.rglob("*") if place.is_dir() else [place])}
    return sorted(file for file in found if file.is_file())


def _fingerprint(assignment: Assignment, search: Search) -> str:
    """What identifies a search: everything that the stage reads, the rows included."""
    digest = hashlib.sha256(__version__.encode())
    decision = () if assignment.decision is None else (assignment.decision,)
    parts = (assignment.task, assignment.objective, search, assignment.training, *decision)
    model = {assignment.model.kind: assignment.model.model_dump(mode="json")}
    written = [part.model_dump(mode="json") for part in parts]
    optimizer = assignment.training.optimizer
    digest.update(json.dumps([model, {optimizer.kind: optimizer.model_dump(mode="json")}, written]).encode())
    inputs = (*sorted(assignment.matrices.glob("[tv]*_[xy].npy")), assignment.matrices / "features.json")
    for path in (*inputs, *_files(assignment)):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]
