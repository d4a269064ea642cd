"""A change in the words of the spec: the tree that every view draws, and the sentence of one edit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from aimass_compiler.diagnostics import Path
from aimass_compiler.impact.edits import CONDITIONS, Act, Edit, is_of_environment, shown, without_environment


class Sign(StrEnum):
    """What happens, in one character, as Terraform and git have it."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"
    WARNING = "!"
    SAME = " "
    NONE = ""
    """Of a title, below which the changes are."""


class Change(Struct, frozen=True):
    """One change in the user's words, and the changes that it consists of."""

    sign: Sign
    text: str
    path: str = ""
    """The value that changed, as people write it: `features[2].bucket.count`."""
    before: Any = None
    after: Any = None
    environments: tuple[str, ...] = ()
    location: str = ""
    """The file and line of the value, where that is known."""
    reason: str = ""
    """What follows the text, for what is named by it."""
    children: tuple[Change, ...] = ()


#: A value longer than this is cut: it is there to be recognised, the file has all of it.
_LONGEST = 60
_SIGNS = {Act.ADDED: Sign.ADDED, Act.REMOVED: Sign.REMOVED}
#: What one item of a list is called.
_ITEMS = {"features": "feature", "join": "join", "clean": "cleaning step", "gates": "gate"}
#: Whether more of a gate's condition asks for more.
_STRICTER_WHEN_MORE = {"min": True, "max": False, "overfit": False}


def sentence(edit: Edit, environments: Sequence[str], pipeline: Mapping[str, Any]) -> tuple[Sign, str]:
    """The edit in a sentence without its end.

    `environments` are all that the model is deployed to, `pipeline` is what it is afterwards.
    """
    sign = _SIGNS.get(edit.act, Sign.CHANGED)
    if len(edit.path) == 2 and edit.path[0] == "environments":  # noqa: PLR2004  # ("environments", name)
        return sign, f"the environment {edit.path[1]} is {edit.act}"
    path, where = without_environment(edit.path), _Where(edit, environments, pipeline)
    for pattern, words in _WORDS.items():
        if _matches(path, pattern) and (text := words(edit, path, where)):
            return sign, text
    return sign, _plain(edit, where)


class _Where:
    """In which environments an edit holds, as a sentence needs it."""

    def __init__(self, edit: Edit, environments: Sequence[str], pipeline: Mapping[str, Any]) -> None:
        self.pipeline = pipeline
        self._names = edit.environments
        self._is_everywhere = bool(environments) and set(environments) <= set(edit.environments)
        path = without_environment(edit.path)
        self._is_deployed = path != edit.path or path[:1] in {("serving",), ("monitoring",)}

    @property
    def subject(self) -> str:
        """Such as `dev and prod`, before `goes` or `go`."""
        if self._is_everywhere:
            return "every environment goes"
        return f"{listed(self._names)} {'goes' if len(self._names) == 1 else 'go'}"

    @property
    def behind(self) -> str:
        """Such as ` in dev and prod`; nothing for what holds everywhere, or nowhere in particular."""
        if self._names:
            return "" if self._is_everywhere else f" in {listed(self._names)}"
        return ", which every environment overrides" if self._is_deployed else ""

    @property
    def is_somewhere(self) -> bool:
        return bool(self._names)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `dev, staging and prod`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def value(node: Any) -> str:
    """A value in short, as YAML's flow style has it."""
    return _cut(_flow(node))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _flow(node: Any) -> str:
    if isinstance(node, Mapping):
        inner = ", ".join(f"{name}: {_flow(part)}" for name, part in node.items() if part not in (None, ""))
        return f"{{{inner}}}"
    if isinstance(node, list):
        return f"[{', '.join(map(_flow, node))}]"
    if isinstance(node, float) and node.is_integer():
        return str(int(node))
    if isinstance(node, str) and node and node.isprintable() and not set(node) & set("{}[],:\"'`"):
        return node
    return json.dumps(node, ensure_ascii=False)


def item(node: Any) -> str:
    """One item of a list as a spec writes it, in short: `log: [charges, age]`."""
    if isinstance(node, Mapping) and len(node) == 1:
        ((kind, parameters),) = node.items()
        if isinstance(parameters, Mapping):
            lone = [part for name, part in parameters.items() if name in ("columns", "column", "path", "by")]
            first = lone[0] if lone else next(iter(parameters.values()), None)
            names = first[0] if isinstance(first, list) and len(first) == 1 else first
            return value_of_item(kind, names)
    return value(node)


def value_of_item(kind: str, names: Any) -> str:
    """Such as `log: [charges, age]`, or `drop_duplicates` where there is nothing to add."""
    return kind if names is None else f"{kind}: {value(names)}"


