"""Nodes from the YAML parser's events: no recursion, bounded, with YAML 1.2's scalars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from aimass_compiler.diagnostics import Finding, Fix, Path, Rewrite, Severity
from aimass_compiler.explanations import Explanation
from aimass_compiler.spec import enough
from aimass_compiler.spec.document import Document, Node, ScalarNode, SequenceNode
from aimass_compiler.spec.mappings import mapping_node
from aimass_compiler.spec.scalars import Scalar, UnholdableNumberError, read_elsewhere_as, resolved
from aimass_compiler.spec.syntax_errors import syntax_finding, too_deep

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
        "One file describes one model. Put what follows the second `---` in a file of its own.",
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
        "Unquoted, `no`, `off` and `n` are false and `yes`, `on` and `y` are true in YAML 1.1, which many "
        "tools still read, and `010` is eight. Here they are text and the number ten. Quotes make every "
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
#: libyaml where PyYAML was built with it: ten times faster, the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Part(NamedTuple):
    """A finished node, where it ends in the text, and how many values and levels it stands for.

    A node that an alias repeats was written elsewhere, so its own end says nothing here.
    """

    node: Node
    end: int
    values: int = 1
    levels: int = 1


@dataclass
class _Open:
    """A list or mapping whose end was not reached; a mapping's keys and values alternate."""

    start: int
    is_mapping: bool
    anchor: str | None
    parts: list[_Part] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        return self.is_mapping and len(self.parts) % 2 == 0

    @property
    def step(self) -> str | int:
        """Which of this collection's values comes next, as a path says it."""
        if not self.is_mapping:
            return len(self.parts)
        key = self.parts[-1].node
        return str(key.value) if isinstance(key, ScalarNode) else "?"


def compose(document: Document) -> tuple[Node | None, list[Finding]]:
    """The nodes of the first document in the text; None when there are none to trust."""
    composer = _Composer(document)
    try:
        for event in yaml.parse(document.text, Loader=_LOADER):
            if composer.is_done:
                break
            composer.take(event)
    except yaml.YAMLError as error:
        return None, enough.first([*composer.findings, syntax_finding(error, document)])
    return composer.root, enough.first(composer.findings, uncounted=composer.untold)


class _Composer:
    """What was read so far."""

    def __init__(self, document: Document) -> None:
        self.root: Node | None = None
        self.findings: list[Finding] = []
        self.is_done = False
        #: Warnings beyond those that are shown; with as many errors, there is nothing to go on for.
        self.untold = 0
        self._document = document
        self._open: list[_Open] = []
        self._anchors: dict[str, _Part | _Open] = {}
        self._documents = 0
        self._values = 0

    def take(self, event: Any) -> None:
        """Read one event of the parser."""
        if len(self.findings) > enough.MOST:
            self._give_up()
            return
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._repeated(event))
        elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._begin(event)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self._end(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document_start(event)

    def _document_start(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "put each in a file of its own"
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
        opened = _Open(event.start_mark.index, is_mapping, event.anchor)
        if event.anchor:
            self._anchors[event.anchor] = opened
        self._open.append(opened)

    def _end(self, event: Any) -> None:
        opened = self._open.pop()
        # The parser ends a collection without brackets only where the next thing begins.
        ends_with_bracket = event.end_mark.index > event.start_mark.index
        last = opened.parts[-1].end if opened.parts else opened.start
        end = event.end_mark.index if ends_with_bracket else max(last, opened.start)
        part = _Part(
            self._collection(opened, end),
            end,
            1 + sum(part.values for part in opened.parts),
            1 + max((part.levels for part in opened.parts), default=0),
        )
        if opened.anchor and self._anchors[opened.anchor] is opened:
            self._anchors[opened.anchor] = part
        self._add(part)

    def _collection(self, opened: _Open, end: int) -> Node:
        nodes = [part.node for part in opened.parts]
        if not opened.is_mapping:
            return SequenceNode(opened.start, end, tuple(nodes))
        pairs = list(zip(nodes[::2], nodes[1::2], strict=True))
        node, findings = mapping_node(self._document, self._path(), pairs, (opened.start, end))
        self.findings += findings
        return node

    def _add(self, part: _Part) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse_size(part.node)
        elif self._open:
            self._open[-1].parts.append(part)
        else:
            self.root = part.node

    def _repeated(self, event: Any) -> _Part:
        start, end = event.start_mark.index, event.end_mark.index
        nothing = _Part(ScalarNode(start, end, None), end)
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
        trimmed = start + len(self._document.text[start:end].rstrip())
        part = _Part(ScalarNode(start, trimmed, self._value(event)), trimmed)
        if event.anchor:
            self._anchors[event.anchor] = part
        self._add(part)

    def _value(self, event: Any) -> Scalar:
        text: str = event.value
        if event.tag in _TEXT_TAGS or (event.style and event.tag is None):
            return text
        is_key = bool(self._open) and self._open[-1].awaits_key
        try:
            value = resolved(text)
        except UnholdableNumberError:
            self._report("AM017", event, "this number is too large to be held", "quote it if it is text")
            return text
        if event.tag is not None:
            if not isinstance(value, _TAGS.get(event.tag, ())):
                self._refuse_tag(event, f"`{text}`")
        elif not is_key and (other := read_elsewhere_as(text)):
            told = f"`{text}` is {_told(value)} here, and YAML 1.1 tools read it as {other}"
            quoted = f'"{text}"'
            instead = quoted if isinstance(value, str) and not event.anchor else ""
            self._report(
                "AM018", event, told, f"quote it, `{quoted}`, if it is text", Severity.WARNING, instead
            )
        return value

    def _refuse_tag(self, event: Any, told: str) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        is_standard = tag.startswith("!!")
        message = f"the tag `{tag}` does not fit {told}" if is_standard else f"there is no tag `{tag}`"
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
        if severity is Severity.WARNING and len(self.findings) >= enough.MOST:
            self.untold += 1
            return
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


def _told(value: Scalar) -> str:
    return "text" if isinstance(value, str) else f"the number {value}"
