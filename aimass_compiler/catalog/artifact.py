"""What training leaves and a server loads: how it is written, loaded, versioned, packaged and asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.calibration import Calibration
    from aimass_compiler.catalog.forecast import IntervalWidths
    from aimass_compiler.catalog.task import Task, Thresholds
    from aimass_compiler.stages import Stage

T = TypeVar("T")
_VERSION_DIGITS = 12
_BLOCK = 2**20


class Server(Struct, frozen=True):
    """What answers requests with an artifact, and what its image is made of, below this package's folder."""

    module: str
    """The program: `python -m MODULE PACKAGE`."""
    package_format: str
    """What the signatures of the packages that it serves have as their format."""
    extra: str
    """What of this project's extras brings what it imports."""
    modules: tuple[str, ...]
    """What it imports of others."""
    pins: str
    """What the image installs, with hashes."""
    sources: tuple[str, ...]
    """What the program imports of this package."""
    example: str
    """A tiny package among these sources, which the image's build serves once."""
    unused: tuple[str, ...] = ()
    """Folders of the installed wheels that a server has no use for."""

    @property
    def command(self) -> tuple[str, ...]:
        """What its image starts."""
        return "python", "-m", self.module, conventions.IMAGE_PACKAGE_FOLDER


class Artifact(ABC, Generic[T]):
    """The files that a trained model, a `T`, becomes; they have the same names in the package."""

    #: Files or folders.
    files: ClassVar[tuple[str, ...]]
    #: What the signature has as its format: packages of one format can be asked and compared alike.
    package_format: ClassVar[str]
    #: What else is in the package, of the files that `stages.artifacts` knows there.
    companions: ClassVar[frozenset[str]]
    server: ClassVar[Server]
    #: Whether its servers and the workers that train it may have an accelerator.
    runs_on_accelerators: ClassVar[bool] = False
    #: Which of the engines that `serving.engine` names can serve it; none where only its own server can.
    engines: ClassVar[tuple[str, ...]] = ()
    #: Whether it is asked with prepared rows, not with the matrices of features.
    reads_rows: ClassVar[bool] = False
    #: What of the runtime writes its package, as `module:function`; None where it is one graph.
    packaged_by: ClassVar[str | None] = None
    #: What stages do with it, by their names, where that is not what `stages.STAGES` says.
    summaries: ClassVar[Mapping[str, str]] = {}
    #: What the server answered in the stage `test` to be right, after their number.
    proven: ClassVar[str] = "rows answered like the batch"
    #: What stages leave of other models and not of this one, of the files that `stages.artifacts` knows.
    omitted: ClassVar[frozenset[str]] = frozenset()

    def places(self, paths: Iterable[str]) -> Iterator[str]:
        """The files of a stage, with these in the place of the artifact, without companions that it lacks."""
        for path in paths:
            folder, _, name = path.rpartition("/")
            if name == artifacts.ARTIFACT:
                files = self.packaged if folder == artifacts.PACKAGE else self.files
                yield from (f"{folder}/{file}" for file in files)
            elif path not in self.omitted and (folder != artifacts.PACKAGE or name in self.companions):
                yield path

    def summary(self, stage: Stage) -> str:
        """What a stage does with it, in a line."""
        return self.summaries.get(stage.name, stage.summary)

    def version(self, folder: Path) -> str:
        """The name of exactly these files: the first digits of the SHA-256 of all their bytes."""
        import hashlib

        digest = hashlib.sha256()
        for path in self._all(folder):
            with path.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
        return digest.hexdigest()[:_VERSION_DIGITS]

    def size(self, folder: Path) -> int:
        """How many bytes the files have together."""
        return sum(path.stat().st_size for path in self._all(folder))

    def _all(self, folder: Path) -> Iterator[Path]:
        names = dict.fromkeys((*self.files, *self.packaged))
        for path in filter(Path.exists, (folder / name for name in names)):
            yield from sorted(filter(Path.is_file, path.rglob("*"))) if path.is_dir() else [path]

    def made_for(self, engine: str | None, *, is_adapter: bool) -> Artifact[T]:
        """The same with the files that an engine reads; `is_adapter` says that another model's server has the
        base."""
        del engine, is_adapter
        return self

    @property
    def packaged(self) -> tuple[str, ...]:
        """The files or folders that it is in the package."""
        return self.files

    @abstractmethod
    def write(self, trained: T, folder: Path) -> None:
        """Leave the files of what was trained."""

    @abstractmethod
    def calibrate(self, calibration: Calibration, task: Task, folder: Path) -> None:
        """Let the files answer calibrated probabilities."""

    @abstractmethod
    def scorer(self, folder: Path) -> Callable[[numpy.ndarray], numpy.ndarray]:
        """The files as a function from examples to scores: probabilities [N, K] or predictions [N]."""

    def row_scorer(self, trained: Path, task: Task) -> Callable[[polars.DataFrame], numpy.ndarray]:
        """What the stage train left, as a function from prepared rows to scores; where it `reads_rows`."""
        raise NotImplementedError

    @abstractmethod
    def package(
        self,
        trained: Path,
        features: Path,
        task: Task,
        folder: Path,
        threshold: Thresholds | None = None,
        widths: IntervalWidths | None = None,
    ) -> None:
        """Leave the files that serve, from the folders of the stages train and features.

        `threshold` is the probability from which on a row is given the positive one of two classes, or each
        of several labels, `widths` those of the intervals of a forecast, or of a regression that has some.
        """

    @abstractmethod
    def responder(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], task: Task
    ) -> Callable[[polars.DataFrame], numpy.ndarray]:
        """A package, loaded once, as a function from prepared rows to scores.

        `inputs` in its signature says what is read of the rows.
        """

    def watch_representation(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], task: Task, rows: polars.DataFrame
    ) -> Callable[[polars.DataFrame], numpy.ndarray]:
        """Let a package tell how far its representation of a row is from those of these rows, and ask it.

        Raises ValueError where it has no such representation.
        """
        raise NotImplementedError

    def labels(self, signature: Mapping[str, Any]) -> Sequence[str]:
        """The classes that a package answers, in the order of its scores, by its signature."""
        found: Sequence[str] = signature["outputs"][0]["labels"]
        return found

    def answers(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], rows: polars.DataFrame, task: Task
    ) -> numpy.ndarray:
        """What a package answers to prepared rows, of which `inputs` in its signature says what is read.

        A forecast is asked once for each whole horizon of rows, and answers each row, too.
        """
        return self.responder(folder, inputs, task)(rows)
