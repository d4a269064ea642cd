"""The pages of the reference: every key, kind, command, metric and exit code, as the program knows them."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterable, Iterator, Sequence

from aimass_compiler import conventions, drift_methods
from aimass_compiler.catalog import FAMILIES, Kind, load, names
from aimass_compiler.catalog.descriptions import descriptions
from aimass_compiler.cli.commands import commands
from aimass_compiler.cli.overview import parser_of
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.language.keys import NAME, ROOTS, Key, keys_at, keys_below

FOLDER = "reference"
_TITLES = {
    "spec": ("A spec", "specs/MODEL.yaml"),
    conventions.SETTINGS_FILE: ("Settings", conventions.SETTINGS_FILE),
    "team": ("A team", "teams/TEAM.yaml"),
    "policy": ("A policy", "policies/POLICY.yaml"),
}
#: As wide as help is on a page.
_COLUMNS = "96"


def pages() -> dict[str, str]:
    """Each page by its path below docs/."""
    found = {f"{root.removesuffix('.yaml')}.md": _keys_page(root) for root in ROOTS}
    found |= {f"{family}.md": _family_page(family) for family in FAMILIES}
    found |= {"commands.md": _commands_page(), "series.md": _series_page()}
    return {f"{FOLDER}/{name}": "\n".join([*lines, ""]) for name, lines in found.items()}


def _keys_page(root: str) -> list[str]:
    title, file = _TITLES[root]
    (top,) = keys_at(root)
    lines = [f"# {title}: keys", "", f"Every key of `{file}`, with what it means.", ""]
    for section in keys_below(top):
        lines += [f"## {section.path}", "", section.meaning, ""]
        lines += _described(section)
    return lines


def _described(section: Key) -> Iterator[str]:
    rows = map(_row, [section, *_below(section)])
    yield from _table(("key", "what may be written", "what it means"), rows)


def _below(key: Key) -> Iterator[Key]:
    """All keys below one, from the top down, each with its whole path."""
    for each in keys_below(key):
        yield each
        yield from _below(each)


def _row(key: Key) -> tuple[str, str, str]:
    return f"`{key.path}`", _taken(key), key.meaning


def _taken(key: Key) -> str:
    """What may be written, and what holds where nothing is."""
    parts = ["required"] if key.is_required else []
    if key.family:
        parts.append(f"one of the [{key.family}]({key.family}.md)")
    elif key.words:
        parts.append(" or ".join(f"`{word}`" for word in key.words))
    elif key.has_names:
        parts.append(f"{NAME}: names of your own")
    if key.default is not None and not key.records:
        parts.append(f"default `{json.dumps(key.default, default=str, ensure_ascii=False)}`")
    if key.only:
        parts.append(f"of {' and '.join(key.only)}")
    return "; ".join(parts)


def _family_page(family: str) -> list[str]:
    title = family.replace("_", " ").capitalize()
    lines = [f"# {title}", "", f"Each {FAMILIES[family]} that a spec can name.", ""]
    for name in names(family):
        lines += [f"## {name}", "", inspect.cleandoc(load(family, name).__doc__ or ""), ""]
        lines += _parameters(load(family, name))
    return lines


def _parameters(kind: type[Kind]) -> Iterator[str]:
    meanings = descriptions(kind)
    rows = [
        (f"`{field.alias or name}`", _default(kind, name), meanings.get(name, ""))
        for name, field in kind.model_fields.items()
    ]
    if rows:
        yield from _table(("parameter", "default", "what it means"), rows)


def _default(kind: type[Kind], name: str) -> str:
    field = kind.model_fields[name]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "" if value is None else f"`{json.dumps(value, default=str, ensure_ascii=False)}`"


def _commands_page() -> list[str]:
    os.environ["COLUMNS"] = _COLUMNS  # argparse asks for nothing else
    lines = ["# Commands", "", "What each command says with `--help`.", ""]
    for command in commands():
        shown = parser_of(command, f"aimass {command.name}").format_help().rstrip()
        lines += [f"## aimass {command.name}", "", "```text", shown, "```", ""]
    codes = [(f"`{int(code)}`", code.meaning) for code in ExitCode]
    return [*lines, "## Exit codes", "", *_table(("code", "meaning"), codes)]


def _series_page() -> list[str]:
    """The names of all series, which alerts and dashboards read."""
    found = {
        name: value
        for name, value in vars(conventions).items()
        if name.startswith("METRIC_") and isinstance(value, str)
    }
    named = {value: _words(name) for name, value in found.items()}
    named |= {method.series: f"drift, by the {method.shown}" for method in drift_methods.methods()}
    rows = [(f"`{series}`", words) for series, words in sorted(named.items())]
    prefixes = " or ".join(f"`{prefix}`" for prefix in conventions.ENGINE_PREFIXES.values())
    text = f"The series that servers export; those of language models begin with {prefixes}, by their engine."
    return ["# Series", "", text, "", *_table(("series", "what it is of"), rows)]


def _words(name: str) -> str:
    return name.removeprefix("METRIC_").replace("_", " ").lower()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(head)
    yield _line(["---"] * len(head))
    yield from (_line([_cell(cell) for cell in row]) for row in rows)
    yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
