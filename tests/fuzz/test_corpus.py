"""What once broke the compiler, or reached code that nothing else reached, is compiled again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import whole_compile
from tests.fuzz.mutating import Mutator, bytes_mutated, seeds

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_strange_spec_is_compiled_or_told(path: Path) -> None:
    whole_compile.compiled(path.read_bytes())
    whole_compile.decoded_settings(path.read_bytes())


def test_specs_that_were_changed_by_chance_are_compiled_or_told() -> None:
    texts = seeds()
    mutator, chance = Mutator(texts), random.Random(0)  # noqa: S311  # chance, not secrecy
    for number in range(150):
        content = mutator.mutated(chance.choice(texts).encode(), chance)
        content = bytes_mutated(content, chance) if number % 3 == 0 else content
        whole_compile.compiled(content, renders=number % 8 == 0)
