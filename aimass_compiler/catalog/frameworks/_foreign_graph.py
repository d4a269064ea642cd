"""ONNX graphs that others exported: held to their model, and made one from `features` to `scores`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.project_code import CodeError
from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.task import Task

#: What an output is called that is taken where there are several; else it is the last one.
_NAMES = ("scores", "probabilities", "prediction")
#: The largest difference of two scores, in the unit of the target.
_TOLERANCE = 1e-5
#: How far the probabilities of a row may be from 1 together.
_SUM_TOLERANCE = 1e-4
#: Before the names of the graph, so that they never meet those that are added.
_PREFIX = "own/"
_PROVIDERS = ["CPUExecutionProvider"]
_HINT = "docs/own-models.md says which graph is expected"


class ForeignModel(Struct, frozen=True):
    """A model of which only its graph is kept: what is evaluated is what serves."""

    graph: bytes
    weights: Any = None
    """How much each feature counts, [F], where the model knows."""

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        scores: numpy.ndarray = session_of(self.graph).run(
            ["scores"], {"features": numpy.ascontiguousarray(x, numpy.float32)}
        )[0]
        return scores

    def importance(self) -> numpy.ndarray | None:
        importance: numpy.ndarray | None = self.weights
        return importance

    def to_onnx(self) -> onnx.ModelProto:
        import onnx

        return onnx.load_from_string(self.graph)


def session_of(graph: bytes) -> Any:
    """onnxruntime on a graph, as in the server; what it warns of is no matter."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=_PROVIDERS)


def scoring_graph(written: bytes, task: Task, x: numpy.ndarray, what: str) -> bytes:
    """A graph of the user's as one from `features` to `scores`, for rows like `x` [N, F], N at least 2.

    It has one input, of such rows, and answers probabilities [N, K] or numbers, [N] or [N, 1].
    Raises CodeError, in which `what` names the graph.
    """
    from onnx.compose import add_prefix

    from aimass_compiler.catalog.artifacts import _graphs

    model = _sound(written, what)
    output = _answering(model, what)
    _require_answers(model, output, task, x, what)
    model = add_prefix(model, _PREFIX)
    made = _graphs.from_output(model, f"{_PREFIX}{output}", list(x.shape[1:]), task, None)
    return bytes(made.SerializeToString())


def require_same(
    expected: numpy.ndarray, answered: numpy.ndarray, task: Task, y: numpy.ndarray, what: str, split: str
) -> None:
    """Raise CodeError where a graph answers rows otherwise than the model that it was exported from.

    Both are scores [N] or [N, K], `y` [N] the targets: the two may be apart by a share of the range of
    targets and answers, or of 1 for probabilities.
    """
    import numpy

    both = numpy.concatenate([numpy.ravel(y), numpy.ravel(expected)]).astype(numpy.float64)
    unit = 1.0 if task.is_classification else float(numpy.ptp(both)) or 1.0
    apart = numpy.abs(expected.reshape(answered.shape) - answered).reshape(len(answered), -1).max(axis=1)
    wrong = ~(apart <= _TOLERANCE * unit)
    if wrong.any():
        row = int(wrong.argmax())
        raise CodeError(
            f"{what} answers {int(wrong.sum()):,} of {len(wrong):,} rows of the {split} split otherwise than "
            f"the model itself: row {row + 1} {_shown(answered[row])}, the model {_shown(expected[row])}",
            "export what predicts, with all that it does to the features; what adds many terms takes float64",
        )


def _shown(scores: numpy.ndarray) -> str:
    return " ".join(f"{score:.6g}" for score in scores.reshape(-1))


