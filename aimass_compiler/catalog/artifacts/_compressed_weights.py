"""Weights in 8 bits whose activations are rounded to 8 bits, too, in the format of compressed-tensors.

Weights have a scale for each output channel, activations one for each token, found while they are computed.
Channels that are large in all tokens would leave the others few steps, so these are made smaller, and the
weights that read them larger, as far as rows say that it helps (SmoothQuant, Xiao et al. 2023,
https://arxiv.org/abs/2211.10438).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.artifacts._causal_model import loaded_weights
from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing
from aimass_compiler.catalog.frameworks._conversation_batch import ConversationBatch
from aimass_compiler.catalog.quantization_scheme import SCHEMES, QuantizationScheme

if TYPE_CHECKING:
    import numpy
    import torch

#: How many training rows say how activations are distributed, and how many of them are computed at once.
_ROWS, _AT_ONCE = 64, 16
#: How much of the spread goes from activations to weights: none, the paper's half, and llm-compressor's 0.8.
_STRENGTHS = (0.0, 0.5, 0.8)
#: How far logits of a model may move in which only scales went from one place to another, of the largest one.
_SAME = 1e-3
_TINY = 1e-5


def write_compressed(weights: Path, scheme: str, rows: Path, folder: Path) -> None:
    """Write a folder of merged weights again in fewer bits; `rows` are the matrix of the training split.

    Raises RuntimeError where the base has nothing that could be rounded.
    """
    how, batches = SCHEMES[scheme], _batches(rows)
    strength = _best_strength(weights, how, batches) if how.is_calibrated else 0.0
    with _quietly():
        model = _rounded(weights, how, batches, strength)
        _save(model, folder)
    Tokenizing.of(weights).tokenizer.save_pretrained(str(folder))


def _best_strength(weights: Path, how: QuantizationScheme, batches: Sequence[ConversationBatch]) -> float:
    """How much is smoothed: by which the right answers of the rows stay as likely as they were."""
    with _quietly():
        wanted = _likelihoods(loaded_weights(weights), batches)
        apart = {}
        for strength in _STRENGTHS:
            found = _likelihoods(_rounded(weights, how, batches, strength), batches)
            apart[strength] = float((found - wanted).abs().mean())
    return min(apart, key=lambda strength: apart[strength])


def _likelihoods(model: Any, batches: Sequence[ConversationBatch]) -> torch.Tensor:
    import torch

    with torch.inference_mode():
        return torch.cat([batch.log_probabilities(model.eval()).flatten().double() for batch in batches])


def _rounded(
    weights: Path, how: QuantizationScheme, batches: Sequence[ConversationBatch], strength: float
) -> Any:
    """The model with weights that are rounded, and activations that will be."""
    from compressed_tensors.quantization import (
        QuantizationConfig,
        QuantizationStatus,
        apply_quantization_config,
        preset_name_to_scheme,
    )

    model = loaded_weights(weights)
    if strength and not _smoothed(model, batches, strength):
        model = loaded_weights(weights)
    model.to(_kept(weights))
    wanted = QuantizationConfig(
        config_groups={"group_0": preset_name_to_scheme(how.made_as, ["Linear"])},
        ignore=["lm_head"],
        quantization_status=QuantizationStatus.FROZEN,
    )
    apply_quantization_config(model, wanted)
    found = [each for each in model.modules() if getattr(each, "quantization_scheme", None) is not None]
    if not found:
        raise RuntimeError("the base has no linear layers that could be rounded")
    for layer in found:
        _scale(layer)
    return model


def _scale(layer: Any) -> None:
    """Set the scale of each output channel by its largest weight."""
    from compressed_tensors.quantization import QuantizationStatus
    from compressed_tensors.quantization.utils import calculate_qparams

    weight = layer.weight.data.float()
    low, high = weight.amin(dim=1, keepdim=True), weight.amax(dim=1, keepdim=True)
    scale, zero = calculate_qparams(low, high, layer.quantization_scheme.weights)
    layer.weight_scale.data.copy_(scale)
    if hasattr(layer, "weight_zero_point"):
        layer.weight_zero_point.data.copy_(zero)
    layer.quantization_status = QuantizationStatus.FROZEN


def _save(model: Any, folder: Path) -> None:
    from compressed_tensors.compressors import ModelCompressor

    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(str(folder))
    compressor.update_config(str(folder))


def _kept(weights: Path) -> torch.dtype:
    import torch

    from aimass_compiler.catalog.artifacts._weights import precision_of

    kept: torch.dtype = getattr(torch, precision_of(weights))
    return kept


def _smoothed(model: Any, batches: Sequence[ConversationBatch], strength: float) -> bool:
    """Make channels smaller that are large behind a normalisation, and what reads them larger.

    Answers whether the model is still the same: it is not where something else reads such channels, too.
    """
    import torch

    readers, largest = _read(model, batches)
    with torch.no_grad():
        wanted = model(**batches[0].reading).logits
        for norm, layers in readers.items():
            weight = torch.stack([layer.weight.abs().amax(dim=0) for layer in layers]).amax(dim=0)
            scale = largest[norm].clamp(min=_TINY) ** strength / weight.clamp(min=_TINY) ** (1 - strength)
            scale = scale.clamp(min=_TINY)
            for own in norm.parameters(recurse=False):
                own.div_(scale)
            for layer in layers:
                layer.weight.mul_(scale)
        moved = (model(**batches[0].reading).logits - wanted).abs().max()
    return bool(moved <= _SAME * wanted.abs().max())


def _read(
    model: Any, batches: Sequence[ConversationBatch]
) -> tuple[dict[Any, list[Any]], dict[Any, torch.Tensor]]:
    """Which linear layers read what each normalisation leaves, and how large its channels get."""
    import torch

    readers: dict[Any, list[Any]] = {}
    largest: dict[Any, torch.Tensor] = {}
    left: list[
        tuple[Any, Any]
    ] = []  # kept while a row is computed, so that no other tensor gets its identity

    def leave(norm: Any, _: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            left.append((norm, output))
            found = output.detach().abs().flatten(0, -2).amax(dim=0)
            largest[norm] = torch.maximum(found, largest.get(norm, found))

    def read(layer: Any, inputs: Any) -> None:
        norm = next((norm for norm, output in left if inputs and inputs[0] is output), None)
        if norm is not None and layer not in readers.setdefault(norm, []):
            readers[norm].append(layer)

    hooks = []
    for each in model.modules():
        own = list(each.parameters(recurse=False))
        if isinstance(each, torch.nn.Linear):
            hooks.append(each.register_forward_pre_hook(read))
        elif own and all(weight.ndim == 1 for weight in own):
            hooks.append(each.register_forward_hook(leave))
    try:
        with torch.inference_mode():
            for batch in batches:
                model(**batch.reading)
                left.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return readers, largest


def _batches(rows: Path) -> list[ConversationBatch]:
    """Some rows, evenly among all of them, a few at once."""
    import numpy

    from aimass_compiler.catalog.examples import Examples

    found: numpy.ndarray = numpy.load(rows, mmap_mode="r")
    count = min(_ROWS, len(found))
    places = [place * len(found) // count for place in range(count)]
    examples = Examples(found, numpy.zeros(len(found)))
    return [
        ConversationBatch.of(examples, numpy.array(places[start : start + _AT_ONCE]), "cpu")
        for start in range(0, count, _AT_ONCE)
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the bars that compressed-tensors draws."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
