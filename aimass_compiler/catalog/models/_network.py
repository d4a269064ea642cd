"""How every PyTorch network learns: epochs, early stopping at its best weights, and going on after a kill."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.models import _graph
from aimass_compiler.catalog.models._scale import Scale
from aimass_compiler.conventions import ONNX_OPSETS

if TYPE_CHECKING:
    import numpy
    import onnx
    import torch

    from aimass_compiler.catalog.model import Budget, Examples, Progress
    from aimass_compiler.task import Task

_ROWS_AT_ONCE = 1024

#: What networks can minimise, the default of the task first.
LOSSES = {"classification": ("log_loss",), "regression": ("mean_squared_error", "mean_absolute_error")}
_TORCH_LOSSES = {
    "log_loss": "cross_entropy",
    "mean_squared_error": "mse_loss",
    "mean_absolute_error": "l1_loss",
}


def train_network(
    build: Callable[[], torch.nn.Module],
    task: Task,
    train: Examples,
    validation: Examples,
    budget: Budget,
    progress: Progress,
) -> LearntNetwork:
    """The network with the weights of its best epoch by validation loss.

    `build` gives a network from features to one logit per class, or to one number. The target of a
    regression is learnt in its own standard deviations, so that no learning rate depends on its unit.
    """
    _make_repeatable(budget)
    run = _Run(build(), task, budget, None if task.is_classification else Scale.of(train.y))
    run.resume()
    is_stopped = False
    for step, losses in enumerate(run.history, start=1):
        is_stopped = progress(step, losses)
    while not (is_stopped or run.is_over):
        losses = {"train_loss": run.learn(train), "validation_loss": run.loss_of(validation)}
        run.note(losses)
        is_stopped = progress(len(run.history), losses)
    return run.learnt(train.x.shape[1:])


def _make_repeatable(budget: Budget) -> None:
    import torch

    # cuBLAS repeats its sums in the same order only with a workspace of a fixed size.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # A few of PyTorch's operators repeat themselves exactly on the CPU only: on a GPU they still train.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(budget.threads)
    torch.manual_seed(budget.seed)


@dataclass
class _Run:
    """One training in progress."""

    network: torch.nn.Module
    task: Task
    budget: Budget
    scale: Scale | None
    history: list[dict[str, float]] = field(default_factory=list)
    best: int = 0
    """The epoch with the lowest validation loss, counted from 1."""
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.device = "cuda" if self.budget.gpus else "cpu"
        self.network.to(self.device)
        self.optimizer = self.budget.optimizer.for_torch(self.network.parameters())

    @property
    def is_over(self) -> bool:
        stale = len(self.history) - self.best
        return len(self.history) >= self.budget.epochs or 0 < self.budget.patience <= stale

    def learn(self, train: Examples) -> float:
        """Pass over the rows once, in an order that seed and epoch decide; answers the mean loss."""
        import numpy
        import torch

        order = numpy.random.default_rng((self.budget.seed, len(self.history))).permutation(len(train.y))
        torch.manual_seed(self.budget.seed + len(self.history))
        self.network.train()
        total = 0.0
        for rows in _batches(order, self.budget.batch_size):
            self.optimizer.zero_grad()
            loss = self._loss(train, rows)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(rows)
        return self._finite(total / len(order))

    def loss_of(self, examples: Examples) -> float:
        """The mean loss without learning."""
        import numpy
        import torch

        self.network.eval()
        order = numpy.arange(len(examples.y))
        with torch.no_grad():
            total = sum(
                self._loss(examples, rows).item() * len(rows) for rows in _batches(order, _ROWS_AT_ONCE)
            )
        return self._finite(total / len(order))

    def _loss(self, examples: Examples, rows: numpy.ndarray) -> torch.Tensor:
        import torch

        outputs = self.network(torch.from_numpy(examples.x[rows]).to(self.device))
        y = examples.y[rows]
        truth = torch.from_numpy(self.scale.scaled(y).astype("float32") if self.scale else y).to(self.device)
        name = self.budget.loss or LOSSES[self.task.kind][0]
        measure: Callable[..., torch.Tensor] = getattr(torch.nn.functional, _TORCH_LOSSES[name])
        if self.task.is_classification:
            return measure(outputs, truth)
        return measure(outputs.squeeze(1), truth)

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise ArithmeticError(
                f"the loss became {loss} in epoch {len(self.history) + 1}; lower the learning rate"
            )
        return loss

    def note(self, losses: dict[str, float]) -> None:
        """Remember an epoch, and its weights where it is the best so far."""
        lowest = self.history[self.best - 1]["validation_loss"] if self.best else math.inf
        self.history.append(losses)
        if losses["validation_loss"] < lowest:
            self.best = len(self.history)
            self.best_weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        self._save()

    def _save(self) -> None:
        import torch

        path = self.budget.checkpoint
        if path is None:
            return
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "best": self.best,
            "best_weights": self.best_weights,
        }
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        torch.save(state, temporary)
        temporary.replace(path)

    def resume(self) -> None:
        """Go on from the last epoch that an earlier process finished."""
        import torch

        path = self.budget.checkpoint
        if path is None or not path.exists():
            return
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history, self.best, self.best_weights = state["history"], state["best"], state["best_weights"]

    def learnt(self, shape: tuple[int, ...]) -> LearntNetwork:
        self.network.load_state_dict(self.best_weights)
        return LearntNetwork(self.network.cpu().eval(), self.task, shape, self.scale)


def _batches(order: numpy.ndarray, size: int) -> Iterator[numpy.ndarray]:
    """Consecutive parts of `order`; a last part of one row joins the one before: batch norm needs two."""
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield order[start:end]


@dataclass(frozen=True)
class LearntNetwork:
    """A network on the CPU with its best weights."""

    network: torch.nn.Module
    task: Task
    shape: tuple[int, ...]
    scale: Scale | None

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy
        import torch

        answer = _answering(self)
        parts = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(x), _ROWS_AT_ONCE)]
        with torch.no_grad():
            scores = numpy.concatenate(
                [answer(torch.from_numpy(numpy.array(x[part]))).numpy() for part in parts]
            )
        return self.scale.restored(scores) if self.scale else scores

    def importance(self) -> numpy.ndarray | None:
        return None

    def to_onnx(self) -> onnx.ModelProto:
        import torch

        # It warns of every package whose operators it could export too, were it installed.
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        example = torch.zeros(2, *self.shape)
        program = torch.onnx.export(
            _answering(self),
            (example,),
            dynamo=True,
            input_names=["rows"],
            output_names=["answer"],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            opset_version=ONNX_OPSETS[""],
            external_data=False,
            verbose=False,
        )
        return _graph.from_output(program.model_proto, "answer", self.shape, self.task, self.scale)


def _answering(learnt: LearntNetwork) -> torch.nn.Module:
    """The network with what turns its outputs into probabilities, or into one number a row."""
    import torch

    class Answering(torch.nn.Module):  # type: ignore[misc]  # torch is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.network = learnt.network

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            outputs = self.network(rows)
            if learnt.task.is_classification:
                return torch.softmax(outputs, dim=1)
            return outputs.squeeze(1)

    return Answering().eval()
