"""A command whose libraries are not installed names the extra that brings them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.cli import main
from aimass_compiler.cli.missing_extra import how_to_install

if TYPE_CHECKING:
    from pathlib import Path

#: As with the core alone: importing one of these fails.
_WITHOUT = "import sys; sys.modules |= dict.fromkeys(('polars', 'numpy', 'onnx'))\n"
_RUN = f"{_WITHOUT}from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("words", [["profile", "churn"], ["contract", "mine.py:Model"]])
def test_a_library_that_is_missing_is_named_with_its_extra(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "mine.py").write_text("import polars\n", encoding="utf-8")
    for split in ("train", "validation", "test"):
        rows = tmp_path / "artifacts" / "churn" / "prepare" / f"{split}.parquet"
        rows.parent.mkdir(parents=True, exist_ok=True)
        rows.touch()
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *words, "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stderr
    assert "is not installed\nhelp: `pip install 'aimass-compiler[run]'` brings it\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_no_extra_brings_stays_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert how_to_install(ModuleNotFoundError(name="kubernetes.client")) == (
        "kubernetes is not installed",
        "`pip install 'aimass-compiler[cluster]'` brings it",
    )
    assert how_to_install(ModuleNotFoundError(name="PIL")) is not None
    assert how_to_install(ModuleNotFoundError(name="aimass_compiler.nothing")) is None
    monkeypatch.setattr("aimass_compiler.cli._command", _misspelt)
    with pytest.raises(ModuleNotFoundError):
        main(["check"])


def _misspelt(*_: object) -> int:
    raise ModuleNotFoundError(name="nothing_such")
