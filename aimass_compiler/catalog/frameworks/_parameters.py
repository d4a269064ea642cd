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
    found: Mapping[str, numpy.ndarray] = {}
    match layer:
        case network.Dense(units):
            found = _uniform((units, shape[-1]), chance)
        case network.Convolution(channels, kernel):
            found = _uniform((channels, shape[0], kernel, kernel), chance)
        case network.BatchNormalization():
            learned, (one, zero) = _unchanging(shape[0]), _unchanging(shape[0]).values()
            found = learned | {"running_mean": zero, "running_var": one}
        case network.Embedding(width, deviation):
            found = {"vectors.weight": _normal((codes or 0, width), deviation, chance)}
        case network.Positions(deviation):
            found = {"vectors": _normal(shape, deviation, chance)}
        case network.Recurrent():
            found = _first_of_cells(layer, shape[1], chance)
        case network.EncoderBlock():
            found = _first_of_block(layer, shape[1], chance)
        case network.LayerNormalization():
            found = _unchanging(shape[1])
    return found


def _first_of_block(
    layer: network.EncoderBlock, width: int, chance: numpy.random.Generator
) -> Mapping[str, numpy.ndarray]:
    found: dict[str, numpy.ndarray] = {}
    for name, shape in layer.weights(width).items():
        arrays = _uniform(shape, chance) if len(shape) > 1 else _unchanging(width)
        found |= {f"{name}.{kind}": array for kind, array in arrays.items()}
    return found


def _unchanging(width: int) -> dict[str, numpy.ndarray]:
    """A scale of 1 and a shift of 0."""
    import numpy

    return {"weight": numpy.ones(width, numpy.float32), "bias": numpy.zeros(width, numpy.float32)}


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


def _normal(shape: tuple[int, ...], deviation: float, chance: numpy.random.Generator) -> numpy.ndarray:
    import numpy

    return chance.normal(0, deviation, shape).astype(numpy.float32)


def _uniform(shape: tuple[int, ...], chance: numpy.random.Generator) -> dict[str, numpy.ndarray]:
    import numpy

    bound = 1 / numpy.sqrt(prod(shape[1:]))
    arrays = {"weight": shape, "bias": shape[:1]}
    return {name: chance.uniform(-bound, bound, size).astype(numpy.float32) for name, size in arrays.items()}
