"""One ONNX graph: trained, it reads features; packaged, it reads raw rows, with the transforms before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from aimass_compiler import conventions
from aimass_compiler.catalog import servers
from aimass_compiler.catalog.artifact import Artifact, Server
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    import numpy
    import onnx
    import polars

    from aimass_compiler.catalog.calibration import Calibration
    from aimass_compiler.catalog.forecast import IntervalWidths
    from aimass_compiler.catalog.task import Task, Thresholds

_ROWS_AT_ONCE = 4096
_PROVIDERS = ["CPUExecutionProvider"]


class Exportable(Protocol):
    """A trained model of a framework that exports ONNX."""

    def to_onnx(self) -> onnx.ModelProto:
        """The same function as a graph: input `features`, output `scores` of the same shape and type."""


class OnnxGraph(Artifact[Exportable]):
    """One ONNX graph, which onnxruntime runs in training's evaluation as in the server."""

    files: ClassVar[tuple[str, ...]] = (conventions.MODEL_FILE,)
    package_format: ClassVar[str] = conventions.PACKAGE_FORMAT
    companions: ClassVar[frozenset[str]] = frozenset(
        {
            conventions.SIGNATURE_FILE,
            conventions.REFERENCE_FILE,
            conventions.GOLDEN_FILE,
            conventions.MODEL_CARD_FILE,
            conventions.MANIFEST_FILE,
        }
    )
    server: ClassVar[Server] = servers.ROWS

    def write(self, trained: Exportable, folder: Path) -> None:
        (folder / conventions.MODEL_FILE).write_bytes(trained.to_onnx().SerializeToString())

    def calibrate(self, calibration: Calibration, task: Task, folder: Path) -> None:
        import onnx

        from aimass_compiler.catalog.artifacts import _graphs

        path = folder / conventions.MODEL_FILE
        path.write_bytes(_graphs.calibrated(onnx.load(path), calibration, task).SerializeToString())

    def scorer(self, folder: Path) -> Callable[[numpy.ndarray], numpy.ndarray]:
        import numpy

        session = _session(folder)

        def scores(x: numpy.ndarray) -> numpy.ndarray:
            found: numpy.ndarray = session.run(["scores"], {"features": numpy.ascontiguousarray(x)})[0]
            return found

        return scores

    def package(
        self,
        trained: Path,
        features: Path,
        task: Task,
        folder: Path,
        threshold: Thresholds | None = None,
        widths: IntervalWidths | None = None,
    ) -> None:
        import json

        import onnx

        from aimass_compiler.catalog.artifacts import _graphs

        transforms = onnx.load(features / Path(artifacts.FEATURES_GRAPH).name)
        model = onnx.load(trained / conventions.MODEL_FILE)
        read = json.loads((features / Path(artifacts.FEATURES).name).read_text(encoding="utf-8"))["inputs"]
        joined = _graphs.join(transforms, model, task, threshold, read, widths)
        (folder / conventions.MODEL_FILE).write_bytes(joined.SerializeToString(deterministic=True))

    def responder(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], task: Task
    ) -> Callable[[polars.DataFrame], numpy.ndarray]:
        import numpy

        from aimass_compiler.catalog.artifacts._tensors import pack
        from aimass_compiler.catalog.forecast_request import request_rows

        session = _session(folder)
        name = conventions.PROBABILITIES_OUTPUT if task.is_classification else conventions.PREDICTION_OUTPUT

        def answers(rows: polars.DataFrame) -> numpy.ndarray:
            asked = request_rows(rows, inputs, task)
            parts = [session.run([name], pack(part, inputs))[0] for part in asked.iter_slices(_ROWS_AT_ONCE)]
            return numpy.concatenate(parts).reshape(-1) if task.forecast else numpy.concatenate(parts)

        return answers

    def watch_representation(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], task: Task, rows: polars.DataFrame
    ) -> Callable[[polars.DataFrame], numpy.ndarray]:
        from functools import partial

        from aimass_compiler.catalog.artifacts import _representation

        path = folder / conventions.MODEL_FILE
        name = conventions.PROBABILITIES_OUTPUT if task.is_classification else conventions.PREDICTION_OUTPUT
        _representation.add_distance(path, name, inputs, rows)
        return partial(_representation.distances, path, inputs)


def _session(folder: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(folder / conventions.MODEL_FILE), providers=_PROVIDERS)