def _sound(written: bytes, what: str) -> onnx.ModelProto:
    """The model in the operator sets that serve, its functions inlined. Raises CodeError."""
    import onnx
    from onnx import inliner, version_converter

    try:
        model = onnx.load_from_string(written)
        onnx.checker.check_model(model)
    except Exception as error:  # noqa: BLE001  # onnx raises several kinds
        raise CodeError(f"{what} is no sound ONNX model: {_first_line(error)}", _HINT) from None
    if model.functions:
        model = inliner.inline_local_functions(model)
    versions = {
        "" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import
    }
    used = {"" if node.domain == "ai.onnx" else node.domain for node in model.graph.node}
    for domain in sorted(used - {""}):
        most = ONNX_OPSETS.get(domain)
        if most is None or versions.get(domain, 0) > most:
            known = f"version {most}" if most else "none"
            message = (
                f"{what} has operators of `{domain}`, version {versions.get(domain)}; the server has {known}"
            )
            raise CodeError(message, _HINT)
    if versions.get("", ONNX_OPSETS[""]) != ONNX_OPSETS[""]:
        try:
            model = version_converter.convert_version(model, ONNX_OPSETS[""])
        except Exception as error:  # noqa: BLE001  # as above
            message = (
                f"{what} has operator set {versions['']}, which cannot be converted: {_first_line(error)}"
            )
            raise CodeError(message, f"export it with operator set {ONNX_OPSETS['']}") from None
    model.ir_version = min(model.ir_version, ONNX_IR_VERSION)
    return model


def _answering(model: onnx.ModelProto, what: str) -> str:
    """The output with the answers; the inputs without what has a value already. Raises CodeError."""
    values = {initializer.name for initializer in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in values]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    if len(inputs) != 1:
        names = ", ".join(f"`{entry.name}`" for entry in inputs) or "none"
        raise CodeError(f"{what} must have one input, the features; it has {names}", _HINT)
    outputs = [entry.name for entry in model.graph.output if entry.type.HasField("tensor_type")]
    if not outputs:
        raise CodeError(f"{what} has no output that is a tensor", "convert classifiers with `zipmap: False`")
    return next((name for name in _NAMES if name in outputs), outputs[-1])


def _require_answers(model: onnx.ModelProto, output: str, task: Task, x: numpy.ndarray, what: str) -> None:
    """Raise CodeError unless rows, and one row alone, get answers of the right shape."""
    import numpy
    from onnx import TensorProto, helper

    entry = model.graph.input[0]
    kind = helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type or TensorProto.FLOAT)
    for rows in (x, x[:1]):
        try:
            session = session_of(model.SerializeToString())
            (found,) = session.run([output], {entry.name: numpy.ascontiguousarray(rows, kind)})
        except Exception as error:  # noqa: BLE001  # onnxruntime raises several kinds
            count = f"{len(rows):,} rows" if len(rows) > 1 else "one row"
            message = f"{what} cannot answer {count} of {x.shape[1]} features: {_first_line(error)}"
            raise CodeError(message, "its first dimension, the rows, must be left open") from None
        if problem := problem_of(numpy.asarray(found), task, len(rows)):
            raise CodeError(f"the output `{output}` of {what} {problem}", _HINT)


def problem_of(scores: numpy.ndarray, task: Task, rows: int) -> str:
    """What is wrong with answers to so many rows, as the end of a sentence; empty where nothing is.

    Right are finite numbers [N] or [N, 1] of a regression, and probabilities [N, K] of K classes.
    """
    import numpy

    if scores.dtype.kind not in "fiu":
        return f"is of type {scores.dtype}, not of numbers"
    if not task.is_classification:
        if scores.shape not in ((rows,), (rows, 1)):
            return f"has the shape {list(scores.shape)} for {rows} rows; a regression answers [{rows}]"
        return "" if numpy.isfinite(scores).all() else "is not always a finite number"
    return _problem_of_probabilities(scores, task, rows)


def _problem_of_probabilities(scores: numpy.ndarray, task: Task, rows: int) -> str:
    import numpy

    if scores.shape != (rows, task.outputs):
        return (
            f"has the shape {list(scores.shape)} for {rows} rows; a classification answers a probability for "
            f"each of the {task.outputs} classes, [{rows}, {task.outputs}]"
        )
    if not numpy.isfinite(scores).all():
        return "is not always a finite number"
    if scores.min() < -_TOLERANCE or numpy.abs(scores.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        return "is no probability: a row must have numbers from 0 up that add up to 1"
    return ""


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
