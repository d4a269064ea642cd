"""Every code that is emitted is explained, and every explained code is emitted."""

from __future__ import annotations

import re
from pathlib import Path

from aimass_compiler.language.codes import explanations

SOURCES = Path(__file__).parents[2] / "aimass_compiler"
CODE = re.compile(r'"(AM[0-9]{3})"')


def test_codes_are_emitted_and_explained() -> None:
    counts: dict[str, int] = {}
    for path in SOURCES.rglob("*.py"):
        for code in CODE.findall(path.read_text(encoding="utf-8")):
            counts[code] = counts.get(code, 0) + 1
    assert set(counts) == set(explanations())
    assert [code for code, count in counts.items() if count < 2] == [], "explained, but emitted nowhere"


def test_an_explanation_is_a_sentence_that_its_title_does_not_say() -> None:
    for explanation in explanations().values():
        assert explanation.text.endswith("."), explanation.code
        assert explanation.title.lower() not in explanation.text.lower(), explanation.code
        assert not explanation.title.endswith("."), explanation.code
