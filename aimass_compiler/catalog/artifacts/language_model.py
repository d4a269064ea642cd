"""A language model in files: adapter or weights where it was trained, a whole folder where it is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from aimass_compiler import conventions
from aimass_compiler.catalog import servers
from aimass_compiler.catalog.artifact import Artifact, Server
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.calibration import Calibration
    from aimass_compiler.catalog.forecast import IntervalWidths
    from aimass_compiler.catalog.task import Task


class LanguageModelFiles(Artifact[Any]):
    """The folder `language_model`: what was learned, and what it was learned on."""

    files: ClassVar[tuple[str, ...]] = ("language_model",)
    package_format: ClassVar[str] = "aimass.language-model/v1"
    companions: ClassVar[frozenset[str]] = frozenset(
        {
            conventions.SIGNATURE_FILE,
            conventions.GOLDEN_FILE,
            conventions.MODEL_CARD_FILE,
            conventions.MANIFEST_FILE,
        }
    )
    server: ClassVar[Server] = servers.TEXT
    runs_on_accelerators: ClassVar[bool] = True
    engines: ClassVar[tuple[str, ...]] = ("onnx", "vllm")
    reads_rows: ClassVar[bool] = True
    omitted: ClassVar[frozenset[str]] = frozenset({artifacts.FEATURES_GRAPH, artifacts.FEATURES_REFERENCE})

    def write(self, trained: Any, folder: Path) -> None:
        trained.save(folder / self.files[0])

    def calibrate(self, calibration: Calibration, task: Task, folder: Path) -> None:
        raise NotImplementedError

    def scorer(self, folder: Path) -> Callable[[numpy.ndarray], numpy.ndarray]:
        raise NotImplementedError

    def package(
        self,
        trained: Path,
        features: Path,
        task: Task,
        folder: Path,
        threshold: float | None = None,
        widths: IntervalWidths | None = None,
    ) -> None:
        raise NotImplementedError

    def responder(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], task: Task
    ) -> Callable[[polars.DataFrame], numpy.ndarray]:
        raise NotImplementedError
