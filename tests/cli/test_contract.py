"""`aimass contract`: a model of one's own is trained on examples and held to what every model must do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import main
from tests.models.examples import PROJECT

if TYPE_CHECKING:
    import pytest

BASE = (PROJECT / "models/linear.py").read_text(encoding="utf-8")
BROKEN = """
class Model(Linear):
    def __init__(self):
        super().__init__()

    def fit(self, x, y):
        super().fit(0 * x, y)
        chance = numpy.random.default_rng()
        self.estimator.intercept_ += 1e-3 * chance.normal(size=self.estimator.intercept_.shape)
"""


def contract(root: Path, code: str, *words: str) -> int:
    (root / "specs").mkdir()
    (root / "mine.py").write_text(BASE + code, encoding="utf-8")
    return main(["contract", "mine.py:Model", *words, "--root", str(root)])


def test_a_sound_model_meets_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contract(tmp_path, "Model = Linear", "--task", "regression", "--task", "two-classes") == 0
    said = capsys.readouterr().out
    assert said.count("✓") == 12
    assert "✗" not in said


def test_what_learns_nothing_and_by_chance_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contract(tmp_path, BROKEN, "--task", "three-classes") != 0
    said = capsys.readouterr().out
    assert "✗ it learns: it is right in" in said
    assert "✗ the same seed gives the same model: trained twice with one seed" in said
    assert "– heavier rows count more" in said


def test_a_place_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "specs").mkdir()
    assert main(["contract", "mine:Model", "--root", str(tmp_path)]) != 0
    assert "names no Python file" in capsys.readouterr().err
