"""What a change does to those who call the model: inputs, classes, addresses, limits and promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler.diagnostics import Path
from aimass_compiler.effects.environments import INHERITED
from aimass_compiler.effects.inputs import columns, inputs
from aimass_compiler.effects.normal import Normal, amount, at, named, number, texts, word
from aimass_compiler.effects.objects import differ, objects
from aimass_compiler.effects.rules import RULES
from aimass_compiler.effects.sentences import listed, value
from aimass_compiler.effects.told import Breach
from aimass_compiler.plan import Files
from aimass_compiler.task import last_of_two
from aimass_compiler.values import Bytes, Duration, Percentage

_STRINGS = frozenset({"category", "text"})
_PERCENTILES = ("p50", "p95", "p99")
#: The rules about what is not written any more, so that what held it is shown.
GONE = frozenset({"input-removed", "environment-removed"})


def breaches(before: Normal, after: Normal) -> Iterator[Breach]:
    """Every change between two pipelines of one model that its callers may notice."""
    yield from _answers(before, after)
    yield from _inputs(before, after)
    yield from _environments(before, after)


def address_breaches(before: Files, after: Files) -> Iterator[Breach]:
    """The same of ports and paths, which only the objects tell."""
    if differ(before, after, "Service"):
        for name, gone in sorted(_ports(before).items()):
            if lost := gone - _ports(after).get(name, gone):
                yield breach("port-changed", f"the Service {name} no longer listens on {_some(lost)}")
    if differ(before, after, "HTTPRoute") and _paths(after):
        for path in sorted(_paths(before) - _paths(after)):
            yield breach("path-removed", f"the route no longer leads to {path}")


def breach(rule: str, told: str, path: Path = (), environments: Sequence[str] = ()) -> Breach:
    """A change that a rule is about; what it does to callers follows what was told."""
    known = RULES[rule]
    return Breach(rule, known.severity, f"{told}: {known.summary}", path, tuple(environments))


def _some(parts: set[Any]) -> str:
    return listed(sorted(map(str, parts)))


def _ports(files: Files) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for document in objects(files, "Service"):
        ports = at(document, "spec.ports")
        numbers = {number(at(port, "port")) for port in ports} if isinstance(ports, list) else set()
        found.setdefault(word(at(document, "metadata.name")), set()).update(numbers - {None})
    return found


def _paths(files: Files) -> set[str]:
    found = set()
    for document in objects(files, "HTTPRoute"):
        rules = at(document, "spec.rules")
        for rule in rules if isinstance(rules, list) else []:
            matches = at(rule, "matches")
            found |= (
                {word(at(match, "path.value")) for match in matches} if isinstance(matches, list) else set()
            )
    return found


def _answers(before: Normal, after: Normal) -> Iterator[Breach]:
    kinds = at(before, "task.kind"), at(after, "task.kind")
    if kinds[0] != kinds[1]:
        yield breach("task-changed", f"the task is {kinds[1]} instead of {kinds[0]}", ("target",))
        return
    old, new = texts(at(before, "task.classes")), texts(at(after, "task.classes"))
    path = ("data", "columns", str(at(after, "task.target")), "values")
    for name in old:
        if name not in new:
            yield breach("class-removed", f"the class `{value(name)}` is removed", path)
    for name in new:
        if old and name not in old:
            yield breach("class-added", f"the class `{value(name)}` is added", path)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield breach("class-reordered", f"the classes are {value(new)} instead of {value(old)}", path)
    was, now = _positive(before, old), _positive(after, new)
    if was and now and was != now:
        told = f"the positive class is `{value(now)}` instead of `{value(was)}`"
        yield breach("positive-class-changed", told, ("positive",))


def _positive(pipeline: Normal, classes: list[str]) -> str | None:
    """The positive class; of two the last where the compiler of that time did not write it."""
    return word(at(pipeline, "task.positive")) or last_of_two({"classes": classes})


def _inputs(before: Normal, after: Normal) -> Iterator[Breach]:
    old, new, accepted = inputs(before), inputs(after), columns(after)
    for name in columns(before):
        path = ("data", "columns", name)
        if name not in accepted:
            yield breach("input-removed", f"the input `{name}` is removed", path)
        elif name in old and name not in new and name in accepted:
            yield breach("input-ignored", f"the model no longer reads `{name}`", path)
    for name, column in new.items():
        path = ("data", "columns", name)
        if name in old:
            yield from _input(name, old[name], column, path)
        elif _is_nullable(column):
            yield breach("input-added-optional", f"the model reads `{name}`", path)
        else:
            yield breach("input-added-required", f"the model needs `{name}`", path)


def _is_nullable(column: Mapping[str, Any]) -> bool:
    return (number(column.get("missing")) or 0) > 0


def _input(name: str, old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> Iterator[Breach]:
    """One input before and after."""
    kinds = {old.get("type"), new.get("type")}
    if (len(kinds) > 1 and not kinds <= _STRINGS) or old.get("shape") != new.get("shape"):
        told = f"the input `{name}` is {_type(new)} instead of {_type(old)}"
        yield breach("input-type-changed", told, path)
        return
    if _is_nullable(old) and not _is_nullable(new):
        yield breach("input-required", f"`{name}` must have a value", (*path, "missing"))
    if _is_nullable(new) and not _is_nullable(old):
        yield breach("input-widened", f"`{name}` may be missing", (*path, "missing"))
    yield from _bounds(name, old, new, path)
    yield from _names(name, old, new, path)
    if old.get("unit") and old.get("unit") != new.get("unit"):
        told = f"`{name}` is in {value(new.get('unit') or 'no unit')} instead of {value(old['unit'])}"
        yield breach("input-unit-changed", told, (*path, "unit"))


def _type(column: Mapping[str, Any]) -> str:
    shape = column.get("shape")
    return f"{column.get('type')} {value(shape)}" if shape else str(column.get("type"))


def _bounds(name: str, old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> Iterator[Breach]:
    for end, rule, sign in (("min", "input-min-raised", 1), ("max", "input-max-lowered", -1)):
        was, now = number(old.get(end)), number(new.get(end))
        if was == now:
            continue
        told = f"`{name}` has {end} {value(now)} instead of {value(was)}"
        is_narrower = now is not None and (was is None or sign * now > sign * was)
        yield breach(rule if is_narrower else "input-widened", told, (*path, end))


def _names(name: str, old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> Iterator[Breach]:
    was, now = old.get("values"), new.get("values")
    here = (*path, "values")
    if was is None and now is not None:
        yield breach("input-values-closed", f"`{name}` is one of {value(now)} only", here)
    elif was is not None and now is None:
        yield breach("input-widened", f"`{name}` may have any name", here)
    else:
        known = texts(now)
        for gone in texts(was):
            if gone not in known:
                yield breach("input-value-removed", f"`{name}` may no longer be `{value(gone)}`", here)
        for come in known:
            if come not in texts(was):
                yield breach("input-widened", f"`{name}` may be `{value(come)}`", here)


def _environments(before: Normal, after: Normal) -> Iterator[Breach]:
    old, new = named(before.get("environments")), named(after.get("environments"))
    found: dict[tuple[str, str, Path], list[str]] = {}
    for name, running in old.items():
        if name not in new:
            told = f"the environment {name} is removed"
            yield breach("environment-removed", told, ("environments", name), [name])
            continue
        for rule, told, keys in _of_environment(running, new[name]):
            found.setdefault((rule, told, keys), []).append(name)
    for (rule, told, keys), names in found.items():
        where = "" if len(names) == len(old.keys() & new.keys()) else f" in {listed(names)}"
        is_shared = keys[0] in INHERITED and at(after, ".".join(map(str, keys))) == at(
            new[names[0]], ".".join(map(str, keys))
        )
        path = keys if is_shared else ("environments", names[0], *keys)
        yield breach(rule, f"{told}{where}", path, names)


def _of_environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str, Path]]:
    """Rule, what happened, and where, of one environment."""
    spaces = old.get("namespace"), new.get("namespace")
    if spaces[0] != spaces[1]:
        told = f"the namespace is {value(spaces[1])} instead of {value(spaces[0])}"
        yield "namespace-changed", told, ("namespace",)
    hosts = at(old, "serving.gateway.host"), at(new, "serving.gateway.host")
    if hosts[0] and hosts[0] != hosts[1]:
        told = f"the route at {value(hosts[0])} is removed"
        if hosts[1]:
            told = f"the host is {value(hosts[1])} instead of {value(hosts[0])}"
        yield "host-changed", told, ("serving", "gateway", *(("host",) if hosts[1] else ()))
    for rule, kind, name in (
        ("body-limit-lowered", Bytes, "body"),
        ("timeout-lowered", Duration, "timeout"),
    ):
        was, now = (at(node, f"serving.limits.{name}") for node in (old, new))
        if (amount(kind, now) or 0) < (amount(kind, was) or 0):
            yield rule, f"{name} is {value(now)} instead of {value(was)}", ("serving", "limits", name)
    was, now = (at(node, "serving.limits.concurrency") for node in (old, new))
    if (number(now) or 0) < (number(was) or 0):
        told = f"concurrency is {value(now)} instead of {value(was)}"
        yield "concurrency-lowered", told, ("serving", "limits", "concurrency")
    yield from _promises(old, new)


def _promises(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str, Path]]:
    was, now = (at(node, "serving.objectives.availability") for node in (old, new))
    if (amount(Percentage, now) or 0) < (amount(Percentage, was) or 0):
        told = f"availability is {value(now)} instead of {value(was)}"
        yield "objective-loosened", told, ("serving", "objectives", "availability")
    for name in _PERCENTILES:
        was, now = (at(node, f"serving.objectives.latency.{name}") for node in (old, new))
        before, after = amount(Duration, was), amount(Duration, now)
        if before is not None and (after is None or after > before):
            told = f"latency {name} is {value(now)} instead of {value(was)}"
            told = told if after is not None else f"latency {name} {value(was)} is no longer an objective"
            yield "objective-loosened", told, ("serving", "objectives", "latency", name)
