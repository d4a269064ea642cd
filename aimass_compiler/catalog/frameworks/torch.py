"""PyTorch: networks that learn in epochs, stop early at their best weights and go on after a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.frameworks._epochs import ROWS_AT_ONCE, EpochLog, best_weights, parts, shuffled
from aimass_compiler.catalog.frameworks._losses_of_numbers import losses_of_numbers
from aimass_compiler.catalog.frameworks._scale import Scale, targets
from aimass_compiler.catalog.loss import LOG_LINK
from aimass_compiler.catalog.network import NetworkFramework

if TYPE_CHECKING:
    from pathlib import Path

    import numpy
    import onnx
    import torch

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.model import Budget, Progress
    from aimass_compiler.catalog.network import Layer
    from aimass_compiler.catalog.optimizer import Optimizer
    from aimass_compiler.catalog.share import Share
    from aimass_compiler.catalog.task import Task

    #: What features go through on their way to the network.
    Change = Callable[[numpy.ndarray], numpy.ndarray]

_OPTIMIZERS = {"adagrad": "Adagrad", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}

#: Between the seeds of two workers, which drop other units of other rows.
_APART = 1_000_003


def train_network(
    layers: Sequence[Layer],
    loss: str,
    task: Task,
    train: Examples,
    validation: Examples,
    budget: Budget,
    progress: Progress,
) -> TrainedNetwork:
    """The network of these layers, with the weights of its best epoch by validation loss.

    The target of a regression is scaled to mean 0 and deviation 1, or where it is never below zero to mean 1,
    so that no learning rate depends on its unit.
    """
    _make_repeatable(budget)
    shape = train.x.shape[1:]
    scale = Scale.for_task(task, train.y, loss)
    device = "cuda" if budget.gpus else "cpu"
    watched = _Rows(validation, scale, device, budget.share)
    rows = _Rows(train, scale, device, budget.share, is_changed=bool(budget.augmentation))
    learner = _Learner(built(layers, shape, train.codes).to(device), task, loss, budget, rows, watched)
    learner.network.load_state_dict(best_weights(learner, budget, progress))
    found = learner.network.cpu().eval()
    return TrainedNetwork(found, tuple(layers), task, shape, scale, train.codes, loss in LOG_LINK)


TORCH = NetworkFramework(
    module="torch",
    extra="torch",
    uses_gpus=True,
    trainer="ray.train.torch:TorchTrainer",
    train=train_network,
)


def built(layers: Sequence[Layer], shape: tuple[int, ...], codes: int | None = None) -> torch.nn.Module:
    """The layers as modules, from rows of this shape; what a layer reads follows from those before it.

    Where a row holds codes of words, `codes` is how many there are.
    """
    from torch import nn

    modules: list[torch.nn.Module] = []
    for layer in layers:
        modules += _modules(layer, shape, codes)
        shape = layer.shape_after(shape)
    return nn.Sequential(*modules)


def _modules(layer: Layer, shape: tuple[int, ...], codes: int | None) -> list[torch.nn.Module]:
    """The modules of a layer that reads rows of `shape`: alike at each step of a sequence, [L, D]."""
    from torch import nn

    from aimass_compiler.catalog import network
    from aimass_compiler.catalog.frameworks import _torch_sequences

    made: list[torch.nn.Module]
    match layer:
        case network.Dense(units):
            made = [nn.Linear(shape[-1], units)]
        case network.Convolution(channels, kernel):
            made = [nn.ZeroPad2d(layer.padding * 2), nn.Conv2d(shape[0], channels, kernel)]
        case network.BatchNormalization():
            made = [nn.BatchNorm2d(shape[0], eps=layer.epsilon, momentum=layer.pace)]
        case network.Activation(function):
            kinds = {"relu": nn.ReLU, "gelu": nn.GELU, "elu": nn.ELU, "tanh": nn.Tanh}
            made = [kinds[function]()]
        case network.Pooling(kind, size):
            made = [{"max": nn.MaxPool2d, "average": nn.AvgPool2d}[kind](size)]
        case network.Dropout(share):
            made = [nn.Dropout(share)]
        case network.Flatten():
            made = [nn.Flatten()]
        case _:
            return _torch_sequences.modules(layer, shape, codes)
    is_sequence = len(shape) == 2  # noqa: PLR2004  # steps, and what each holds
    return [_torch_sequences.EachStep(module) for module in made] if is_sequence else made


def optimizer_for(optimizer: Optimizer, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """PyTorch's optimizer with these parameters, which must be values, not ranges.

    Except for the learning rate, PyTorch calls them as a spec does.
    """
    import torch

    parameters = optimizer.model_dump()
    of = getattr(torch.optim, _OPTIMIZERS[optimizer.kind])
    made: torch.optim.Optimizer = of(weights, lr=parameters.pop("learning_rate"), **parameters)
    return made


def _make_repeatable(budget: Budget) -> None:
    import torch

    # cuBLAS repeats its sums in the same order only with a workspace of a fixed size.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # A few of PyTorch's operators repeat themselves exactly on the CPU only: on a GPU they still train.
    torch.set_deterministic_debug_mode("warn")
    torch.set_num_threads(budget.threads)
    torch.manual_seed(budget.seed)


class _Rows:
    """The rows of a split as batches on the device that learns.

    On a GPU, all rows are moved to it once where they fit into half of its free memory. Otherwise each batch
    is copied from page-locked memory while the GPU still computes the one before. Of several workers each
    reads its share of a batch.
    """

    def __init__(
        self,
        examples: Examples,
        scale: Scale | None,
        device: str,
        share: Share,
        *,
        is_changed: bool = False,
    ) -> None:
        import numpy
        import torch

        y = scale.scaled(examples.y).astype(numpy.float32) if scale else targets(examples.y)
        self.count = len(y)
        self._source = examples.x
        self.device = device
        self.share = share
        self._truth = torch.from_numpy(y).to(device)
        weights = numpy.ones(self.count) if examples.weights is None else examples.weights
        self._weights = torch.from_numpy(weights.astype(numpy.float32)).to(device)
        self.total = float(weights.sum())
        # What is changed on its way has to pass through here in each epoch.
        self._resident = self._moved_whole() if self._fits() and not is_changed else None

    def _fits(self) -> bool:
        import torch

        is_alone = self.share.size == 1
        return is_alone and self.device == "cuda" and self._source.nbytes <= torch.cuda.mem_get_info()[0] // 2

    def _moved_whole(self) -> torch.Tensor:
        import numpy
        import torch

        kind = torch.from_numpy(self._source[:0]).dtype
        whole = torch.empty(self._source.shape, dtype=kind, device=self.device)
        for start in range(0, self.count, ROWS_AT_ONCE):
            rows = numpy.arange(start, min(start + ROWS_AT_ONCE, self.count))
            whole[start : start + len(rows)] = self._moved(rows)
        return whole

    def _moved(self, rows: numpy.ndarray, change: Change | None = None) -> torch.Tensor:
        import torch

        source = self._source[rows]
        batch = torch.from_numpy(source if change is None else change(source))
        return batch if self.device == "cpu" else batch.pin_memory().to(self.device, non_blocking=True)

    def batches(
        self, order: numpy.ndarray, size: int, change: Callable[[slice], Change] | None = None
    ) -> Iterator[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """How many rows a part of `order` has, and features, truth and weights of this worker's share of it.

        `change` answers, of a part, what its features go through. Where there are fewer rows than workers,
        one that has none gets a row that does not count.
        """
        import torch

        places = torch.from_numpy(order).to(self.device)
        for part in parts(len(order), size):
            own, at = self.share.of_batch(order[part]), self.share.of_batch(places[part])
            is_idle = not len(own)
            if is_idle:
                own, at = order[part][:1], places[part][:1]
            changed = None if change is None or is_idle else change(part)
            x = self._moved(own, changed) if self._resident is None else self._resident[at]
            weights = self._weights[at]
            yield part.stop - part.start, x, self._truth[at], weights * 0 if is_idle else weights


@dataclass
class _Learner:
    """One training in progress."""

    network: torch.nn.Module
    task: Task
    loss: str
    budget: Budget
    rows: _Rows
    watched: _Rows

    def __post_init__(self) -> None:
        import torch

        self.optimizer = optimizer_for(self.budget.optimizer, self.network.parameters())
        self.share = self.budget.share
        self.answer: torch.nn.Module = self.network
        if self.share.size > 1:
            self.answer = torch.nn.parallel.DistributedDataParallel(self.network)

    def learn(self, epoch: int) -> float:
        import torch

        order = shuffled(self.rows.count, self.budget.seed, epoch)
        torch.manual_seed(self.budget.seed + epoch + _APART * self.share.rank)
        self.network.train()
        # Summed where it is computed: asking for it would wait for the device after every batch.
        total, seen = torch.zeros((), dtype=torch.float64, device=self.rows.device), 0
        for count, x, truth, weights in self.rows.batches(order, self.budget.batch_size, self._change(epoch)):
            rate = self.budget.learning_rate(epoch + (seen + count / 2) / self.rows.count)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.zero_grad()
            loss = self._loss(self.answer, x, truth, weights)
            # By the number of rows, not by their weights: a batch of heavy rows moves the network further.
            # Gradients are averaged over the workers, of which each has only a share of the batch.
            (loss * (self.share.size / count)).backward()
            if self.budget.gradient_norm is not None:
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.budget.gradient_norm)
            self.optimizer.step()
            total += loss.detach().double()
            seen += count
        return self._of_all(total) / self.rows.total

    def _change(self, epoch: int) -> Callable[[slice], Change] | None:
        """What the images of a part of the rows go through in an epoch."""
        budget = self.budget
        if not budget.augmentation:
            return None

        def change(part: slice) -> Change:
            return lambda images: budget.augmented(images, epoch, part.start, part.stop - part.start)

        return change

    def watch(self) -> float:
        import numpy
        import torch

        self.network.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.watched.device)
        with torch.no_grad():
            for _, x, truth, weights in self.watched.batches(numpy.arange(self.watched.count), ROWS_AT_ONCE):
                total += self._loss(self.network, x, truth, weights).double()
        return self._of_all(total) / self.watched.total

    def _of_all(self, total: torch.Tensor) -> float:
        """The sum over all workers."""
        import torch

        if self.share.size > 1:
            torch.distributed.all_reduce(total)
        return float(total.item())

    def _loss(
        self, network: torch.nn.Module, x: torch.Tensor, truth: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """The losses of the rows, each times its weight, added up."""
        import torch

        outputs = network(x)
        if self.task.is_multilabel:
            each = torch.nn.functional.binary_cross_entropy_with_logits(outputs, truth, reduction="none")
            losses = each.mean(dim=1)
        elif self.task.is_classification:
            losses = torch.nn.functional.cross_entropy(outputs, truth, reduction="none")
        else:
            losses = losses_of_numbers(self.loss, self.task.level, outputs.squeeze(1), truth, torch.exp)
        return (losses * weights).sum()

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.network.state_dict().items()}

    def save(self, log: EpochLog[dict[str, torch.Tensor]], path: Path) -> None:
        import torch

        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save(state | vars(log), path)

    def load(self, path: Path) -> EpochLog[dict[str, torch.Tensor]]:
        import torch

        state: dict[str, Any] = torch.load(path, map_location=self.rows.device, weights_only=True)
        self.network.load_state_dict(state.pop("network"))
        # What the optimizer remembers, with the values of now, which need not be those of then.
        wanted = [{**group, "params": []} for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state.pop("optimizer"))
        for group, own in zip(self.optimizer.param_groups, wanted, strict=True):
            group.update({name: value for name, value in own.items() if name != "params"})
        return EpochLog(**state)


class TrainedNetwork(Struct, frozen=True):
    """A network on the CPU with its best weights."""

    network: torch.nn.Module
    layers: tuple[Layer, ...]
    task: Task
    shape: tuple[int, ...]
    scale: Scale | None
    codes: int | None
    log_link: bool = False
    """Whether the network gives the logarithm of its prediction."""

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy
        import torch

        from aimass_compiler.catalog.frameworks._torch_graph import answering

        answer = answering(self.network, self.task)
        parts = [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(x), ROWS_AT_ONCE)]
        with torch.no_grad():
            scores = numpy.concatenate(
                [answer(torch.from_numpy(numpy.array(x[part]))).numpy() for part in parts]
            )
        if self.scale is None:
            return scores
        return self.scale.restored(numpy.exp(scores, dtype="f8") if self.log_link else scores)

    def importance(self) -> numpy.ndarray | None:
        return None

    def to_onnx(self) -> onnx.ModelProto:
        from aimass_compiler.catalog.artifacts import _graphs
        from aimass_compiler.catalog.frameworks import _torch_graph

        graph = _torch_graph.graph_of(self.network, self.layers, self.shape, self.task)
        return _graphs.from_output(graph, "answer", self.shape, self.task, self.scale, log_link=self.log_link)
