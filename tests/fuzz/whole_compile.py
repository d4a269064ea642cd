"""The whole compiler in memory on one text, with what must hold of everything that it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial

from aimass_compiler import render
from aimass_compiler.cli.views import findings_text, github, sarif
from aimass_compiler.cli.views.findings import as_json
from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.language.codes import explanations
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.plan.names import refusals
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import parse
from tests.spec_reader.inside import is_inside

SHOWN = "specs/churn.yaml"


#: Every way to show findings to somebody.
FORMS: tuple[Callable[[list[Finding], dict[str, Document]], str], ...] = (
    findings_text.drawn,
    partial(findings_text.drawn, is_coloured=True, width=40),
    as_json,
    github.drawn,
    sarif.drawn,
)


@cache
def known_codes() -> frozenset[str]:
    return frozenset(explanations())


def compiled(
    content: bytes | str, *, renders: bool = True, draws: bool = True
) -> tuple[dict[str, bytes], list[Finding]]:
    """The files of a spec and its findings; AssertionError when something is wrong.

    Rendering a sound spec and drawing the findings of another is most of the work: who has little time
    does so with some of them.
    """
    one = compile_spec(parse(content, SHOWN), Settings(), upto=Upto.CHECK)
    document, pipeline, findings = one.document, one.pipeline, [*one.findings]
    assert document is not None
    hold(document, findings, draws=draws)
    if pipeline is None:
        assert has_errors(findings), "a spec without a pipeline says why"
    if pipeline is None or has_errors(findings) or not renders:
        return {}, findings
    files = dict(render.render_all({pipeline.name: pipeline}))
    assert files
    assert refusals(files, "generated") == []
    return files, findings


def decoded_settings(content: bytes | str) -> list[Finding]:
    """What is wrong with settings, drawn in every form."""
    document, findings = parse(content, "aimass.yaml", may_be_empty=True)
    if not has_errors(findings):
        findings = [*findings, *decode(Settings, document.data, "aimass.yaml")[1]]
    hold(document, findings)
    return findings


def hold(document: Document, findings: list[Finding], *, draws: bool = True) -> None:
    """Every finding is known, says something, lies in the text, and can be drawn."""
    for finding in findings:
        assert finding.code in known_codes()
        assert finding.message
        assert is_inside(document.place_of_finding(finding), document)
        for note in finding.related:
            assert is_inside(document.place_of_finding(note), document)
    if draws and findings:
        _draw(document, findings)


def _draw(document: Document, findings: list[Finding]) -> None:
    documents = {document.file: document}
    form = FORMS[len(document.text) % len(FORMS)]  # one of them, by what is not chance
    told = form(findings, documents)
    told.encode()
    assert "\0" not in told
    if form is as_json:
        json.loads(told)
    if form is github.drawn:
        assert all(line.startswith("::") for line in told.split("\n")[:-1])
