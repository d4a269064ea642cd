"""What every model must do, whatever trains it: the tests hold the catalog to it, a command users' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.diagnostics import HintedError

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.model import Budget, Model
    from aimass_compiler.catalog.task import Task

#: What guessing reaches must be beaten by so much: a share of the variance, or of the rows.
_LEAST_GAIN = 0.1
_LEAST_MORE_RIGHT = 0.05
_TOLERANCE = 1e-5
_FEATURES = 5
#: What a model need not do: where rows have weights, training says so.
OPTIONAL = "heavier rows count more"


class BrokenContract(HintedError):  # noqa: N818  # it reads as what is the case
    """A model does not do what every model must."""


def example_rows(task: Task, rows: int, seed: int, shape: tuple[int, ...] = (_FEATURES,)) -> Examples:
    """Rows whose first three values decide; rounded, so that many lie exactly on a tree's thresholds."""
    import numpy

    chance = numpy.random.default_rng(seed)
    x = chance.normal(size=(rows, *shape)).round(1).astype(numpy.float32)
    signal = x.reshape(rows, -1)[:, :3].sum(axis=1) + 0.3 * chance.normal(size=rows)
    if not task.is_classification:
        return Examples(x, (1000 * signal + 50_000).astype(numpy.float64))
    bounds = numpy.linspace(-1.4, 1.4, task.outputs + 1)[1:-1]
    return Examples(x, numpy.digitize(signal, bounds).astype(numpy.int64))


def served(graph: bytes, x: numpy.ndarray) -> numpy.ndarray:
    """What a graph answers to features [N, *shape] in onnxruntime, as in the server: scores [N] or [N, K]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    scores: numpy.ndarray = session.run(["scores"], {"features": x})[0]
    return scores


def require_same_answers(
    expected: numpy.ndarray, answered: numpy.ndarray, x: numpy.ndarray, task: Task
) -> None:
    """Raise BrokenContract unless a graph answers rows `x` [N, F] as the model: scores [N] or [N, K].

    Of values a thousand times larger, it may be a thousand times less exact.
    """
    import numpy

    kind = numpy.float32 if task.is_classification else numpy.float64
    if expected.shape != answered.shape or answered.dtype != kind:
        raise BrokenContract(
            f"the graph answers {answered.dtype} {list(answered.shape)}, not {list(expected.shape)}"
        )
    size = numpy.abs(numpy.nan_to_num(x)).reshape(len(x), -1).max(axis=1)
    off = numpy.abs(expected - answered).reshape(len(x), -1).max(axis=1)
    allowed = _TOLERANCE * numpy.maximum(1, size / 100) * max(1, numpy.abs(expected).max())
    if not (off <= allowed).all():
        row = int((off - allowed).argmax())
        raise BrokenContract(f"the graph is {off[row]:.2g} away from the model in row {row + 1}")


def require_one_like_many(alone: numpy.ndarray, together: numpy.ndarray) -> None:
    """Raise BrokenContract unless rows are answered alone, [N] or [N, K], as among others."""
    import numpy

    if not numpy.allclose(alone, together, rtol=_TOLERANCE, atol=1e-6):
        raise BrokenContract(
            f"a row alone is answered {numpy.abs(alone - together).max():.2g} otherwise than among many"
        )


def require_scores(scores: numpy.ndarray, task: Task, rows: int) -> None:
    """Raise BrokenContract unless scores are finite numbers [N], or probabilities [N, K] that add up to 1."""
    from aimass_compiler.catalog.frameworks._foreign_graph import problem_of

    if problem := problem_of(scores, task, rows):
        raise BrokenContract(f"what it answers {problem}")


def require_learned(scores: numpy.ndarray, y: numpy.ndarray, task: Task) -> None:
    """Raise BrokenContract unless scores [N] or [N, K] of the rows that it saw, `y` [N], beat guessing."""
    import numpy

    if not task.is_classification:
        share = float(numpy.mean((scores - y) ** 2) / y.var())
        if share >= 1 - _LEAST_GAIN:
            raise BrokenContract(f"on the rows it saw, {share:.0%} of the target's variance is left")
        return
    commonest, right = numpy.bincount(y).max() / len(y), (scores.argmax(axis=1) == y).mean()
    if right <= commonest + _LEAST_MORE_RIGHT:
        raise BrokenContract(f"it is right in {right:.0%} of the rows it saw; guessing is in {commonest:.0%}")


def _go_on(step: int, losses: Mapping[str, float]) -> bool:
    del step, losses
    return False


class Trial(Struct, frozen=True):
    """A model that was trained on examples: what the requirements are about."""

    model: Model
    task: Task
    budget: Budget

    def train(self, *, weights: numpy.ndarray | None = None, y: numpy.ndarray | None = None) -> Any:
        """Train on 400 example rows, or on their own targets and weights."""
        rows, validation = example_rows(self.task, 400, 1), example_rows(self.task, 200, 2)
        changed = Examples(rows.x, rows.y if y is None else y, weights)
        return self.model.train(self.task, changed, validation, self.budget, _go_on)

    def results(self) -> Iterator[tuple[str, str]]:
        """Each requirement, and what is wrong with it; nothing where it is met. Raises CodeError."""
        import numpy

        trained = self.train()
        graph = trained.to_onnx().SerializeToString()
        seen, new = example_rows(self.task, 400, 1), example_rows(self.task, 300, 3)
        x = numpy.concatenate([seen.x, new.x, 1000 * seen.x[:100], numpy.zeros_like(seen.x[:1])])
        answered = served(graph, x)
        alone = numpy.concatenate([served(graph, x[place : place + 1]) for place in range(20)])
        checks: Mapping[str, Callable[[], None]] = {
            "the graph answers like the model": lambda: require_same_answers(
                trained.predict(x), answered, x, self.task
            ),
            "one row is answered like many": lambda: require_one_like_many(alone, answered[:20]),
            "its answers are probabilities or numbers": lambda: require_scores(answered, self.task, len(x)),
            "it learns": lambda: require_learned(answered[:400], seen.y, self.task),
            "the same seed gives the same model": lambda: _require_same(
                self.train().predict(x), trained.predict(x)
            ),
            OPTIONAL: lambda: self._require_weights(seen),
        }
        for name, check in checks.items():
            try:
                check()
            except HintedError as broken:
                yield name, str(broken)
            else:
                yield name, ""

    def _require_weights(self, rows: Examples) -> None:
        """With the weight on rows of one half of the targets, it predicts more like these."""
        import numpy

        is_high = rows.y > rows.y.mean()
        means = []
        for weight in (0.1, 10.0):
            weights = numpy.where(is_high, weight, 1.0)
            scores = self.train(weights=weights / weights.mean()).predict(rows.x)
            number = scores if not self.task.is_classification else scores @ numpy.arange(self.task.outputs)
            means.append(float(number.mean()))
        if not means[1] > means[0]:
            raise BrokenContract("rows with a hundred times the weight move no prediction towards them")


def _require_same(one: numpy.ndarray, other: numpy.ndarray) -> None:
    import numpy

    if not numpy.array_equal(one, other):
        raise BrokenContract(
            f"trained twice with one seed, its answers differ by up to {numpy.abs(one - other).max():.2g}",
            "use the parameter `random_state`, or the seed of the job",
        )
