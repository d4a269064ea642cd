"""Strange specs are fixed, formatted and drawn, or told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.mutating import Mutator, bytes_mutated, seeds
from tests.fuzz.rewriting import rewritten

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_strange_spec_is_rewritten_or_told(path: Path, tmp_path: Path) -> None:
    rewritten(path.read_bytes(), tmp_path)


def test_specs_that_were_changed_by_chance_are_rewritten_or_told(tmp_path: Path) -> None:
    texts = seeds()
    mutator, chance = Mutator(texts), random.Random(0)  # noqa: S311  # chance, not secrecy
    for number in range(60):
        content = chance.choice(texts).encode()
        content = mutator.mutated(content, chance) if number % 3 else content
        rewritten(bytes_mutated(content, chance) if number % 2 else content, tmp_path)
