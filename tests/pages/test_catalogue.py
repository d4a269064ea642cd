"""The catalogue has every model that git has, with what runs where, and replaces no folder but its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from pages.catalogues import project_of
from pages.results import EVIL
from pages.test_report import Seen

if TYPE_CHECKING:
    import pytest


def made(root: Path, *options: str) -> Path:
    assert main(["site", "--root", str(root), *options]) == 0
    return root / "build/site"


def test_it_lists_every_model_with_what_runs_where(tmp_path: Path) -> None:
    root = project_of(tmp_path, "churn", "fraud")
    (root / "specs/new.yaml").write_text("", encoding="utf-8")
    seen = Seen((made(root) / "index.html").read_text(encoding="utf-8"))
    rows = [" ".join(row.split()) for row in seen.text.split("\n\n") if "v2" in row]
    assert "3 models, 2 owners, 4 versions" in seen.text
    assert "v2 (roc_auc 0.9)" in rows[0]
    links = [given["href"] for tag, given in seen.elements if tag == "a"]
    assert {"models/churn.html", "models/fraud.html", "models/new.html"} <= {*links}


def test_every_link_leads_to_a_page(tmp_path: Path) -> None:
    root = project_of(tmp_path, "churn")
    report = root / "artifacts/churn/report.html"
    report.parent.mkdir(parents=True)
    report.write_text("the report", encoding="utf-8")
    folder = made(root)
    pages = [path for path in folder.rglob("*.html") if path.read_text(encoding="utf-8") != "the report"]
    leads = [
        (path.parent / href).resolve()
        for path in pages
        for tag, given in Seen(path.read_text(encoding="utf-8")).elements
        if tag == "a" and (href := given.get("href")) and not href.startswith("#")
    ]
    assert folder.joinpath("reports/churn.html").resolve() in leads
    assert [path for path in leads if not path.is_file()] == []


def test_what_a_spec_says_is_text(tmp_path: Path) -> None:
    root = project_of(tmp_path, "churn", owner=EVIL, description=EVIL)
    for name in ("index.html", "models/churn.html"):
        seen = Seen((made(root) / name).read_text(encoding="utf-8"))
        assert "img" not in {tag for tag, _ in seen.elements}
        assert EVIL in seen.text


def test_it_is_made_again_in_its_place_and_in_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project_of(tmp_path, "churn")
    folder = made(root)
    (folder / "models/gone.html").write_text("", encoding="utf-8")
    made(root)
    assert not (folder / "models/gone.html").exists()
    assert main(["site", "--root", str(root), "--into", str(root / "specs")]) == ExitCode.USAGE
    assert "holds other files" in capsys.readouterr().err
    assert (root / "specs/churn.yaml").exists()
