"""Explain a model, or the code of a finding.

For a model: its spec with every default written out, each value with the line that it comes from.
For a code such as AM204: what it means, why it is a problem and the way out.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap

from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of, specs_of
from aimass_compiler.cli.exit_codes import ExitCode
from aimass_compiler.cli.views import findings

EXAMPLES = """
  aimass explain churn               the spec with every default and its origin
  aimass explain AM204               the meaning of a code
"""

_CODE = re.compile(r"AM[0-9]{3}", re.IGNORECASE)


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "topic", metavar="MODEL|CODE", help="a model's name, a spec's path, or a code such as AM204"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation; answers an ExitCode."""
    if _CODE.fullmatch(arguments.topic):
        return _explain_code(arguments.topic.upper())
    return _explain_model(arguments)


def _explain_code(code: str) -> int:
    from aimass_compiler.checks import EXAMPLES as EXAMPLES_OF_CHECKS
    from aimass_compiler.codes import explanations

    found = explanations().get(code)
    if found is None:
        terminal.complain(f"there is no code {code}")
        return ExitCode.USAGE
    print(f"{found.code}: {found.title}\n")
    print(textwrap.fill(found.text, terminal.width()))
    for example in (example for example in EXAMPLES_OF_CHECKS if example.code == code):
        print(f"\nThis fails:\n\n{textwrap.indent(example.fails.strip(), '  ')}")
        print(f"\nThis passes:\n\n{textwrap.indent(example.passes.strip(), '  ')}")
    return ExitCode.DONE


def _explain_model(arguments: argparse.Namespace) -> int:
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.resolved import resolved

    project = project_of(arguments)
    try:
        compiled = compile_specs(project, specs_of(project, [arguments.topic]))
    except Unknown as unknown:
        terminal.complain(str(unknown), unknown.help)
        return ExitCode.USAGE
    findings.show(compiled.findings, compiled.documents, "people")
    for pipeline in compiled.pipelines.values():
        document = next(document for document in compiled.documents.values() if document.data.get("kind"))
        sys.stdout.write(resolved(pipeline, document))
    return ExitCode.DONE if compiled.pipelines else ExitCode.FINDINGS
