"""Nodes from the YAML parser's events: no recursion, bounded, with YAML 1.2's scalars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Rewrite, Severity
from aimass_compiler.spec.report import MOST
from aimass_compiler.spec.yaml.document import Document, Node, ScalarNode, SequenceNode
from aimass_compiler.spec.yaml.mappings import mapping_node
from aimass_compiler.spec.yaml.scalars import Scalar, UnholdableNumberError, portable, read
from aimass_compiler.spec.yaml.syntax_errors import syntax_finding, too_deep

EXPLANATIONS = (
    Explanation(
        "AM009",
        "an alias leads nowhere",
        "`*name` repeats what `&name` marked earlier in the same file. An anchor that comes later, or "
        "that holds the alias itself, cannot be repeated. Text that starts with `*` needs quotes.",
    ),
    Explanation(
        "AM010",
        "the file holds too many values",
        "Aliases of aliases can make a small file mean billions of values. More than 100,000 are refused.",
    ),
    Explanation(
        "AM013",
        "there are no custom tags",
        "A spec is plain data: strings, numbers, flags, null, lists and mappings. A tag such as `!secret` "
        "would need a program that knows it. Of the standard tags, those that agree with the value are "
        "accepted; `!!str 5` is the text `5`.",
    ),
    Explanation(
        "AM014",
        "the file holds several documents",
        "One file describes one model. Put what follows the second `---` in a separate file.",
    ),
    Explanation(
        "AM017",
        "a number cannot be held",
        "The number is longer than 300 digits or greater than a float64 can be (about 1.8e308), and "
        "would silently become something else. Quote it if it is text.",
    ),
    Explanation(
        "AM018",
        "other YAML tools read this value differently",
        "Many tools, PyYAML among them, still read YAML 1.1. Unquoted, `no` and `off` are false there, "
        "`yes` and `on` are true, as keys, too; `12:30` is 750 and `1_000` is 1000; `2024-01-01` is a date; "
        "`010` is eight, and `1e-3` is text, because there a number with an exponent has a point and a "
        "sign. Here they are text, text, text, the number ten, and 0.001. Quotes, or `1.0e-3`, make every "
        "tool read the same.",
    ),
)

MOST_VALUES = 100_000
DEEPEST = 60
_TAGS: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
}
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_MAPPING_TAGS = (None, "!", "tag:yaml.org,2002:map")
_SEQUENCE_TAGS = (None, "!", "tag:yaml.org,2002:seq")
#: Where the language has the key `on`.
_WITH_ON = frozenset(("join", "retrain"))
#: The styles whose scalars end with the lines or blanks behind them: plain ones, and blocks of text.
_BLOCK_STYLES = (None, "", "|", ">")
#: libyaml where PyYAML was built with it: ten times faster, the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Part(NamedTuple):
    """A finished node, where it ends in the text, and how many values and levels it stands for.

    A node that an alias repeats was written elsewhere, so its own end says nothing here.
    """

    node: Node
    end: int
    values: int
    levels: int


class _Open:
    """A list or mapping whose end was not reached; a mapping's keys and values alternate."""

    __slots__ = ("anchor", "end", "is_mapping", "levels", "nodes", "start", "values")

    def __init__(self, start: int, anchor: str | None, *, is_mapping: bool) -> None:
        self.start = start
        self.anchor = anchor
        self.is_mapping = is_mapping
        self.nodes: list[Node] = []
        #: Where the last of the nodes ends, and how many values and levels there are so far, with this.
        self.end = start
        self.values = 1
        self.levels = 1

    @property
    def awaits_key(self) -> bool:
        return self.is_mapping and len(self.nodes) % 2 == 0

    @property
    def step(self) -> str | int:
        """Which of this collection's values comes next, as a path says it."""
        if not self.is_mapping:
            return len(self.nodes)
        key = self.nodes[-1]
        return str(key.value) if isinstance(key, ScalarNode) else "?"


def compose(document: Document) -> tuple[Node | None, list[Finding]]:
    """The nodes of the first document in the text; None when there are none to trust."""
    composer = _Composer(document)
    try:
        for event in yaml.parse(document.text, Loader=_LOADER):
            if composer.is_done:
                break
            if take := composer.takes.get(type(event)):
                take(event)
    except yaml.YAMLError as error:
        return None, [*composer.findings, syntax_finding(error, document, compose)]
    return composer.root, composer.findings


