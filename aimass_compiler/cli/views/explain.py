"""The pages of `aimass explain`: keys of the language, kinds and parameters, codes and examples."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from aimass_compiler.catalog import FAMILIES, load, names
from aimass_compiler.catalog.descriptions import descriptions
from aimass_compiler.cli.views.cells import safe, wrapped
from aimass_compiler.diagnostics import Example, Explanation
from aimass_compiler.language.keys import NAME, keys_below
from aimass_compiler.pipeline.columns import COLUMN_TYPES

if TYPE_CHECKING:
    from pydantic import BaseModel

    from aimass_compiler.catalog import Kind
    from aimass_compiler.language.keys import Key

#: The number of the first code of each family, and what its codes are about.
_FAMILIES = {
    1: "The text",
    30: "Writing below generated/",
    60: "Proposing a spec from data",
    100: "Keys and values",
    200: "What the spec means",
    300: "What environments, clusters and people can bear",
    400: "What a target can express",
}
_OF = {
    "file": ("This text fails:", "This one passes:"),
    "change": ("This fails:", "This passes:"),
    "language": ("This of a language model fails:", "This passes:"),
    "settings": ("This in aimass.yaml fails:", "This passes:"),
    "situation": ("This fails:", "This passes:"),
}
_BESIDE = "With this aimass.yaml:"
#: What people call files that have no name of their own.
_FILES = {"spec": "a spec", "team": "a team's file"}

Explanations = Mapping[str, Explanation]
Examples = Mapping[str, Sequence[Example]]
_INDENT = " " * 6
_OPTIONAL = "optional"


def key_drawn(key: Key, width: int) -> str:
    """The whole page of a key."""
    file = _FILES.get(key.file, key.file)
    lines = [f"{key.path}, in {file}" if key.path else file, "", *_wrapped(key.meaning, width)]
    if key.has_names:
        (key,) = keys_below(key)
        lines += ["", f"{NAME} stands for names of your own."]
    below = keys_below(key)
    taken = [line for each in below for line in _entry(each, width)] or [_taken(key)]
    lines += ["", *taken] if taken != [_OPTIONAL] else []
    return "\n".join(lines) + "\n"


def _entry(key: Key, width: int) -> Iterator[str]:
    only = f", of {' and '.join(key.only)}" if key.only else ""
    yield f"  {key.path.rpartition('.')[2]} ({_taken(key)}{only})"
    yield from _wrapped(key.meaning, width, _INDENT)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _taken(key: Key) -> str:
    """What may be written, and what holds where nothing is."""
    parts = ["required"] if key.is_required else []
    if key.has_names:
        (named,) = keys_below(key)
        names_taken = f"names with {_taken(named)}" if keys_below(named) else "names of your own"
        parts += [", or ".join([names_taken, *map(str, key.instead)])]
    elif key.records:
        parts += [f"keys {', '.join(each.path.rpartition('.')[2] for each in keys_below(key))}"]
    elif key.family:
        parts += [f"see `aimass explain {key.family}`"]
    else:
        parts += [f"one of {', '.join(map(str, key.words))}"] if key.words else []
        if key.default is not None:
            parts += [f"default {json.dumps(key.default, default=str, ensure_ascii=False)}"]
    return "; ".join(parts) or _OPTIONAL


def kinds_listed(width: int) -> str:
    """Every family with its kinds, a line each."""
    return "\n".join(line for family in FAMILIES for line in (*_family(family, width), ""))


def family_drawn(family: str, width: int) -> str:
    """One family with its kinds."""
    return "\n".join(_family(family, width)) + "\n"


def kind_drawn(family: str, name: str, width: int) -> str:
    """What a kind does, its parameters and how it is written in short."""
    kind = load(family, name)
    lines = [f"{FAMILIES[family]} {name}", "", *_paragraphs(kind, width)]
    if kind.short_form:
        long = f"{{{_spelling(kind, kind.short_form)}: VALUE}}"
        lines += [f"In short, `{name}: VALUE` means `{name}: {long}`.", ""]
    lines += [line for parameter in kind.model_fields for line in _parameter(kind, parameter, width)]
    return "\n".join(lines) + "\n"


def column_drawn(name: str, width: int) -> str:
    """What a column of a type holds, and its keys."""
    kind: type[BaseModel] = COLUMN_TYPES[name]
    lines = [f"column type {name}", "", *_paragraphs(kind, width)]
    known = descriptions(kind)
    for key in kind.model_fields:
        if key != "type":
            lines.append(f"  {key}")
            lines += textwrap.wrap(
                known.get(key, ""), width, initial_indent=_INDENT, subsequent_indent=_INDENT
            )
    return "\n".join(lines) + "\n"


def _paragraphs(kind: type[BaseModel], width: int) -> Iterator[str]:
    """All that is said of a kind, each paragraph with a line below it."""
    for paragraph in inspect.cleandoc(kind.__doc__ or "").split("\n\n"):
        yield from textwrap.wrap(" ".join(paragraph.split()), width)
        yield ""


def _family(family: str, width: int) -> Iterator[str]:
    kinds = {name: _summary(load(family, name)) for name in names(family)}
    column = max(map(len, kinds))
    yield f"{family}:"
    for name, summary in kinds.items():
        room = max(20, width - column - 4)
        yield f"  {name:<{column}}  {textwrap.shorten(summary, room, placeholder=' …')}"


def _summary(kind: type[Kind]) -> str:
    return (kind.__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " ")


def _spelling(kind: type[Kind], parameter: str) -> str:
    return kind.model_fields[parameter].alias or parameter


def _parameter(kind: type[Kind], parameter: str, width: int) -> Iterator[str]:
    yield f"  {_spelling(kind, parameter)} ({_need(kind, parameter)})"
    yield from textwrap.wrap(
        descriptions(kind).get(parameter, ""), width, initial_indent=_INDENT, subsequent_indent=_INDENT
    )


def _need(kind: type[Kind], parameter: str) -> str:
    """Whether it must be written, and what it is where it is not, as a spec would have it."""
    field = kind.model_fields[parameter]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "optional" if default is None else f"default {json.dumps(default, default=str)}"


def code_drawn(explanation: Explanation, examples: Sequence[Example], width: int) -> str:
    """One code for a terminal."""
    parts = [f"{explanation.code}: {explanation.title}", "\n".join(wrapped(explanation.text, width))]
    for example in examples:
        if example.settings:
            parts += [_BESIDE, _indented(example.settings, width, is_prose=False)]
        for intro, text in zip(_OF[example.of], (example.fails, example.passes), strict=True):
            parts += [intro, _indented(text, width, is_prose=example.of == "situation")]
    return "\n\n".join(parts) + "\n"


def _indented(text: str, width: int, *, is_prose: bool) -> str:
    lines = wrapped(text, width - 2) if is_prose else [safe(line) for line in text.strip("\n").split("\n")]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def codes_listed(explanations: Explanations) -> str:
    """Every code with its title, a line each."""
    return "\n".join(f"  {code}  {explanation.title}" for code, explanation in explanations.items())


def codes_page(explanations: Explanations, examples: Examples, base: str, language: str) -> str:
    """All codes in Markdown, a chapter for each family."""
    lines = [
        "# What findings mean",
        "",
        "Made by `aimass explain --all --format markdown` from what the compiler itself says;",
        "the tests run every example. Most examples change this spec, which has no problem:",
        "",
        "```yaml",
        base.rstrip(),
        "```",
        "",
        "Those of language models change this one:",
        "",
        "```yaml",
        language.rstrip(),
        "```",
    ]
    for first, codes in _families(explanations):
        lines += ["", f"## {_FAMILIES[first]}", "", "| code | |", "|---|---|"]
        lines += [f"| [{code}](#{code.lower()}) | {explanations[code].title} |" for code in codes]
        for code in codes:
            lines += ["", *_section(explanations[code], examples.get(code, ()))]
    return "\n".join(lines) + "\n"


def _families(explanations: Explanations) -> Iterator[tuple[int, list[str]]]:
    for first, following in pairwise([*_FAMILIES, 1000]):
        if codes := [code for code in explanations if first <= int(code.removeprefix("AM")) < following]:
            yield first, codes


def _section(explanation: Explanation, examples: Sequence[Example]) -> Iterator[str]:
    yield f"### {explanation.code}"
    yield ""
    yield f"**{explanation.title[:1].upper()}{explanation.title[1:]}.** {explanation.text}"
    for example in examples:
        yield from example_markdown(example)


def example_markdown(example: Example) -> Iterator[str]:
    """The lines of an example in Markdown, an empty one first."""
    fails, passes = _OF[example.of]
    if example.of == "situation":
        yield from ("", f"{fails} {example.fails}", "", f"{passes} {example.passes}")
        return
    if example.settings:
        yield from ("", _BESIDE, "", "```yaml", example.settings.strip("\n"), "```")
    yield from ("", fails, "", "```yaml", example.fails.strip("\n"), "```")
    yield from ("", passes, "", "```yaml", example.passes.strip("\n"), "```")
