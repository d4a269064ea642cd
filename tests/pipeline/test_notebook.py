"""The notebook of docs/ is executed, cell after cell, by a kernel of this environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs/notebooks/first-model.ipynb"


@pytest.mark.nightly
@pytest.mark.pipeline
def test_the_notebook_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the kernels of whoever runs this out of sight."""
    nbclient = pytest.importorskip("nbclient", reason="no nbclient: `make test` installs it")
    nbformat = pytest.importorskip("nbformat", reason="no nbformat: `make test` installs it")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=900, resources=folder).execute()
    said = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "AM201: there is no column `tarrget` - did you mean `target`?" in said
    assert "<td>roc_auc</td>" in said
    assert "malignant" in said
    assert "input_mean_radius" in said


def test_the_notebook_has_the_outputs_that_the_site_shows() -> None:
    cells: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    shown = [cell for cell in cells if cell["cell_type"] == "code" and cell["outputs"]]
    assert len(shown) > 5
    assert [each for cell in shown for each in cell["outputs"] if each["output_type"] == "error"] == []