class _Composer:
    """What was read so far."""

    def __init__(self, document: Document) -> None:
        self.root: Node | None = None
        self.findings: list[Finding] = []
        self.is_done = False
        self._document = document
        self._open: list[_Open] = []
        self._anchors: dict[str, _Part | _Open] = {}
        self._documents = 0
        self._values = 0
        #: What reads an event of the parser, by its type; the others say nothing.
        self.takes: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
            yaml.DocumentStartEvent: self._document_start,
        }

    def _document_start(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "put each in a separate file"
            self._report("AM014", event, "a second document starts here", hint)
            self.is_done = True

    def _begin(self, event: Any) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (_MAPPING_TAGS if is_mapping else _SEQUENCE_TAGS):
            self._refuse_tag(event, "a mapping" if is_mapping else "a list")
        if len(self._open) == DEEPEST:
            self.findings.append(too_deep(self._document, event.start_mark.index))
            self._give_up()
            return
        opened = _Open(event.start_mark.index, event.anchor, is_mapping=is_mapping)
        if event.anchor:
            self._anchors[event.anchor] = opened
        self._open.append(opened)

    def _end(self, event: Any) -> None:
        opened = self._open.pop()
        # The parser ends a collection without brackets only where the next thing begins.
        end = event.end_mark.index
        if end == event.start_mark.index:
            end = opened.end
        part = _Part(self._collection(opened, end), end, opened.values, opened.levels)
        if opened.anchor and self._anchors[opened.anchor] is opened:
            self._anchors[opened.anchor] = part
        self._add(*part)

    def _collection(self, opened: _Open, end: int) -> Node:
        nodes = opened.nodes
        if not opened.is_mapping:
            return SequenceNode(opened.start, end, tuple(nodes))
        pairs = list(zip(nodes[::2], nodes[1::2], strict=True))
        node, findings = mapping_node(self._document, self._path, pairs, (opened.start, end))
        self.findings += findings
        return node

    def _add(self, node: Node, end: int, values: int, levels: int) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse_size(node)
        elif self._open:
            above = self._open[-1]
            above.nodes.append(node)
            above.end = end
            above.values += values
            above.levels = max(above.levels, levels + 1)
        else:
            self.root = node

    def _alias(self, event: Any) -> None:
        self._add(*self._repeated(event))

    def _repeated(self, event: Any) -> _Part:
        start, end = event.start_mark.index, event.end_mark.index
        nothing = _Part(ScalarNode(start, end, None), end, 1, 1)
        anchored = self._anchors.get(event.anchor)
        if not isinstance(anchored, _Part):
            reason = (
                "nothing before this is marked"
                if anchored is None
                else "this stands inside of what is marked"
            )
            self._report("AM009", event, f"{reason} `&{event.anchor}`", "quote it if it is text")
            return nothing
        if len(self._open) + anchored.levels > DEEPEST:
            self.findings.append(too_deep(self._document, start))
            return nothing
        self._values += anchored.values - 1
        return anchored._replace(end=end)

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in _BLOCK_STYLES:
            end = start + len(self._document.text[start:end].rstrip())
        is_text = event.tag in _TEXT_TAGS or (event.style and event.tag is None)
        node = ScalarNode(start, end, event.value if is_text else self._plain(event))
        if event.anchor:
            self._anchors[event.anchor] = _Part(node, end, 1, 1)
        self._add(node, end, 1, 1)

    def _plain(self, event: Any) -> Scalar:
        text: str = event.value
        try:
            value, other = read(text)
        except UnholdableNumberError:
            self._report("AM017", event, "this number is too large to be held", "quote it if it is text")
            return text
        if event.tag is not None:
            if not isinstance(value, _TAGS.get(event.tag, ())):
                self._refuse_tag(event, f"`{text}`")
        elif other and not self._is_ours(text):
            self._warn_of_others(event, value, other)
        return value

    def _is_ours(self, text: str) -> bool:
        """Whether this is a key of the language: it has one that YAML 1.1 takes for true."""
        awaits_key = bool(self._open) and self._open[-1].awaits_key
        return awaits_key and text == "on" and not _WITH_ON.isdisjoint(self._path())

    def _warn_of_others(self, event: Any, value: Scalar, other: str) -> None:
        """That other tools read an unquoted scalar differently, and how it is written for all."""
        text, quoted = event.value, f'"{event.value}"'
        message = f"`{text}` is {_described(value)} here, and YAML 1.1 tools read it as {other}"
        hint = f"quote it, `{quoted}`, if it is text"
        instead = quoted
        if not isinstance(value, str):
            number = portable(text) if isinstance(value, float) else str(value)
            hint = f"write `{number}`, or {hint}"
            instead = number if isinstance(value, float) else ""
        self._report("AM018", event, message, hint, Severity.WARNING, "" if event.anchor else instead)

    def _refuse_tag(self, event: Any, expected: str) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        is_standard = tag.startswith("!!")
        message = f"the tag `{tag}` does not fit {expected}" if is_standard else f"there is no tag `{tag}`"
        self._report("AM013", event, message, "remove the tag; a spec is plain data")

    def _refuse_size(self, node: Node) -> None:
        message = f"the file holds more than {MOST_VALUES:,} values"
        hint = "count what aliases repeat, too; long lists belong into data files"
        place = self._document.place_between(node.start, node.end)
        self.findings.append(
            Finding("AM010", self._path(), message, help=hint, file=self._document.file, place=place)
        )
        self._give_up()

    def _give_up(self) -> None:
        self.root = None
        self.is_done = True

    def _path(self) -> Path:
        return tuple(opened.step for opened in self._open if not opened.awaits_key)

    def _report(
        self,
        code: str,
        event: Any,
        message: str,
        hint: str,
        severity: Severity = Severity.ERROR,
        instead: str = "",
    ) -> None:
        if severity is Severity.WARNING and len(self.findings) > MOST:
            return  # no more of them are reported
        place = self._document.place_between(event.start_mark.index, event.end_mark.index)
        self.findings.append(
            Finding(
                code,
                self._path(),
                message,
                help=hint,
                severity=severity,
                file=self._document.file,
                place=place,
                fix=Fix(f"write `{instead}`", (Rewrite(place, instead),)) if instead else None,
            )
        )


def _described(value: Scalar) -> str:
    return "text" if isinstance(value, str) else f"the number {value}"
