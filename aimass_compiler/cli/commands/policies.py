"""List the organisation's policies, and with a model those that hold for it and whether it keeps them.

For each: its level, the rule with what was chosen of it, where it holds, who may waive it, what of it an API
server sees, and why it is there. Waivers are shown with the day on which they end.
"""

from __future__ import annotations

import argparse
import sys

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of, specs_of
from aimass_compiler.cli.views import findings
from aimass_compiler.exit_codes import ExitCode

EXAMPLES = """
  aimass policies                    all policies of the organisation
  aimass policies churn              those that hold for a model, and whether it keeps them
  aimass explain policies            the kinds of rules that there are
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", nargs="?", default="", metavar="MODEL", help="a model's name, or its spec")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show them; answers an ExitCode."""
    from aimass_compiler.cli.views import policies as views
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors

    project = project_of(arguments)
    specs = specs_of(project, [arguments.model]) if arguments.model else []
    compiled = compile_specs(project, specs, upto=Upto.CHECK)
    policies = compiled.organisation.policies
    if not policies.policies and not compiled.findings:
        terminal.report("there are no policies: `policies/NAME.yaml` is one, as docs/policies.md says")
    if not arguments.model:
        sys.stdout.write(views.all_drawn(policies))
        findings.show(compiled.findings, compiled.documents, "people")
        return ExitCode.FAILED if has_errors(compiled.findings) else ExitCode.DONE
    for pipeline in compiled.pipelines.values():
        sys.stdout.write(views.of_model_drawn(policies, pipeline))
    unread = [] if compiled.pipelines else compiled.findings
    findings.show(unread, compiled.documents, "people")
    return ExitCode.FAILED if unread else ExitCode.DONE
