"""From one set of hyperparameters, each framework builds the same network, steps alike and learns alike."""

from __future__ import annotations

import pickle
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy
import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.frameworks import Framework, Wheels, _numpy_names, framework_named
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.network import Layer, network_framework, network_frameworks
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training.suitability import require_installed
from tests.models.examples import TASKS, examples
from tests.models.framework_run import ARCHITECTURES, BY_DAY, OPTIMIZERS, SEQUENCES, layers_of

ROOT = Path(__file__).parents[2]
EVERY = network_frameworks()
every = pytest.mark.parametrize("framework", EVERY)
others = pytest.mark.parametrize("framework", sorted({*EVERY} - {"torch"}))
tasks, sequences = (
    [pytest.param(name, marks=() if name in BY_DAY else pytest.mark.nightly) for name in every]
    for every in (TASKS, SEQUENCES)
)


@cache
def answers(framework: str, when: str = "day") -> dict[str, Any]:
    """What a framework does with the weights and rows of `framework_run`, in a process of its own."""
    command = [sys.executable, "-m", "tests.models.framework_run", framework, when]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    found: dict[str, Any] = pickle.loads(done.stdout)  # noqa: S301  # of our own process
    return found


@pytest.fixture
def told(framework: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The answers of a framework, where it is installed."""
    if find_spec(framework_named(framework).module) is None:
        pytest.skip(f"{framework} is not installed; `make frameworks` installs it")
    return answers(framework, "night" if request.node.get_closest_marker("nightly") else "day")


def assert_alike(found: list[numpy.ndarray], expected: list[numpy.ndarray]) -> None:
    assert [array.shape for array in found] == [array.shape for array in expected]
    for one, other in zip(found, expected, strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_the_architectures_have_every_layer() -> None:
    used = {type(layer) for name in (*ARCHITECTURES, "flattened") for layer in layers_of(name)}
    assert used == {*get_args(Layer)}


@pytest.mark.slow
@others
def test_the_same_weights_answer_and_learn_alike(framework: str, told: dict[str, Any]) -> None:
    for name, (before, after) in answers("torch")["architectures"].items():
        found_before, found_after = told["architectures"][name]
        numpy.testing.assert_allclose(found_before, before, rtol=0, atol=1e-5)
        assert_alike(found_after, after)


@pytest.mark.slow
@others
def test_an_optimizer_takes_the_same_steps(framework: str, told: dict[str, Any]) -> None:
    expected = answers("torch")["optimizers"]
    assert expected.keys() == {*OPTIMIZERS, "shortened"}
    for name, after in expected.items():
        assert_alike(told["optimizers"][name], after)


@pytest.mark.slow
@every
@pytest.mark.parametrize("task", tasks)
def test_it_learns_a_table_as_well_as_any(framework: str, task: str, told: dict[str, Any]) -> None:
    found, truth = told["trained"][task], examples("mlp", task, 200, 2).y
    scores = found["predictions"][:200]
    if task == "regression":
        assert numpy.mean((scores - truth) ** 2) < 0.1 * truth.var()
    else:
        assert (scores.argmax(axis=1) == truth).mean() > 0.85
    size = numpy.abs(found["predictions"]).max()
    numpy.testing.assert_allclose(found["served"], found["predictions"], rtol=0, atol=1e-5 * max(1, size))


@pytest.mark.slow
@every
@pytest.mark.parametrize("task", tasks)
def test_a_killed_training_ends_as_if_it_had_not_been(
    framework: str, task: str, told: dict[str, Any]
) -> None:
    found = told["trained"][task]
    assert found["resumed"] == found["losses"]
    assert len(found["losses"]) == 6
    numpy.testing.assert_array_equal(found["again"], found["predictions"])
    numpy.testing.assert_array_equal(found["unpickled"], found["predictions"])  # as a search keeps it


@pytest.mark.slow
@every
def test_it_learns_digits_as_well_as_any(framework: str, told: dict[str, Any]) -> None:
    found = told["digits"]
    assert found["accuracy"] > 0.85
    numpy.testing.assert_allclose(found["served"], found["predictions"], rtol=0, atol=1e-5)


@pytest.mark.slow
@every
@pytest.mark.parametrize("name", sequences)
def test_it_learns_sequences_as_well_as_any(framework: str, name: str, told: dict[str, Any]) -> None:
    found = told["sequences"][name]
    assert found["accuracy"] > 0.8
    numpy.testing.assert_allclose(found["served"], found["predictions"], rtol=0, atol=1e-5)


def test_a_name_that_trains_no_networks_is_refused() -> None:
    for name in ("xgboost", "theano", 3):
        with pytest.raises(ValidationError, match="'mxnet', 'tensorflow' or 'torch'"):
            Mlp(framework=name)
    with pytest.raises(LookupError):
        network_framework("sklearn")


def test_where_there_are_no_wheels_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Wheels(before=(3, 9), platforms=(("plan9", "mips"),))
    assert not far.fit_here
    assert Wheels(before=(9, 9)).fit_here
    missing = Framework(module="no_framework", extra="no_framework", wheels=far)
    monkeypatch.setattr(Mlp, "trained_by", missing)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(StageFailure) as raised:
        require_installed(Mlp())
    assert raised.value.help == (
        "it can be installed for Python before 3.9 and plan9 on mips: train on such a machine, or choose "
        "another `framework`"
    )


def test_only_names_that_numpy_lacks_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(vars(numpy))
    kept = {name: value for name, value in before.items() if not name.startswith("_")}
    try:
        _numpy_names.put_back()
        assert {name: vars(numpy)[name] for name in kept} == kept
        assert numpy.product([2, 3]) == 6  # type: ignore[attr-defined]  # what was put back
        assert numpy.float_ is numpy.float64  # type: ignore[attr-defined]  # likewise
        with pytest.raises(NotImplementedError):
            numpy.npv(0.1, [1])  # type: ignore[attr-defined]  # likewise
    finally:
        for name in set(vars(numpy)) - set(before):
            delattr(numpy, name)
