"""A mapping from its keys and values: every key is text, once, and `<<` merges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Related, Remove, Rewrite
from aimass_compiler.spec.yaml.document import Document, MappingNode, Node, ScalarNode, SequenceNode, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

EXPLANATIONS = (
    Explanation(
        "AM007",
        "a key is written twice",
        "YAML allows a key once per mapping. Most parsers keep the last and forget the first, so that "
        "what one line says is silently not true. Remove one, or rename it.",
    ),
    Explanation(
        "AM008",
        "a key is not text",
        "Keys are names. A number, flag, null, list or mapping as a key is mostly an accident, such as a "
        "missing space or `{{ name }}` without quotes. Quote a key that is meant.",
    ),
    Explanation(
        "AM012",
        "a merge key holds no mapping",
        "`<<: *defaults` takes over the keys of the mapping marked `&defaults` that are not written here; "
        "it needs a mapping, or a list of them.",
    ),
)
_MERGE = "<<"

Pair = tuple[Node, Node]


def mapping_node(
    document: Document, where: Callable[[], Path], pairs: Sequence[Pair], span: tuple[int, int]
) -> tuple[MappingNode, list[Finding]]:
    """The mapping at the path that `where` answers; of keys written twice, the first counts."""
    entries: dict[str, tuple[ScalarNode, Node]] = {}
    findings: list[Finding] = []
    merged: list[MappingNode] = []
    for key, value in pairs:
        name = key.value if isinstance(key, ScalarNode) else None
        if not isinstance(name, str) or name == _MERGE:
            written = document.text[key.start : key.end]
            if written == _MERGE:
                merged += _mappings(value)
                findings += _unmergeable(document, (*where(), _MERGE), value)
                continue
            findings += _no_text(document, where(), key, written)
            name = name if isinstance(name, str) else written
        if not isinstance(key, ScalarNode):
            continue
        if name in entries:
            is_same = value_of(value) == value_of(entries[name][1])
            findings.append(_twice(document, (*where(), name), key, entries[name][0], is_same=is_same))
        else:
            entries[name] = (key, value)
    for source in merged:
        for name, entry in source.entries.items():
            entries.setdefault(name, entry)
    return MappingNode(*span, entries), findings


def _mappings(value: Node) -> Iterator[MappingNode]:
    candidates = value.items if isinstance(value, SequenceNode) else (value,)
    return (node for node in candidates if isinstance(node, MappingNode))


def _unmergeable(document: Document, path: Path, value: Node) -> Iterable[Finding]:
    candidates = value.items if isinstance(value, SequenceNode) else (value,)
    for node in candidates:
        if not isinstance(node, MappingNode):
            message = "only mappings can be merged with `<<`"
            hint = "write `<<: *name`, where `&name` marks a mapping"
            place = document.place_between(node.start, node.end)
            yield Finding("AM012", path, message, help=hint, file=document.file, place=place)


def _no_text(document: Document, path: Path, key: Node, written: str) -> Iterable[Finding]:
    if isinstance(key, ScalarNode) and isinstance(key.value, str):
        return
    place = document.place_between(key.start, key.end)
    if isinstance(key, ScalarNode):
        message = (
            f"the key `{written}` is {_described(key)}, not text"
            if written
            else "there is no key before this `:`"
        )
        hint = f'quote it: `"{written}"`' if written else "write a name before the `:`"
    else:
        message = f"a {'mapping' if isinstance(key, MappingNode) else 'list'} cannot be a key"
        hint = "quote text that contains brackets"
    fix = Fix("put it in quotes", (Rewrite(place, f'"{written}"'),)) if _is_word(key, written) else None
    yield Finding("AM008", path, message, help=hint, file=document.file, place=place, fix=fix)


def _is_word(key: Node, written: str) -> bool:
    """Whether a key is what quotes make text of: a number, a flag or null without anchor or tag."""
    return isinstance(key, ScalarNode) and written.isprintable() and written[:1] not in {"", "&", "!"}


def _described(key: ScalarNode) -> str:
    if key.value is None:
        return "null"
    return "a flag" if isinstance(key.value, bool) else "a number"


def _twice(document: Document, path: Path, key: ScalarNode, first: ScalarNode, *, is_same: bool) -> Finding:
    known = document.place_between(first.start, first.end)
    return Finding(
        "AM007",
        path,
        f"the key `{path[-1]}` is written twice",
        help="remove one of them",
        related=(Related(path, "it was first written here", at_key=True, place=known),),
        file=document.file,
        place=document.place_between(key.start, key.end),
        fix=Fix("remove the first, which says the same", (Remove(path),)) if is_same else None,
    )
