"""Explain a model, a key of the language, a kind such as `bucket`, or the code of a finding.

For a model: its spec with every default written out, each value with the line that it comes from.
For a key, by its path: what it means, and the keys below it; `spec`, `aimass.yaml` and `team` are where
they begin. For a kind: what it does and its parameters. For a code such as AM204: what it means, why it is
a problem and the way out. For `targets`: which of them can do what. Without a topic it lists the kinds and
codes that there are.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, project_of, spec_of, specs_of
from aimass_compiler.cli.views import findings
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import called

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXAMPLES = """
  aimass explain churn               the spec with every default and its origin
  aimass explain spec                the keys of a spec
  aimass explain serving.replicas    one of them, and what stands below it
  aimass explain aimass.yaml         the settings of an organisation
  aimass explain team.quota          a key of teams/TEAM.yaml
  aimass explain bucket              a transform and its parameters
  aimass explain transforms          all transforms
  aimass explain targets             what each serving target can do
  aimass explain AM204               the meaning of a code, with examples
  aimass explain --all --format markdown
                                     docs/codes.md: every code
  aimass explain targets --format markdown
                                     docs/targets.md
"""

_TARGETS = "targets"
_CODE = re.compile(r"AM[0-9]+", re.IGNORECASE)


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        help="a model's name, a spec's path, a key by its path, a kind or family of kinds, or a code",
    )
    parser.add_argument("--all", action="store_true", help="explain every code")
    parser.add_argument(
        "--format",
        choices=("people", "markdown"),
        default="people",
        help="how all codes, and targets, are shown",
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation; answers an ExitCode."""
    topic = arguments.topic
    if arguments.all:
        return _explain_all(arguments.format)
    if topic is None:
        return _list()
    return _explain_code(topic.upper()) if _CODE.fullmatch(topic) else _explain_name(arguments)


def _explain_name(arguments: argparse.Namespace) -> int:
    """A model goes before all else of that name; a key and a kind that share one are both explained."""
    topic = arguments.topic
    project = project_of(arguments)
    if called(topic, project.models()):
        return _explain_model(arguments)
    if topic == _TARGETS:
        return _explain_targets(arguments.format)
    if pages := [*_keys(topic), *_kinds(topic)]:
        print("\n".join(pages), end="")
        return ExitCode.DONE
    if "/" in topic or topic.endswith((".yaml", ".yml")):
        return _explain_model(arguments)
    raise _unknown(topic, project)


def _list() -> int:
    from aimass_compiler.cli.views.explain import codes_listed, kinds_listed
    from aimass_compiler.language.codes import explanations

    print(
        "keys:\n  `aimass explain spec`, `aimass explain aimass.yaml` and `aimass explain team` list them\n"
    )
    print(kinds_listed(terminal.width()))
    print(f"codes:\n{codes_listed(explanations())}")
    return ExitCode.DONE


def _keys(topic: str) -> list[str]:
    """The pages of the keys that a path leads to: more than one where specs and settings have it."""
    from aimass_compiler.cli.views.explain import key_drawn
    from aimass_compiler.language.keys import keys_at

    return [key_drawn(key, terminal.width()) for key in keys_at(topic)]


def _kinds(topic: str) -> list[str]:
    """The page of the family of this name, or of each kind and type of column that has it."""
    from aimass_compiler.catalog import FAMILIES, names
    from aimass_compiler.cli.views.explain import column_drawn, family_drawn, kind_drawn
    from aimass_compiler.pipeline.columns import COLUMN_TYPES

    if topic in FAMILIES:
        return [family_drawn(topic, terminal.width())]
    families = [family for family in FAMILIES if topic in names(family)]
    pages = [kind_drawn(family, topic, terminal.width()) for family in families]
    return [*pages, column_drawn(topic, terminal.width())] if topic in COLUMN_TYPES else pages


def _unknown(topic: str, project: Project) -> UnknownName:
    from aimass_compiler.catalog import FAMILIES, names
    from aimass_compiler.language.keys import paths
    from aimass_compiler.pipeline.columns import COLUMN_TYPES

    models = [project.model_of(path) for path in specs_of(project, [])]  # reports where there is none
    keys = list(paths())
    kinds = (name for family in FAMILIES for name in names(family))
    known = {*models, *keys, *FAMILIES, *COLUMN_TYPES, *kinds}
    deeper = next((f"did you mean `{key}`?" for key in keys if key.endswith(f".{topic}")), "")
    return UnknownName(
        f"there is no model, key, kind or code `{topic}`",
        deeper or did_you_mean(topic, known) or "`aimass explain` lists what there is",
    )


def _explain_code(code: str) -> int:
    from aimass_compiler.cli.views.explain import code_drawn
    from aimass_compiler.language.codes import examples, explanations

    known = explanations()
    if code not in known:
        terminal.error(f"there is no code {code}", did_you_mean(code, known))
        return ExitCode.USAGE
    print(code_drawn(known[code], examples().get(code, ()), terminal.width()), end="")
    return ExitCode.DONE


def _explain_all(form: str) -> int:
    from aimass_compiler.checks import BASE, LANGUAGE
    from aimass_compiler.cli.views.explain import code_drawn, codes_page
    from aimass_compiler.language.codes import examples, explanations

    shown, width = examples(), terminal.width()
    if form == "markdown":
        sys.stdout.write(codes_page(explanations(), shown, BASE, LANGUAGE))
        return ExitCode.DONE
    pages = [code_drawn(found, shown.get(code, ()), width) for code, found in explanations().items()]
    sys.stdout.write("\n".join(pages))
    return ExitCode.DONE


def _explain_targets(form: str) -> int:
    from aimass_compiler.cli.views.targets import targets_drawn, targets_page
    from aimass_compiler.render.abilities import ABILITIES
    from aimass_compiler.render.targets import PLATFORMS

    is_page = form == "markdown"
    drawn = targets_page(ABILITIES, PLATFORMS) if is_page else targets_drawn(ABILITIES, PLATFORMS)
    sys.stdout.write(drawn)
    return ExitCode.DONE


def _explain_model(arguments: argparse.Namespace) -> int:
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.language.resolved_spec import resolved

    project = project_of(arguments)
    specs = [spec_of(project, arguments.topic)]
    compiled = compile_specs(project, specs, upto=Upto.CHECK)
    findings.show(compiled.findings, compiled.documents, "people")
    for pipeline in compiled.pipelines.values():
        sys.stdout.write(resolved(pipeline, compiled.documents[project.shown(specs[0])]))
    return ExitCode.FAILED if has_errors(compiled.findings) else ExitCode.DONE
