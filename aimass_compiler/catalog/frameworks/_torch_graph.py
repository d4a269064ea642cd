"""A network of PyTorch as an ONNX graph, from its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from aimass_compiler.catalog.frameworks._network_graph import network_graph
from aimass_compiler.catalog.network import Activation, Dropout, Flatten, Masking, Pooling, StepPooling

if TYPE_CHECKING:
    import numpy
    import onnx
    import torch

    from aimass_compiler.catalog.network import Layer
    from aimass_compiler.catalog.task import Task

_LEARN_NOTHING = (Activation, Dropout, Flatten, Masking, Pooling, StepPooling)


def graph_of(
    network: torch.nn.Module, layers: Sequence[Layer], shape: tuple[int, ...], task: Task
) -> onnx.ModelProto:
    """From `rows` [N, ...] to `answer`: probabilities [N, K], or numbers."""
    # PyTorch's own exporter takes longer than a small network to train.
    return network_graph(layers, tuple(_parameters(network, layers)), shape, task)


def _parameters(network: torch.nn.Module, layers: Sequence[Layer]) -> Iterator[Mapping[str, numpy.ndarray]]:
    """What each layer has learned, by name."""
    modules = iter([module for module in network.children() if any(module.state_dict())])
    for layer in layers:
        found = {} if isinstance(layer, _LEARN_NOTHING) else next(modules).state_dict()
        # How many batches were seen is no part of what is computed; `module.` is what is done at each step.
        yield {
            name.removeprefix("module."): value.numpy()
            for name, value in found.items()
            if name != "num_batches_tracked"
        }


def answering(network: torch.nn.Module, task: Task) -> torch.nn.Module:
    """The network with what turns its outputs into probabilities, or into one number a row."""
    import torch

    class Answering(torch.nn.Module):  # type: ignore[misc]  # torch is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            outputs = self.network(rows)
            if task.is_multilabel:
                return torch.sigmoid(outputs)
            if task.is_classification:
                return torch.softmax(outputs, dim=1)
            return outputs.squeeze(1)

    return Answering().eval()
