"""A text that moved away from training is noticed by its length, or by its words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import polars
import pytest

from aimass_compiler import conventions
from aimass_compiler.runtime.reference import text_reference
from aimass_compiler.runtime.server.drift import PREDICTION, DriftMonitor
from aimass_compiler.runtime.server.package import read_package
from server import packages

_RANDOM = numpy.random.default_rng(5)
_WORDS = [f"word{number}" for number in range(40)]
_LENGTH, _UNKNOWN = "plan (length)", "plan (unknown words)"


def texts(count: int, words: list[str], length: int = 12) -> list[str]:
    sizes = _RANDOM.integers(length // 2, length, count)
    return [" ".join(_RANDOM.choice(words, size)) for size in sizes]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of churn, whose `plan` is watched as a text."""
    folder = packages.churn(tmp_path_factory.mktemp("text") / "churn")
    path = folder / conventions.REFERENCE_FILE
    reference = json.loads(path.read_text())
    trained = polars.Series([*texts(2000, _WORDS), *[None] * 100, *["Annabel"] * 3])
    reference["inputs"] = {"plan": text_reference(trained)}
    path.write_text(json.dumps(reference))
    return packages.listed(folder)


def scores(package: Path, asked: list[str]) -> dict[str, float]:
    read = read_package(package)
    monitor = DriftMonitor(read.reference, read.signature, 3600)
    strings = numpy.array(asked, dtype=object).reshape(-1, 1)
    strings = numpy.repeat(strings, len(read.signature.strings), axis=1)
    answers = numpy.array(["no"] * len(asked), dtype=object)
    monitor.observe([{conventions.STRINGS_TENSOR: strings, PREDICTION: answers}])
    return monitor.scores()[1]


def test_texts_like_those_of_training_have_not_moved(package: Path) -> None:
    found = scores(package, [*texts(1900, _WORDS), *[""] * 100])
    assert max(found[_LENGTH], found[_UNKNOWN]) < 0.1


def test_new_words_and_longer_texts_are_told_apart(package: Path) -> None:
    others = [word.replace("word", "slog") for word in _WORDS]
    found = scores(package, [*texts(1900, others), *[""] * 100])
    assert found[_LENGTH] < 0.1
    assert found[_UNKNOWN] > 1
    found = scores(package, [*texts(1900, _WORDS, 60), *[""] * 100])
    assert found[_LENGTH] > 1
    assert found[_UNKNOWN] < 0.1


def test_a_rare_word_stays_out_of_the_package(package: Path) -> None:
    assert "annabel" not in (package / conventions.REFERENCE_FILE).read_text()
