"""What a change does to those who call the model, by rules as buf has them for its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.catalog.quantities import Bytes, Duration, Percentage
from aimass_compiler.diagnostics import Path
from aimass_compiler.impact.changes import listed, value
from aimass_compiler.impact.edits import INHERITED
from aimass_compiler.impact.models import ChangedModel, Normal, Places, amount, at, mapping, named
from aimass_compiler.render.facts import Contract, Environment, RequestColumn, RequestLimits, Resolved


class Compatibility(StrEnum):
    """What a change of the served contract does to those who call the model."""

    BREAKING = "breaking"
    POSSIBLY = "possibly-breaking"
    COMPATIBLE = "compatible"


class Breach(Struct, frozen=True):
    """One change of what callers rely on."""

    rule: str
    severity: Compatibility
    text: str
    path: Path = ()
    environments: tuple[str, ...] = ()
    location: str = ""
    is_allowed: bool = False
    is_waiting: bool = False
    """Whether callers notice only once a version with it is released, or the model at all."""
    about: str = ""
    """What it is about, with the value that it gets: another value is another break."""

    @property
    def name(self) -> str:
        """What identifies it, for those who accept exactly this one: `input-min-raised:age=18`."""
        where = ",".join(self.environments)
        about = "=".join(part for part in (where, self.about) if part)
        return f"{self.rule}:{about}" if about else self.rule


_BREAKING, _POSSIBLY, _COMPATIBLE = Compatibility.BREAKING, Compatibility.POSSIBLY, Compatibility.COMPATIBLE


class Rule(Struct, frozen=True):
    """One way in which a contract changes, and what it does to those who call the model."""

    name: str
    severity: Compatibility
    summary: str


RULES = {
    rule.name: rule
    for rule in (
        Rule("model-removed", _BREAKING, "it is no longer deployed"),
        Rule("model-renamed", _BREAKING, "its address and its paths carry another name"),
        Rule("task-changed", _BREAKING, "answers are of another kind"),
        Rule("horizon-changed", _BREAKING, "answers have another number of steps"),
        Rule("class-removed", _BREAKING, "a class is never answered again"),
        Rule("class-added", _POSSIBLY, "a class is answered that callers do not know"),
        Rule("class-reordered", _BREAKING, "probabilities come in another order"),
        Rule("positive-class-changed", _BREAKING, "the class that metrics call positive is another one"),
        Rule("input-removed", _BREAKING, "requests that name it are refused"),
        Rule("input-ignored", _COMPATIBLE, "it may be sent and changes no answer"),
        Rule("input-added-required", _BREAKING, "requests without it are refused"),
        Rule("input-added-optional", _COMPATIBLE, "requests may name it"),
        Rule("input-type-changed", _BREAKING, "values of the old type are refused"),
        Rule("input-unit-changed", _POSSIBLY, "the same number means something else"),
        Rule("input-min-raised", _BREAKING, "values below it are refused"),
        Rule("input-max-lowered", _BREAKING, "values above it are refused"),
        Rule("input-value-removed", _BREAKING, "requests with this name are refused"),
        Rule("input-values-closed", _BREAKING, "requests with any other name are refused"),
        Rule("input-required", _BREAKING, "requests that leave it out are refused"),
        Rule("input-widened", _COMPATIBLE, "more is accepted than before"),
        Rule("environment-removed", _BREAKING, "it is no longer deployed there"),
        Rule("namespace-changed", _BREAKING, "its address inside the cluster is another one"),
        Rule("port-changed", _BREAKING, "the Service listens elsewhere"),
        Rule("path-removed", _BREAKING, "the route no longer leads there"),
        Rule("host-changed", _BREAKING, "the route has another host, or there is none any more"),
        Rule("body-limit-lowered", _POSSIBLY, "larger requests are answered 413"),
        Rule("timeout-lowered", _POSSIBLY, "slower requests are answered 504"),
        Rule("concurrency-lowered", _POSSIBLY, "more requests at once are answered 503"),
        Rule("objective-loosened", _POSSIBLY, "less is promised than before"),
    )
}

_STRINGS = frozenset({"category", "text"})
#: The rules about what is not written any more, so that what held it is shown.
_GONE = frozenset({"input-removed", "environment-removed"})
#: Those about what the package takes and answers: callers get it with a release, not with a manifest.
_OF_PACKAGE = re.compile("(task|horizon|class|positive|input)-.*")
#: Those about names that a model's own name is part of.
_ADDRESS = frozenset({"port-changed", "path-removed"})


def breaches(model: ChangedModel, places: Places) -> Iterator[Breach]:
    """Every change of a model that its callers may notice, with its location."""
    for found in _of_model(model):
        is_gone = found.rule in _GONE and not _is_declared(model.new, found.path)
        location = places.line(found.path, is_gone=is_gone) if found.path else ""
        yield replace(found, location=location)


def is_waiting(breach: Breach, released_in: Collection[str]) -> bool:
    """Whether a change of a recipe reaches no caller yet; `released_in` is where the model runs."""
    if _OF_PACKAGE.fullmatch(breach.rule):
        return True
    return not (released_in if not breach.environments else set(breach.environments) & set(released_in))


def _is_declared(node: object, path: Path) -> bool:
    """Whether a value at this path is declared, be it as something else."""
    for step in path:
        node = mapping(node).get(str(step))
    return node is not None


def _of_model(model: ChangedModel) -> Iterator[Breach]:
    if model.new is None:
        yield _breach("model-removed", f"the model {model.name} is removed")
    elif model.old is not None:
        if model.renamed_from:
            text = f"the model {model.renamed_from} is now {model.name}"
            yield _breach("model-renamed", text, ("metadata", "name"), about=model.renamed_from)
        if model.old_facts is not None and model.new_facts is not None:
            found = _between(model.old_facts, model.new_facts, model.new)
            # Of a model under another name every Service and path is another one.
            yield from (each for each in found if not (model.renamed_from and each.rule in _ADDRESS))


def _between(before: Resolved, after: Resolved, pipeline: Normal) -> Iterator[Breach]:
    """What two records of one model change; `pipeline`, as it is afterwards, has the values' locations."""
    yield from of_contracts(before.contract, after.contract)
    yield from _environments(before.environments, after.environments, pipeline)
    yield from _addresses(before.environments, after.environments)


