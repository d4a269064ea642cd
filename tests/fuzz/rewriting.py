"""Any text fixed, formatted, migrated and drawn: nothing breaks, and what is written says what it should."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.checking import check_specs
from aimass_compiler.cli.views import github, json_document, people, sarif
from aimass_compiler.fixing import fix_specs
from aimass_compiler.formatting import formatted
from aimass_compiler.project import Project
from aimass_compiler.spec.migrations import migrate
from aimass_compiler.spec.model_spec import ModelSpec
from aimass_compiler.spec.reader import parse


def rewritten(content: bytes, root: Path) -> None:
    """Do all that to a spec with this content."""
    spec = root / "specs/churn.yaml"
    spec.parent.mkdir(exist_ok=True)
    spec.write_bytes(content)
    project = Project(root)
    checked = check_specs(project, [spec], {})
    for view in (people, json_document, sarif, github):
        view.drawn(checked.findings, checked.documents)
    fixed = fix_specs(project, [spec])
    assert len(fixed.checked.findings) <= len(checked.findings) or fixed.made
    for text in (content, *fixed.after.values()):
        after, problems = formatted(text, "specs/churn.yaml", ModelSpec)
        if problems:
            assert after == text
            assert "AM020" not in {finding.code for finding in problems}, text
        else:
            assert parse(after, "a")[0].data == parse(text, "a")[0].data
            assert formatted(after, "specs/churn.yaml", ModelSpec) == (after, [])
    migrate(content, "specs/churn.yaml")
