"""What a framework does with given weights and rows: `python -m tests.models.framework_run NAME day|night`.

Frameworks share a process badly, and take seconds to be imported: each gets one, for all that is asked.
Writes a pickle to standard output: predictions, weights after some steps, and what was learnt and exported.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.catalog import load, names, network
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks._parameters import Parameters, first_parameters
from aimass_compiler.catalog.model import Budget
from aimass_compiler.catalog.models.cnn import Cnn
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.models.rnn import Rnn
from aimass_compiler.catalog.models.transformer import Transformer
from aimass_compiler.catalog.optimizers.adam import Adam
from tests.models.examples import TASKS, Watched, budget, examples, served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.catalog.network import Layer, Network
    from aimass_compiler.catalog.optimizer import Optimizer

#: Name → the model, without what chance leaves out; between them they have every layer and option.
ARCHITECTURES: dict[str, Network] = {
    **{
        function: Mlp(hidden=(7, 4), activation=function, dropout=0.0)
        for function in ("relu", "gelu", "elu", "tanh")
    },
    "max": Cnn(channels=(3, 4), kernel=3, dropout=0.0),
    "lstm": Rnn(cell="lstm", hidden=3, layers=2, embedding=5, dropout=0.0),
    "gru": Rnn(cell="gru", hidden=4, bidirectional=False, pooling="max", embedding=3, dropout=0.0),
    "series": Rnn(cell="gru", hidden=8, pooling="max", dropout=0.0),
    "transformer": Transformer(width=6, heads=4, feed_forward=5, layers=2, dropout=0.0),
    "attention": Transformer(width=8, heads=2, feed_forward=16, pooling="max", dropout=0.0),
    "average": Cnn(channels=(3, 4), kernel=2, pooling="average", dropout=0.0),
}
#: Layers that no model has in this order: what is flattened has width, height and channels.
FLATTENED: tuple[Layer, ...] = (network.Convolution(3, 4), network.Flatten(), network.Dense(3))
SGD, RMSPROP = load("optimizers", "sgd"), load("optimizers", "rmsprop")
#: Of each optimizer, what makes it remember all that it can.
OPTIMIZERS: dict[str, Optimizer] = {
    **{name: load("optimizers", name)(learning_rate=0.01, weight_decay=0.1) for name in names("optimizers")},
    "nesterov": SGD(learning_rate=0.01, momentum=0.8, nesterov=True),
    "plain": SGD(learning_rate=0.01, momentum=0.0),
    "centered": RMSPROP(learning_rate=0.01, momentum=0.5, centered=True),
}
#: Those that read words or series.
SEQUENCES = ("lstm", "gru", "series", "transformer", "attention")
#: What is trained to its end by day; TensorFlow alone takes half a minute for the others.
BY_DAY = ("multiclass", "series", "transformer")
STEPS = 3
LENGTH, CODES = 6, 12


def rows_of(name: str) -> Examples:
    """Three classes, of rows that count more or less."""
    if name in SEQUENCES:
        return sequences(name, 60, 1)
    found = examples("cnn" if name in ("max", "average", "flattened") else "mlp", "multiclass", 60, 1)
    return Examples(found.x, found.y, numpy.linspace(0.5, 1.5, 60))


def sequences(name: str, rows: int, seed: int) -> Examples:
    """Codes of words or numbers, of any length from no step on; the largest first step decides the class."""
    chance = numpy.random.default_rng(seed)
    there = numpy.arange(LENGTH) < chance.integers(0, LENGTH + 1, rows)[:, None]
    weights = numpy.linspace(0.5, 1.5, rows)
    if name in ("series", "attention"):
        values = chance.normal(size=(rows, LENGTH, 2)).astype(numpy.float32)
        y = numpy.digitize(numpy.where(there[:, 0], values[:, 0, 0], 0), (-0.5, 0.5))
        values[~there] = numpy.nan
        values[::7, 2] = numpy.nan  # in the middle, too
        return Examples(values, y.astype(numpy.int64), weights)
    codes = numpy.where(there, chance.integers(2, CODES, (rows, LENGTH)), 0)
    return Examples(codes.astype(numpy.int64), codes[:, 0] // 4, weights, CODES)


def layers_of(name: str) -> Sequence[Layer]:
    if name == "flattened":
        return FLATTENED
    return tuple(ARCHITECTURES[name].architecture(rows_of(name).x.shape[1:], 3))


def stepped(framework: str, name: str, **spent: Any) -> tuple[numpy.ndarray, list[numpy.ndarray]]:
    """The answers of a network that starts alike in every framework, and its weights after some steps."""
    rows, layers = rows_of(name), layers_of(name)
    asked = budget(batch_size=60, **spent)
    first = first_parameters(layers, rows.x.shape[1:], 3, rows.codes)
    learner, ask, weights = LEARNERS[framework](layers, first, rows, asked)
    before = ask(rows.x)
    for epoch in range(STEPS):
        learner.learn(epoch)
    return before, [array for arrays in weights() for array in arrays.values()]


def _torch_learner(layers: Sequence[Layer], first: Parameters, rows: Examples, asked: Budget) -> Any:
    import torch

    from aimass_compiler.catalog.frameworks import torch as framework

    made = framework.built(layers, rows.x.shape[1:], rows.codes)
    learning = [getattr(module, "module", module) for module in made if module.state_dict()]
    arrays = [array for array in first if array]
    for module, values in zip(learning, arrays, strict=True):
        state = {name: torch.from_numpy(value.copy()) for name, value in values.items()}
        module.load_state_dict(state, strict=False)
    parts = framework._Rows(rows, None, "cpu", asked.share)
    learner = framework._Learner(made, TASKS["multiclass"], "log_loss", asked, parts, parts)

    def ask(x: numpy.ndarray) -> numpy.ndarray:
        with torch.no_grad():
            return torch.softmax(made.eval()(torch.from_numpy(x)), dim=1).numpy()

    def weights() -> list[dict[str, numpy.ndarray]]:
        pairs = zip(learning, arrays, strict=True)
        return [{name: module.state_dict()[name].numpy() for name in values} for module, values in pairs]

    return learner, ask, weights


def _array_learner(
    kind: Any, predictor: Any, layers: Sequence[Layer], first: Parameters, rows: Examples, asked: Budget
) -> Any:
    from aimass_compiler.catalog.frameworks._array_learner import ArrayLearner

    trainable = kind(layers, first, rows.x.shape[1:], "log_loss", TASKS["multiclass"], asked)
    learner = ArrayLearner(trainable, asked, rows, rows, None)
    answer = predictor(layers, first, rows.x.shape[1:], TASKS["multiclass"])
    return learner, answer, trainable.parameters


def _tensorflow_learner(*given: Any) -> Any:
    from aimass_compiler.catalog.frameworks.tensorflow import KerasNetwork, predictor

    return _array_learner(KerasNetwork, predictor, *given)


def _mxnet_learner(*given: Any) -> Any:
    from aimass_compiler.catalog.frameworks.mxnet import GluonNetwork, predictor

    return _array_learner(GluonNetwork, predictor, *given)


LEARNERS: dict[str, Any] = {
    "torch": _torch_learner,
    "tensorflow": _tensorflow_learner,
    "mxnet": _mxnet_learner,
}


def trained(framework: str, task: str) -> dict[str, Any]:
    """What the framework learns from a small table, and that it learns the same again and after a kill."""
    model, rows, validation = (
        Mlp(framework=framework),
        examples("mlp", task, 400, 1),
        examples("mlp", task, 200, 2),
    )
    whole, first, rest = Watched(), Watched(limit=2), Watched()
    found = model.train(TASKS[task], rows, validation, budget(), whole)
    with tempfile.TemporaryDirectory() as folder:
        halves = budget(checkpoint=Path(folder) / "checkpoint")
        model.train(TASKS[task], rows, validation, halves, first)
        again = model.train(TASKS[task], rows, validation, halves, rest)
    x = numpy.concatenate([validation.x, 1000 * validation.x[:50]])
    return {
        "losses": whole.losses,
        "resumed": rest.losses,
        "predictions": found.predict(x),
        "unpickled": pickle.loads(pickle.dumps(found)).predict(x),  # noqa: S301  # our own
        "again": again.predict(x),
        "served": served(found.to_onnx(), x),
    }


def texts(framework: str, name: str) -> dict[str, Any]:
    """How often the framework finds the class of sequences, and what its graph answers."""
    train, validation = sequences(name, 400, 1), sequences(name, 200, 2)
    model = ARCHITECTURES[name].model_copy(update={"framework": framework})
    spent = budget(epochs=8, optimizer=Adam(learning_rate=0.03))
    found = model.train(TASKS["multiclass"], train, validation, spent, Watched())
    scores = found.predict(validation.x)
    return {
        "accuracy": float((scores.argmax(axis=1) == validation.y).mean()),
        "predictions": scores,
        "served": served(found.to_onnx(), validation.x),
    }


def digits(framework: str) -> dict[str, Any]:
    """How many digits the framework recognises that it did not learn from, and what its graph answers."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = ((bunch.images[:, None] - 4.9) / 6).astype(numpy.float32)
    train, validation = (Examples(x[part], bunch.target[part]) for part in (slice(700), slice(700, 1000)))
    task = TASKS["multiclass"].model_copy(update={"classes": tuple("0123456789")})
    model = Cnn(framework=framework, channels=(8, 16))
    spent = budget(epochs=8, optimizer=Adam(learning_rate=0.01), loss="log_loss")
    found = model.train(task, train, validation, spent, Watched())
    scores = found.predict(x[1000:])
    return {
        "accuracy": float((scores.argmax(axis=1) == bunch.target[1000:]).mean()),
        "predictions": scores,
        "served": served(found.to_onnx(), x[1000:]),
    }


def run(framework: str, when: str) -> dict[str, Any]:
    """All that is asked of a framework by day, or what is trained at night only."""
    found: dict[str, Any] = {
        "trained": {task: trained(framework, task) for task in TASKS if is_asked(task, when)},
        "sequences": {name: texts(framework, name) for name in SEQUENCES if is_asked(name, when)},
    }
    if when == "night":
        return found
    plain = {"optimizer": OPTIMIZERS["plain"]}
    return found | {
        "architectures": {name: stepped(framework, name, **plain) for name in (*ARCHITECTURES, "flattened")},
        "optimizers": {
            **{name: stepped(framework, "tanh", optimizer=kind)[1] for name, kind in OPTIMIZERS.items()},
            "shortened": stepped(framework, "tanh", gradient_norm=0.05, **plain)[1],
        },
        "digits": digits(framework),
    }


def is_asked(name: str, when: str) -> bool:
    """Whether a task or a kind of sequences is trained then."""
    return (name in BY_DAY) == (when == "day")


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the framework says
    with answers:
        pickle.dump(run(sys.argv[1], sys.argv[2]), answers)
