"""Any text fixed, formatted and drawn: nothing breaks, and what is written says what it should."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.cli.views import findings_text as people
from aimass_compiler.cli.views import github, sarif
from aimass_compiler.cli.views.findings import as_json
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.project import Project
from aimass_compiler.spec.edits.formatter import formatted
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import fixed


def rewritten(content: bytes, root: Path) -> None:
    """Do all that to a spec with this content."""
    spec = root / "specs/churn.yaml"
    spec.parent.mkdir(exist_ok=True)
    spec.write_bytes(content)
    project = Project(root)
    checked = compile_specs(project, [spec], upto=Upto.CHECK)
    for view in (people.drawn, as_json, sarif.drawn, github.drawn):
        view(checked.findings, checked.documents)
    made = fixed(root, [spec])
    assert len(made.left) <= len(checked.findings) or made.made
    for text in (content, *made.after.values()):
        after, problems = formatted(text, "specs/churn.yaml")
        if problems:
            assert after == text
            assert "AM020" not in {finding.code for finding in problems}, text
        else:
            assert parse(after, "a")[0].data == parse(text, "a")[0].data
            assert formatted(after, "specs/churn.yaml") == (after, [])
