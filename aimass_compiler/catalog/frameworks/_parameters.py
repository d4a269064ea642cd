"""What the layers of a network learn: names, shapes and first values, in one layout for all frameworks.

Names, shapes and first values are PyTorch's, so that a network starts alike whatever trains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from aimass_compiler.catalog import network

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.network import Layer

#: Of each layer, in their order, the arrays by name; of a layer that learns nothing, none.
Parameters = tuple[Mapping[str, "numpy.ndarray"], ...]


def first_parameters(
    layers: Sequence[Layer], shape: tuple[int, ...], seed: int, codes: int | None = None
) -> Parameters:
    """What layers start from that read rows of `shape`, float32; `codes` is how many codes such rows have.

    `weight` and `bias` are uniform within 1/√n, where a unit sums n numbers: He et al. 2015 with PyTorch's
    slope √5 (https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html).
    """
    import numpy

    chance = numpy.random.default_rng(seed)
    found = []
    for layer in layers:
        found.append(dict(_first_of(layer, shape, codes, chance)))
        shape = layer.shape_after(shape)
    return tuple(found)


def _first_of(
    layer: Layer, shape: tuple[int, ...], codes: int | None, chance: numpy.random.Generator
) -> Mapping[str, numpy.ndarray]:
    import numpy

    match layer:
        case network.Dense(units):
            return _uniform((units, shape[-1]), chance)
        case network.Convolution(channels, kernel):
            return _uniform((channels, shape[0], kernel, kernel), chance)
        case network.BatchNormalization():
            ones, zeros = numpy.ones(shape[0], numpy.float32), numpy.zeros(shape[0], numpy.float32)
            return {"weight": ones, "bias": zeros, "running_mean": zeros, "running_var": ones}
        case network.Embedding(width, deviation):
            vectors = chance.normal(0, deviation, (codes or 0, width))
            return {"vectors.weight": vectors.astype(numpy.float32)}
        case network.Recurrent():
            return _first_of_cells(layer, shape[1], chance)
    return {}


def _first_of_cells(
    layer: network.Recurrent, width: int, chance: numpy.random.Generator
) -> Mapping[str, numpy.ndarray]:
    """Uniform within 1/√units, gate by gate: input, forget, cell and output, or reset, update and new."""
    import numpy

    rows = layer.units * layer.gates
    sizes = {
        "weight_ih": (rows, width),
        "weight_hh": (rows, layer.units),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }
    bound = 1 / numpy.sqrt(layer.units)
    return {
        f"{way}.{name}_l0": chance.uniform(-bound, bound, size).astype(numpy.float32)
        for way in layer.directions
        for name, size in sizes.items()
    }


def _uniform(shape: tuple[int, ...], chance: numpy.random.Generator) -> dict[str, numpy.ndarray]:
    import numpy

    bound = 1 / numpy.sqrt(prod(shape[1:]))
    arrays = {"weight": shape, "bias": shape[:1]}
    return {name: chance.uniform(-bound, bound, size).astype(numpy.float32) for name, size in arrays.items()}
