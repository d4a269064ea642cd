"""Models of sequences read words in their order, and nothing of what only fills a row up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import _torch_sequences
from aimass_compiler.catalog.models.rnn import Rnn
from aimass_compiler.catalog.models.transformer import Transformer
from aimass_compiler.catalog.optimizers.adam import Adam
from tests.models.examples import TASKS, Watched, budget, served

if TYPE_CHECKING:
    from aimass_compiler.catalog.model import Model

CODES, LENGTH = 12, 8
MODELS: dict[str, Model] = {
    "lstm": Rnn(hidden=8, embedding=8, dropout=0.0),
    "gru": Rnn(cell="gru", hidden=8, embedding=8, layers=2, pooling="max", dropout=0.0),
    "forward": Rnn(hidden=8, embedding=8, bidirectional=False, dropout=0.0),
    "transformer": Transformer(width=10, heads=4, feed_forward=16, layers=1, dropout=0.0),
    "max": Transformer(width=8, heads=2, feed_forward=16, layers=1, pooling="max", dropout=0.0),
}
every_model = pytest.mark.parametrize("name", MODELS)


def texts(rows: int, seed: int) -> Examples:
    """Words of which two, 2 and 3, stand somewhere in each row; the one that comes first decides."""
    chance = numpy.random.default_rng(seed)
    x = numpy.zeros((rows, LENGTH), numpy.int64)
    y = chance.integers(0, 2, rows)
    for row, first in zip(x, y, strict=True):
        length = chance.integers(2, LENGTH + 1)
        row[:length] = chance.integers(4, CODES, length)
        row[numpy.sort(chance.choice(length, 2, replace=False))] = (2, 3) if first else (3, 2)
    return Examples(x, y.astype(numpy.int64), codes=CODES)


@pytest.fixture(scope="module", name="learnt")
def learnt_fixture() -> dict[str, Any]:
    spent = budget(epochs=25, patience=0, optimizer=Adam(learning_rate=0.02))
    rows, watched = texts(400, 1), texts(100, 2)
    return {
        name: model.train(TASKS["binary"], rows, watched, spent, Watched()) for name, model in MODELS.items()
    }


@every_model
def test_the_order_of_words_is_learnt(learnt: dict[str, Any], name: str) -> None:
    rows = texts(300, 3)
    assert (learnt[name].predict(rows.x).argmax(axis=1) == rows.y).mean() > 0.9


@every_model
def test_the_graph_answers_alike_whatever_is_in_a_row(learnt: dict[str, Any], name: str) -> None:
    x = texts(50, 4).x
    x[0], x[1], x[2, 1:] = 0, 5, 0
    graph, expected = learnt[name].to_onnx(), learnt[name].predict(x)
    numpy.testing.assert_allclose(served(graph, x), expected, rtol=0, atol=1e-5)
    alone = numpy.concatenate([served(graph, x[place : place + 1]) for place in range(len(x))])
    numpy.testing.assert_allclose(alone, expected, rtol=0, atol=1e-5)


@every_model
def test_what_padding_holds_is_not_read(learnt: dict[str, Any], name: str) -> None:
    x = texts(50, 5).x
    expected = learnt[name].predict(x)
    vectors = learnt[name].network[0].vectors.weight
    before = vectors.detach().clone()
    with torch.no_grad():
        vectors[0] = 100.0
    answered = learnt[name].predict(x)
    with torch.no_grad():
        vectors.copy_(before)
    numpy.testing.assert_allclose(answered, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_both_directions_read_like_packed_sequences(cell: Any) -> None:
    torch.manual_seed(0)
    ours = _torch_sequences.RecurrentCells(cell, 3, 4, bidirectional=True)
    whole = type(ours.onward)(3, 4, batch_first=True, bidirectional=True)
    weights = ours.onward.state_dict()
    weights |= {f"{name}_reverse": value for name, value in ours.backward.state_dict().items()}
    whole.load_state_dict(weights)
    lengths = torch.tensor([6, 1, 4])
    present = torch.arange(6) < lengths[:, None]
    values = torch.randn(3, 6, 3)
    packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(whole(packed)[0], batch_first=True)
    found = ours(_torch_sequences.Steps(values, present)).values
    torch.testing.assert_close(found[present], expected[present])


def test_a_series_of_any_length_is_read_up_to_its_end() -> None:
    chance = numpy.random.default_rng(0)
    x = chance.normal(size=(200, 6, 2)).astype(numpy.float32)
    for row, length in zip(x, chance.integers(0, 7, 200), strict=True):
        row[length:] = numpy.nan
    y = numpy.nansum(x, axis=(1, 2)).astype(numpy.float64)
    for model in (Rnn(hidden=4), Transformer(width=6, heads=2, layers=1)):
        trained = model.train(
            TASKS["regression"], Examples(x, y), Examples(x, y), budget(epochs=2), Watched()
        )
        answered = trained.predict(x)
        assert numpy.isfinite(answered).all()
        numpy.testing.assert_allclose(served(trained.to_onnx(), x), answered, rtol=0, atol=1e-4)