def _breach(
    rule: str, text: str, path: Path = (), environments: Sequence[str] = (), about: str = ""
) -> Breach:
    """A change that a rule is about: what changes, then what that does to callers."""
    known = RULES[rule]
    return Breach(rule, known.severity, f"{text}: {known.summary}", path, tuple(environments), about=about)


def of_contracts(old: Contract, new: Contract) -> Iterator[Breach]:
    """What changes for callers wherever the model serves: what they send and what they get."""
    yield from _answers(old, new)
    yield from _inputs(old, new)


def _answers(old: Contract, new: Contract) -> Iterator[Breach]:
    if old.task != new.task:
        yield _breach(
            "task-changed", f"the task is {new.task} instead of {old.task}", ("target",), about=new.task
        )
        return
    if old.horizon != new.horizon:
        text = f"the forecast is {new.horizon} steps ahead instead of {old.horizon}"
        yield _breach("horizon-changed", text, ("task", "forecast", "horizon"), about=f"{new.horizon}")
    path = ("data", "columns", new.target, "values")
    for name in old.classes:
        if name not in new.classes:
            yield _breach("class-removed", f"the class `{value(name)}` is removed", path, about=name)
    for name in new.classes:
        if name not in old.classes:
            yield _breach("class-added", f"the class `{value(name)}` is added", path, about=name)
    kept = [name for name in old.classes if name in new.classes]
    if kept != [name for name in new.classes if name in old.classes]:
        text = f"the classes are {value(list(new.classes))} instead of {value(list(old.classes))}"
        yield _breach("class-reordered", text, path, about=",".join(new.classes))
    if old.positive and new.positive and old.positive != new.positive:
        text = f"the positive class is `{value(new.positive)}` instead of `{value(old.positive)}`"
        yield _breach("positive-class-changed", text, ("positive",), about=new.positive)


