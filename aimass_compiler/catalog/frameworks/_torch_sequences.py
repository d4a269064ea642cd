"""PyTorch modules for sequences: what is padding or missing reaches no step that is there."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import nn

from aimass_compiler.catalog import network
from aimass_compiler.expression.algebra import PADDING


class Steps(NamedTuple):
    """What each step holds, [N, L, D], and whether it is there, [N, L]."""

    values: torch.Tensor
    present: torch.Tensor


class CodeVectors(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A vector for each code."""

    def __init__(self, codes: int, width: int, deviation: float) -> None:
        super().__init__()
        self.vectors = nn.Embedding(codes, width, padding_idx=PADDING)
        nn.init.normal_(self.vectors.weight, std=deviation)

    def forward(self, codes: torch.Tensor) -> Steps:
        return Steps(self.vectors(codes), codes != PADDING)


class PresentSteps(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Steps of which a number is missing are not there."""

    def forward(self, rows: torch.Tensor) -> Steps:
        present = ~torch.isnan(rows).any(dim=2)
        return Steps(torch.where(present[..., None], rows, 0.0), present)


class EachStep(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A module that treats each step alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, steps: Steps) -> Steps:
        return Steps(self.module(steps.values), steps.present)


class PlaceVectors(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A vector for each place, added."""

    def __init__(self, length: int, width: int, deviation: float) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(length, width))
        nn.init.normal_(self.vectors, std=deviation)

    def forward(self, steps: Steps) -> Steps:
        return Steps(steps.values + self.vectors, steps.present)


class RecurrentCells(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A recurrent cell over the steps, and another one over the same in reverse where that is asked for.

    Padding is behind the last step, so what is read forward never meets it before one. Backward, each row is
    turned around by its own length, as packed sequences do.
    """

    def __init__(self, cell: Literal["lstm", "gru"], width: int, units: int, *, bidirectional: bool) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.onward = kind(width, units, batch_first=True)
        self.backward = kind(width, units, batch_first=True) if bidirectional else None

    def forward(self, steps: Steps) -> Steps:
        values, present = steps
        onward = self.onward(values)[0]
        if self.backward is None:
            return Steps(onward, present)
        order = _reversed(present)
        backward = self.backward(_taken(values, order))[0]
        return Steps(torch.cat([onward, _taken(backward, order)], dim=2), present)


def _reversed(present: torch.Tensor) -> torch.Tensor:
    """The places of the steps, [N, L], those up to a row's last one in reverse; twice is as it was."""
    places = torch.arange(present.shape[1], device=present.device)
    lengths = torch.where(present, places + 1, 0).amax(dim=1, keepdim=True)
    return torch.where(places < lengths, lengths - 1 - places, places)


def _taken(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[2]))


class AttentionBlock(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Self-attention and two dense layers, each normalised before and added to what it read."""

    def __init__(self, layer: network.EncoderBlock, width: int) -> None:
        super().__init__()
        self.heads = layer.heads
        size = layer.head_size(width)
        self.before_attention = nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * layer.heads * size)
        self.answered = nn.Linear(layer.heads * size, width)
        self.dense = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, layer.feed_forward),
            nn.GELU(),
            nn.Dropout(layer.dropout),
            nn.Linear(layer.feed_forward, width),
            nn.Dropout(layer.dropout),
        )
        self.dropout = nn.Dropout(layer.dropout)

    def forward(self, steps: Steps) -> Steps:
        values, present = steps
        values = values + self.dropout(self._attention(self.before_attention(values), present))
        return Steps(values + self.dense(values), present)

    def _attention(self, values: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        split = self.asked(values).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        queries, keys, answers = split[0], split[1], split[2]
        scores = queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[3])
        scores = scores.masked_fill(~present[:, None, None, :], network.MASKED)
        weights = self.dropout(torch.softmax(scores, dim=3))
        return self.answered((weights @ answers).transpose(1, 2).flatten(2))


class PooledSteps(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """The mean or the largest of the steps that are there; zeros where none is."""

    def __init__(self, kind: Literal["mean", "max"]) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, steps: Steps) -> torch.Tensor:
        present = steps.present[..., None]
        if self.kind == "mean":
            total = torch.where(present, steps.values, 0.0).sum(dim=1)
            return total / present.sum(dim=1).clamp(min=1)
        largest = torch.where(present, steps.values, network.MASKED).amax(dim=1)
        return torch.where(present.any(dim=1), largest, 0.0)


def modules(layer: network.SequenceLayer, shape: tuple[int, ...], codes: int | None) -> list[nn.Module]:
    """The module of a layer that reads rows of `shape`, which hold so many codes where they hold such."""
    made: nn.Module
    match layer:
        case network.Embedding(width, deviation):
            made = CodeVectors(codes or 0, width, deviation)
        case network.Masking():
            made = PresentSteps()
        case network.Positions(deviation):
            made = PlaceVectors(shape[0], shape[1], deviation)
        case network.Recurrent(cell, units, bidirectional):
            made = RecurrentCells(cell, shape[1], units, bidirectional=bidirectional)
        case network.EncoderBlock():
            made = AttentionBlock(layer, shape[1])
        case network.LayerNormalization():
            made = EachStep(nn.LayerNorm(shape[1], eps=layer.epsilon))
        case network.StepPooling(kind):
            made = PooledSteps(kind)
    return [made]