def _matches(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(
        step == wanted or (wanted == "*" and isinstance(step, str)) or (wanted == 0 and isinstance(step, int))
        for step, wanted in zip(path, pattern, strict=True)
    )


def _plain(edit: Edit, where: _Where) -> str:
    """The words for what has none of its own."""
    key, behind = f"`{shown(edit.path)}`", "" if is_of_environment(edit.path) else where.behind
    if edit.act is Act.ADDED:
        return f"{key} is added: `{value(edit.after)}`{behind}"
    if edit.act is Act.REMOVED:
        return f"{key} is removed: `{value(edit.before)}`{behind}"
    if isinstance(edit.before, list) and isinstance(edit.after, list):
        return f"{key} {_of_lists(edit.before, edit.after)}{behind}"
    return f"{key} {_from_to(edit.before, edit.after)}{behind}"


def setting_sentence(path: Path, before: Any, after: Any) -> str:
    """What happened to one value of aimass.yaml; None is what is not written."""
    key = f"`{shown(path)}`"
    if isinstance(before, list) and isinstance(after, list):
        return f"{key} {_of_lists(before, after)}"
    return f"{key} {_from_to(before, after)}"


def _from_to(before: Any, after: Any) -> str:
    if before in (None, ""):
        return f"is now `{value(after)}`"
    if after in (None, ""):
        return f"is no longer `{value(before)}`"
    return f"changes from {value(before)} to {value(after)}"


def _of_lists(before: list[Any], after: list[Any]) -> str:
    """What a list of plain values gained and lost, or that only their order is another."""
    old, new = Counter(map(_flow, before)), Counter(map(_flow, after))
    gained, lost = list((new - old).elements()), list((old - new).elements())
    if not gained and not lost:
        return f"is reordered: {value(before)} becomes {value(after)}"
    if len(gained) + len(lost) >= len(before) + len(after):
        return f"changes from {value(before)} to {value(after)}"
    sides = (("gains", gained), ("loses", lost))
    return " and ".join(f"{verb} {_cut(', '.join(names))}" for verb, names in sides if names)


def _of_item(edit: Edit, path: Path, where: _Where) -> str:
    del where
    noun, place = _ITEMS[str(path[-2])], shown(path)
    if edit.act is Act.MOVED and edit.was:
        return f"the {noun} `{item(edit.after)}` moves from `{shown(edit.was)}` to `{place}`"
    if edit.act is Act.ADDED:
        return f"the {noun} `{item(edit.after)}` is inserted as `{place}`"
    if edit.act is Act.REMOVED:
        return f"the {noun} `{item(edit.before)}`, which was `{place}`, is removed"
    return f"`{place}` changes from `{item(edit.before)}` to `{item(edit.after)}`"


def _of_gate(edit: Edit, path: Path, where: _Where) -> str:
    del path, where
    gate = edit.after or edit.before
    return f"the gate {_gate(gate)} is {edit.act}" if isinstance(gate, Mapping) else ""


def _gate(gate: Mapping[str, Any]) -> str:
    asked = [f"{name} {value(gate[name])}" for name in CONDITIONS if gate.get(name) is not None]
    return f"on {_of(gate)}: {', '.join(asked)}"


def _of(gate: Mapping[str, Any]) -> str:
    """What a gate is held on: `recall (test)`, or `recall (test, contact)`."""
    slices = (
        name if wanted is None else f"{name}: {wanted}" for name, wanted in (gate.get("slice") or {}).items()
    )
    return f"{gate.get('metric')} ({', '.join((str(gate.get('split')), *slices))})"


def _of_condition(edit: Edit, path: Path, where: _Where) -> str:
    name, place = str(path[-1]), int(path[-2])
    gate = where.pipeline["evaluation"]["gates"][place]
    if not isinstance(edit.before, (int, float)) or not isinstance(edit.after, (int, float)):
        return ""
    is_stricter = (edit.after > edit.before) == _STRICTER_WHEN_MORE[name]
    verb = "tightened" if is_stricter else "loosened"
    return f"the gate on {_of(gate)} is {verb}: {name} from {value(edit.before)} to {value(edit.after)}"


def _of_column(edit: Edit, path: Path, where: _Where) -> str:
    del where
    name = path[-1]
    if edit.act is Act.CHANGED:
        return f"the column `{name}` becomes {_kind(edit.after)} instead of {_kind(edit.before)}"
    return f"the column `{name}` ({_kind(edit.after or edit.before)}) is {edit.act}"


def _kind(column: Any) -> str:
    return str(column.get("type")) if isinstance(column, Mapping) else value(column)


def _of_source(edit: Edit, path: Path, where: _Where) -> str:
    del where
    if edit.act is Act.CHANGED:
        return f"the source `{path[-1]}` is `{item(edit.after)}` instead of `{item(edit.before)}`"
    return f"the source `{path[-1]}` (`{item(edit.after or edit.before)}`) is {edit.act}"


def _of_split(edit: Edit, path: Path, where: _Where) -> str:
    del path, where
    kinds = [node.get("by") for node in (edit.before, edit.after) if isinstance(node, Mapping)]
    return f"rows are split by {kinds[1]} instead of {kinds[0]}" if len(kinds) > 1 else ""


def _of_kind(noun: str) -> Callable[[Edit, Path, _Where], str]:
    def words(edit: Edit, path: Path, where: _Where) -> str:
        del path
        kinds = [next(iter(node), "") for node in (edit.before, edit.after) if isinstance(node, Mapping)]
        return f"the {noun} is `{kinds[1]}` instead of `{kinds[0]}`{where.behind}" if len(kinds) > 1 else ""

    return words


def _of_replicas(end: str) -> Callable[[Edit, Path, _Where], str]:
    def words(edit: Edit, path: Path, where: _Where) -> str:
        del path
        if not where.is_somewhere:
            return ""
        noun = "replica" if edit.after == 1 else "replicas"
        return f"{where.subject} from {edit.before} to {edit.after} {noun} {end}"

    return words


def _of_group(noun: str) -> Callable[[Edit, Path, _Where], str]:
    def words(edit: Edit, path: Path, where: _Where) -> str:
        if edit.act is not Act.CHANGED or edit.before is None or edit.after is None:
            return ""
        name = " ".join(map(str, path[2:]))
        return f"{noun}: {name} from {value(edit.before)} to {value(edit.after)}{where.behind}"

    return words


def _of_canary(edit: Edit, path: Path, where: _Where) -> str:
    del path
    before, after = _steps(edit.before), _steps(edit.after)
    return f"rolls out by {after} instead of {before}{where.behind}"


def _steps(canary: Any) -> str:
    steps = " → ".join(f"{value(step)}" for step in canary or ())
    return f"canary {steps} %" if steps else "a rolling update"


def _of_latency(edit: Edit, path: Path, where: _Where) -> str:
    name = path[-1]
    if edit.before is None:
        return f"the objective latency {name} {value(edit.after)} is added{where.behind}"
    if edit.after is None:
        return f"the objective latency {name} {value(edit.before)} is removed{where.behind}"
    return f"objectives: latency {name} from {value(edit.before)} to {value(edit.after)}{where.behind}"


def _of_gateway(edit: Edit, path: Path, where: _Where) -> str:
    del path
    gateway, verb = (edit.before, "removed") if edit.after is None else (edit.after, "added")
    is_whole = edit.before is None or edit.after is None
    if not is_whole or not isinstance(gateway, Mapping):
        return ""
    return f"the route from outside at {value(gateway.get('host'))} is {verb}{where.behind}"


def _of_namespace(edit: Edit, path: Path, where: _Where) -> str:
    del path, where
    return f"{listed(edit.environments)} moves from the namespace {edit.before} to {edit.after}"


def _of_registry(edit: Edit, path: Path, where: _Where) -> str:
    del path
    return f"images come from {edit.after} instead of {edit.before}{where.behind}"


#: The words for a path; `*` is any name and 0 any place in a list.
_WORDS: Mapping[Path, Callable[[Edit, Path, _Where], str]] = {
    ("features", 0): _of_item,
    ("data", "join", 0): _of_item,
    ("data", "clean", 0): _of_item,
    ("evaluation", "gates", 0): _of_gate,
    **{("evaluation", "gates", 0, name): _of_condition for name in _STRICTER_WHEN_MORE},
    ("data", "columns", "*"): _of_column,
    ("data", "sources", "*"): _of_source,
    ("data", "split"): _of_split,
    ("model",): _of_kind("model"),
    ("training", "optimizer"): _of_kind("optimizer"),
    ("serving", "replicas", "min"): _of_replicas("at least"),
    ("serving", "replicas", "max"): _of_replicas("at most"),
    ("serving", "resources", "*"): _of_group("resources of a server"),
    ("serving", "limits", "*"): _of_group("limits"),
    ("serving", "objectives", "availability"): _of_group("objectives"),
    ("serving", "objectives", "latency", "*"): _of_latency,
    ("serving", "rollout", "canary"): _of_canary,
    ("serving", "gateway"): _of_gateway,
    ("namespace",): _of_namespace,
    ("image_registry",): _of_registry,
}