def _inputs(old: Contract, new: Contract) -> Iterator[Breach]:
    for name, column in old.columns.items():
        path = ("data", "columns", name)
        if name not in new.columns:
            yield _breach("input-removed", f"the input `{name}` is removed", path, about=name)
        elif column.is_read and not new.columns[name].is_read:
            yield _breach("input-ignored", f"the model no longer reads `{name}`", path, about=name)
    for name, column in new.columns.items():
        path, was = ("data", "columns", name), old.columns.get(name)
        if not column.is_read:
            continue
        if was is not None and was.is_read:
            yield from _input(name, was, column, path)
        elif column.missing:
            yield _breach("input-added-optional", f"the model reads `{name}`", path, about=name)
        else:
            yield _breach("input-added-required", f"the model needs `{name}`", path, about=name)


def _input(name: str, old: RequestColumn, new: RequestColumn, path: Path) -> Iterator[Breach]:
    """One input before and after."""
    kinds = {old.type, new.type}
    if (len(kinds) > 1 and not kinds <= _STRINGS) or old.shape != new.shape:
        text = f"the input `{name}` is {_type(new)} instead of {_type(old)}"
        yield _breach("input-type-changed", text, path, about=f"{name}={_type(new)}")
        return
    if old.missing and not new.missing:
        yield _breach("input-required", f"`{name}` must have a value", (*path, "missing"), about=name)
    if new.missing and not old.missing:
        yield _breach("input-widened", f"`{name}` may be missing", (*path, "missing"), about=name)
    yield from _bounds(name, old, new, path)
    yield from _names(name, old, new, path)
    if old.unit and old.unit != new.unit:
        text = f"`{name}` is in {value(new.unit or 'no unit')} instead of {value(old.unit)}"
        yield _breach("input-unit-changed", text, (*path, "unit"), about=f"{name}={new.unit}")


def _type(column: RequestColumn) -> str:
    return f"{column.type} {value(list(column.shape))}" if column.shape else column.type


def _bounds(name: str, old: RequestColumn, new: RequestColumn, path: Path) -> Iterator[Breach]:
    for end, rule, sign in (("min", "input-min-raised", 1), ("max", "input-max-lowered", -1)):
        was, now = getattr(old, end), getattr(new, end)
        if was == now:
            continue
        text = f"`{name}` has {end} {value(now)} instead of {value(was)}"
        is_narrower = now is not None and (was is None or sign * now > sign * was)
        about = f"{name}={now:.15g}" if is_narrower else name
        yield _breach(rule if is_narrower else "input-widened", text, (*path, end), about=about)


def _names(name: str, old: RequestColumn, new: RequestColumn, path: Path) -> Iterator[Breach]:
    was, now, here = old.values, new.values, (*path, "values")
    if was is None and now is not None:
        yield _breach("input-values-closed", f"`{name}` is one of {value(list(now))} only", here, about=name)
    elif was is not None and now is None:
        yield _breach("input-widened", f"`{name}` may have any name", here, about=name)
    elif was is not None and now is not None:
        for gone in was:
            if gone not in now:
                text = f"`{name}` may no longer be `{value(gone)}`"
                yield _breach("input-value-removed", text, here, about=f"{name}={gone}")
        for come in now:
            if come not in was:
                yield _breach("input-widened", f"`{name}` may be `{value(come)}`", here, about=name)


