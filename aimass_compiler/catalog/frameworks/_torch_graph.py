"""A network of PyTorch as an ONNX graph: from its layers, or exported where it attends to sequences."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from aimass_compiler.catalog.frameworks._network_graph import network_graph
from aimass_compiler.catalog.network import (
    Activation,
    Dropout,
    EncoderBlock,
    Flatten,
    LayerNormalization,
    Masking,
    Pooling,
    Positions,
    StepPooling,
)
from aimass_compiler.conventions import ONNX_OPSETS

if TYPE_CHECKING:
    import numpy
    import onnx
    import torch

    from aimass_compiler.catalog.frameworks.torch import TrainedNetwork


_LEARN_NOTHING = (Activation, Dropout, Flatten, Masking, Pooling, StepPooling)
_EXPORTED = (EncoderBlock, LayerNormalization, Positions)


def graph_of(trained: TrainedNetwork) -> onnx.ModelProto:
    """From `rows` [N, ...] to `answer`: probabilities [N, K], or numbers."""
    if any(isinstance(layer, _EXPORTED) for layer in trained.layers):
        return _exported(trained)
    # PyTorch's own exporter takes longer than a small network to train.
    return network_graph(trained.layers, tuple(_parameters(trained)), trained.shape, trained.task)


def _parameters(trained: TrainedNetwork) -> Iterator[Mapping[str, numpy.ndarray]]:
    """What each layer has learned, by name."""
    modules = iter([module for module in trained.network.children() if any(module.state_dict())])
    for layer in trained.layers:
        found = {} if isinstance(layer, _LEARN_NOTHING) else next(modules).state_dict()
        # How many batches were seen is no part of what is computed.
        yield {name: value.numpy() for name, value in found.items() if name != "num_batches_tracked"}


def _exported(trained: TrainedNetwork) -> onnx.ModelProto:
    import torch

    # It warns of every package whose operators it could export too, were it installed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    example = torch.zeros(2, *trained.shape, dtype=torch.int64 if trained.codes else torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of its own parts, nobody here can act on
        program = torch.onnx.export(
            answering(trained),
            (example,),
            dynamo=True,
            input_names=["rows"],
            output_names=["answer"],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            opset_version=ONNX_OPSETS[""],
            external_data=False,
            verbose=False,
        )
    return program.model_proto


def answering(trained: TrainedNetwork) -> torch.nn.Module:
    """The network with what turns its outputs into probabilities, or into one number a row."""
    import torch

    class Answering(torch.nn.Module):  # type: ignore[misc]  # torch is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.network = trained.network

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            outputs = self.network(rows)
            if trained.task.is_classification:
                return torch.softmax(outputs, dim=1)
            return outputs.squeeze(1)

    return Answering().eval()
