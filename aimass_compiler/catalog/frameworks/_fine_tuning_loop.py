"""Fine-tuning of a language model by transformers and peft, in epochs that stop early and survive a kill."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.frameworks import _conversation_loss
from aimass_compiler.catalog.frameworks._conversation_batch import ConversationBatch
from aimass_compiler.catalog.frameworks._epochs import EpochLog, best_weights, parts, shuffled
from aimass_compiler.catalog.frameworks._tuned_model import FineTuned, loaded
from aimass_compiler.catalog.frameworks.torch import optimizer_for

if TYPE_CHECKING:
    import numpy
    import torch

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.frameworks._fine_tuning_setup import FineTuningSetup
    from aimass_compiler.catalog.model import Budget, Progress
    from aimass_compiler.catalog.task import Task

#: Between the seeds of two workers, which drop other units of other rows.
_APART = 1_000_003
#: Rows that are watched at once.
_WATCHED_AT_ONCE = 16


def fine_tuned(
    setup: FineTuningSetup,
    task: Task,
    train: Examples,
    validation: Examples,
    budget: Budget,
    progress: Progress,
) -> FineTuned:
    """The model with the weights of its best epoch by validation loss.

    The loss is the mean over all tokens that a step learns, however many batches it sums up: with the mean of
    means, a short answer in a small batch would count more.
    """
    import torch

    # More threads than cores that are free wait for one another: on a busy machine, ten times as long.
    torch.set_num_threads(budget.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = "cuda" if budget.gpus else "cpu"
    network = loaded(setup, budget.root, budget.precision, budget.seed).to(device)
    learner = _Learner(network, setup, train, validation, budget, device)
    return FineTuned(setup, task, budget.root, best_weights(learner, budget, progress), budget.threads)


@dataclass
class _Learner:
    """One fine-tuning in progress."""

    network: Any
    setup: FineTuningSetup
    train: Examples
    validation: Examples
    budget: Budget
    device: str

    def __post_init__(self) -> None:
        import torch

        self.learning = [weights for weights in self.network.parameters() if weights.requires_grad]
        self.optimizer = optimizer_for(self.budget.optimizer, self.learning)
        self.share = self.budget.share
        self.answer = self.network
        if self.share.size > 1:
            self.answer = torch.nn.parallel.DistributedDataParallel(self.network)

    def learn(self, epoch: int) -> float:
        import torch

        budget, count = self.budget, len(self.train.y)
        order = shuffled(count, budget.seed, epoch)
        torch.manual_seed(budget.seed + epoch + _APART * self.share.rank)
        self.network.train()
        total, weight, seen = 0.0, 0.0, 0
        for step in parts(count, budget.batch_size * budget.accumulation):
            places = order[step]
            learned = self._learned(self.train, places)
            for group in self.optimizer.param_groups:
                group["lr"] = budget.learning_rate(epoch + (seen + len(places) / 2) / count)
            total += self._stepped(places, learned)
            weight += learned
            seen += len(places)
        return self._of_all(total) / max(weight, 1.0)

    def _stepped(self, places: numpy.ndarray, learned: float) -> float:
        """One step of the optimizer from the sum of its batches; the loss of this worker's rows, added up."""
        import torch

        self.optimizer.zero_grad()
        batches = list(parts(len(places), self.budget.batch_size))
        total = 0.0
        for number, part in enumerate(batches):
            with self._alone(is_last=number == len(batches) - 1):
                loss = self._loss(self.train, places[part], self.answer)
                (loss * (self.share.size / max(learned, 1.0))).backward()
            total += float(loss.detach())
        if self.budget.gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.learning, self.budget.gradient_norm)
        self.optimizer.step()
        return total

    def _alone(self, *, is_last: bool) -> AbstractContextManager[Any]:
        """Between workers, gradients are averaged with the last batch of a step."""
        return nullcontext() if is_last or self.share.size == 1 else self.answer.no_sync()

    def _loss(self, examples: Examples, places: numpy.ndarray, answer: Any) -> torch.Tensor:
        """The loss of this worker's rows of a batch, added up; one that has none computes with one that does
        not count."""
        own = self.share.of_batch(places)
        is_idle = not len(own)
        batch = ConversationBatch.of(examples, places[:1] if is_idle else own, self.device)
        with _computing(self.device, self.budget.precision):
            loss = _conversation_loss.of(batch, answer, self.network, self.setup)
        return loss * 0 if is_idle else loss

    def _learned(self, examples: Examples, places: numpy.ndarray) -> float:
        return _conversation_loss.weight_of(examples, places, is_paired=self.setup.beta is not None)

    def watch(self) -> float:
        import numpy
        import torch

        self.network.eval()
        places = numpy.arange(len(self.validation.y))
        total = 0.0
        with torch.no_grad():
            for part in parts(len(places), _WATCHED_AT_ONCE):
                total += float(self._loss(self.validation, places[part], self.network))
        return self._of_all(total) / max(self._learned(self.validation, places), 1.0)

    def _of_all(self, total: float) -> float:
        """The sum over all workers."""
        import torch

        if self.share.size == 1:
            return total
        summed = torch.tensor(total, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(summed)
        return float(summed)

    def weights(self) -> dict[str, torch.Tensor]:
        return {
            name: value.detach().cpu().clone()
            for name, value in self.network.named_parameters()
            if value.requires_grad
        }

    def save(self, log: EpochLog[dict[str, torch.Tensor]], path: Path) -> None:
        import torch

        state = {"network": self.weights(), "optimizer": self.optimizer.state_dict()}
        torch.save(state | vars(log), path)

    def load(self, path: Path) -> EpochLog[dict[str, torch.Tensor]]:
        import torch

        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state.pop("network"), strict=False)
        self.optimizer.load_state_dict(state.pop("optimizer"))
        return EpochLog(**state)


def _computing(device: str, precision: str) -> AbstractContextManager[Any]:
    import torch

    if precision == "float32":
        return nullcontext()
    narrow: AbstractContextManager[Any] = torch.autocast(device, dtype=torch.bfloat16)
    return narrow
