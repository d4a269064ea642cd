"""What codes mean, with their examples: one for a terminal, or all of them as a page of documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from aimass_compiler.cli.views.cells import safe, wrapped
from aimass_compiler.explanations import Example, Explanation

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
    "settings": ("This in aimass.yaml fails:", "This passes:"),
    "situation": ("This fails:", "This passes:"),
}
_BESIDE = "With this aimass.yaml:"

Explanations = Mapping[str, Explanation]
Examples = Mapping[str, Sequence[Example]]


def drawn(explanation: Explanation, examples: Sequence[Example], width: int) -> str:
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


def listed(explanations: Explanations) -> str:
    """Every code with its title, a line each."""
    return "\n".join(f"  {code}  {explanation.title}" for code, explanation in explanations.items())


def page(explanations: Explanations, examples: Examples, base: str) -> str:
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
        yield from in_markdown(example)


def in_markdown(example: Example) -> Iterator[str]:
    """The lines of an example in Markdown, an empty one first."""
    fails, passes = _OF[example.of]
    if example.of == "situation":
        yield from ("", f"{fails} {example.fails}", "", f"{passes} {example.passes}")
        return
    if example.settings:
        yield from ("", _BESIDE, "", "```yaml", example.settings.strip("\n"), "```")
    yield from ("", fails, "", "```yaml", example.fails.strip("\n"), "```")
    yield from ("", passes, "", "```yaml", example.passes.strip("\n"), "```")
