"""What fine-tuning makes small: how unlikely answers are, or how little one is liked more than another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    import torch

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.frameworks._conversation_batch import ConversationBatch
    from aimass_compiler.catalog.frameworks._fine_tuning_setup import FineTuningSetup


def of(batch: ConversationBatch, answer: Any, network: Any, setup: FineTuningSetup) -> torch.Tensor:
    """The loss of the rows, added up. `answer` computes with all workers, `network` is the model itself."""
    import torch

    if setup.beta is None:
        found = batch.log_probabilities(answer).sum(dim=1)
        return -(found if batch.weights is None else found * batch.weights).sum()
    liked = batch.log_probabilities(answer).sum(dim=1)
    with torch.no_grad(), setup.adapter.without(network):
        before = batch.log_probabilities(network).sum(dim=1)
    gain, other = (liked - before).chunk(2)
    found = torch.nn.functional.logsigmoid(setup.beta * (gain - other))
    return -(found if batch.weights is None else found * batch.weights).sum()


def weight_of(examples: Examples, places: numpy.ndarray, *, is_paired: bool) -> float:
    """What the loss of the rows at places [B] is divided by: the tokens that are learned, or the pairs.

    Rows that count more, by their weights, count more here, too.
    """
    import numpy

    weights = numpy.ones(len(places)) if examples.weights is None else examples.weights[places]
    if is_paired:
        return float(weights.sum())
    learned = (numpy.asarray(examples.x[places])[..., 1] > 0).sum(axis=1)
    return float((learned * weights).sum())
