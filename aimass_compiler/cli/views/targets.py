"""Which target can do what, as the targets say it: `aimass explain targets` and docs/targets.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aimass_compiler.catalog.language_engine import ENGINES, LanguageEngine
from aimass_compiler.diagnostics import Severity
from aimass_compiler.render.platform import Ability, Answer, Has, Lacks, Platform

_AREAS = {
    "serving": "What serves a model",
    "training": "What trains it",
    "pipeline": "What runs its stages",
}
_HEAD = """\
# Targets

Made by `aimass explain targets --format markdown` from what the targets declare. The findings come from the
same declarations: what a table calls missing is reported where a spec asks for it. `✓` is what a target has,
with what does it; `–` is what it lacks, with the code of the finding. An empty cell means that models there
have no such key, or no need of it.
"""


def targets_page(abilities: Sequence[Ability], platforms: Sequence[Platform]) -> str:
    """All tables in Markdown, each with what its targets are and what helps where they lack something."""
    lines = [_HEAD]
    for area, title in _AREAS.items():
        rows = [each for each in abilities if each.area == area]
        if columns := [each for each in platforms if each.area == area]:
            lines += [f"## {title}", "", *_table(rows, columns), ""]
            lines += [line for each in columns for line in _section(each, rows)]
    lines += ["## Engines of language models", "", *_engines(), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(abilities: Sequence[Ability], platforms: Sequence[Platform]) -> Iterator[str]:
    yield "| what a spec asks for | " + " | ".join(each.name for each in platforms) + " |"
    yield "|---" * (len(platforms) + 1) + "|"
    for ability in abilities:
        cells = (_cell(platform, platform.answers.get(ability.key)) for platform in platforms)
        yield f"| {ability.words} (`{ability.key}`) | {' | '.join(cells)} |"


def _cell(platform: Platform, answer: Answer | None) -> str:
    if isinstance(answer, Has):
        return f"✓ {answer.by}".rstrip()
    return f"– {_linked(platform, answer)}" if isinstance(answer, Lacks) else ""


def _linked(platform: Platform, answer: Lacks) -> str:
    code = answer.code or platform.code
    return f"[{code}](codes.md#{code.lower()})"


def _section(platform: Platform, abilities: Sequence[Ability]) -> Iterator[str]:
    yield f"### {platform.name}"
    yield ""
    yield f"{platform.title} ({platform.chosen_by})."
    yield ""
    lacking = [(each, platform.answers.get(each.key)) for each in abilities]
    lines = [
        f"- `{ability.key}`: {answer.because}; {answer.instead} ({_severity(answer)})."
        for ability, answer in lacking
        if isinstance(answer, Lacks)
    ]
    yield from [*lines, ""] if lines else ()


def _severity(answer: Lacks) -> str:
    return "a warning" if answer.severity is Severity.WARNING else "an error"


def _engines() -> Iterator[str]:
    yield "| key | " + " | ".join(ENGINES) + " |"
    yield "|---" * (len(ENGINES) + 1) + "|"
    keys = {key: None for each in ENGINES.values() for key in (*each.own_keys, *each.not_kept)}
    for key in keys:
        cells = (_engine_cell(each, key) for each in ENGINES.values())
        yield f"| `serving.{key}` | {' | '.join(cells)} |"


def _engine_cell(engine: LanguageEngine, key: str) -> str:
    if key in engine.not_kept:
        return "– [AM435](codes.md#am435)"
    is_of_others = any(key in each.own_keys for each in ENGINES.values() if each is not engine)
    return "– [AM433](codes.md#am433)" if is_of_others else "✓"


def targets_drawn(abilities: Sequence[Ability], platforms: Sequence[Platform]) -> str:
    """The same for a terminal: each target with what it has, and what it lacks with the way out."""
    return "\n".join(line for platform in platforms for line in (*_drawn(platform, abilities), ""))


def _drawn(platform: Platform, abilities: Sequence[Ability]) -> Iterator[str]:
    yield f"{platform.area} by {platform.name}: {platform.title}"
    for ability in abilities:
        answer = platform.answers.get(ability.key) if ability.area == platform.area else None
        if isinstance(answer, Has):
            yield f"  has    {ability.key}" + (f": {answer.by}" if answer.by else "")
        if isinstance(answer, Lacks):
            yield f"  lacks  {ability.key} ({answer.code or platform.code}): {answer.instead}"