def _environments(
    old: Mapping[str, Environment], new: Mapping[str, Environment], pipeline: Normal
) -> Iterator[Breach]:
    found: dict[_InEnvironment, list[str]] = {}
    for name, running in old.items():
        if name not in new:
            text = f"the environment {name} is removed"
            yield _breach("environment-removed", text, ("environments", name), [name])
            continue
        for each in _of_environment(running, new[name]):
            found.setdefault(each, []).append(name)
    own = named(pipeline.get("environments"))
    for (rule, text, keys, about), names in found.items():
        where = "" if len(names) == len(old.keys() & new.keys()) else f" in {listed(names)}"
        dotted = ".".join(map(str, keys))
        is_shared = keys[0] in INHERITED and at(pipeline, dotted) == at(own.get(names[0]), dotted)
        path = keys if is_shared else ("environments", names[0], *keys)
        yield _breach(rule, f"{text}{where}", path, names, about)


#: Rule, what happened, where, and the new value, of one environment.
_InEnvironment = tuple[str, str, Path, str]


def _of_environment(old: Environment, new: Environment) -> Iterator[_InEnvironment]:
    if old.namespace != new.namespace:
        text = f"the namespace is {value(new.namespace)} instead of {value(old.namespace)}"
        yield "namespace-changed", text, ("namespace",), new.namespace
    hosts = old.addresses.host, new.addresses.host
    if hosts[0] and hosts[0] != hosts[1]:
        text = f"the route at {value(hosts[0])} is removed"
        if hosts[1]:
            text = f"the host is {value(hosts[1])} instead of {value(hosts[0])}"
        yield "host-changed", text, ("serving", "gateway", *(("host",) if hosts[1] else ())), hosts[1] or ""
    yield from _limits(old.limits, new.limits)
    yield from _promises(old, new)


def _limits(was: RequestLimits, now: RequestLimits) -> Iterator[_InEnvironment]:
    above: Path = ("serving", "limits")
    if (amount(Bytes, now.body) or 0) < (amount(Bytes, was.body) or 0):
        yield "body-limit-lowered", _instead("body", was.body, now.body), (*above, "body"), now.body
    if (amount(Duration, now.timeout) or 0) < (amount(Duration, was.timeout) or 0):
        text = _instead("timeout", was.timeout, now.timeout)
        yield "timeout-lowered", text, (*above, "timeout"), now.timeout
    if now.concurrency < was.concurrency:
        text = _instead("concurrency", was.concurrency, now.concurrency)
        yield "concurrency-lowered", text, (*above, "concurrency"), str(now.concurrency)


def _instead(name: str, was: object, now: object) -> str:
    return f"{name} is {value(now)} instead of {value(was)}"


def _promises(old: Environment, new: Environment) -> Iterator[_InEnvironment]:
    was, now, above = old.promises.availability, new.promises.availability, ("serving", "objectives")
    if (amount(Percentage, now) or 0) < (amount(Percentage, was) or 0):
        text = _instead("availability", was, now)
        yield "objective-loosened", text, (*above, "availability"), f"availability={now}"
    for name, before in old.promises.latency.items():
        after = new.promises.latency.get(name)
        path = (*above, "latency", name)
        if after is None:
            text = f"latency {name} {value(before)} is no longer an objective"
            yield "objective-loosened", text, path, f"{name}="
        elif (amount(Duration, after) or 0) > (amount(Duration, before) or 0):
            text = _instead(f"latency {name}", before, after)
            yield "objective-loosened", text, path, f"{name}={after}"


def _addresses(old: Mapping[str, Environment], new: Mapping[str, Environment]) -> Iterator[Breach]:
    """Ports and paths that a Service or a route no longer has, where it is still there."""
    kept = [(old[name].addresses, new[name].addresses) for name in old if name in new]
    ports = {
        (service, port)
        for was, now in kept
        for service, numbers in was.ports.items()
        for port in numbers
        if port not in now.ports.get(service, numbers)
    }
    for service in sorted({service for service, _ in ports}):
        lost = listed([str(port) for name, port in sorted(ports) if name == service])
        text = f"the Service {service} no longer listens on {lost}"
        yield _breach("port-changed", text, about=f"{service}={lost}")
    paths = {path for was, now in kept if now.paths for path in was.paths if path not in now.paths}
    for path in sorted(paths):
        yield _breach("path-removed", f"the route no longer leads to {path}", about=path)
