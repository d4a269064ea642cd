"""Which alerts come, go and change, read out of the rules themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler.effects.normal import mapping, word
from aimass_compiler.effects.objects import differ, objects
from aimass_compiler.effects.sentences import listed
from aimass_compiler.effects.told import Sign, Told
from aimass_compiler.plan import Files

_KIND = "PrometheusRule"
_FEW = 3
#: What is said of one alert, and of several.
_VERBS = {
    Sign.ADDED: ("is added", "are added"),
    Sign.REMOVED: ("is removed", "are removed"),
    Sign.CHANGED: ("fires on something else", "fire on something else"),
}
#: Name, objective and severity, which tell alerts of one name apart, and the environment.
_Identity = tuple[str, str, str, str]


def alert_changes(before: Files, after: Files) -> Iterator[Told]:
    """The alerts that differ between two sets of files, each once with its environments."""
    if not differ(before, after, _KIND):
        return
    old, new = _alerts(before), _alerts(after)
    found: defaultdict[tuple[Sign, str, str, str], list[str]] = defaultdict(list)
    for identity in [*new, *(identity for identity in old if identity not in new)]:
        if old.get(identity) != new.get(identity):
            name, objective, severity, environment = identity
            sign = Sign.REMOVED if identity not in new else Sign.CHANGED if identity in old else Sign.ADDED
            found[sign, name, objective, environment].append(severity)
    places: defaultdict[tuple[Sign, str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (sign, name, objective, environment), marked in found.items():
        places[sign, name, objective, tuple(marked)].append(environment)
    every = {environment for _, _, _, environment in (*old, *new)}
    named: defaultdict[tuple[Sign, tuple[str, ...]], list[str]] = defaultdict(list)
    for (sign, name, objective, severities), environments in places.items():
        known = {severity for alert, mark, severity, _ in (*old, *new) if (alert, mark) == (name, objective)}
        severity = "" if known == set(severities) else listed(severities)
        marks = ", ".join(mark for mark in (objective, severity) if mark)
        named[sign, tuple(environments)].append(f"{name} ({marks})" if marks else name)
    for (sign, where_all), names in named.items():
        where = "" if set(where_all) == every else f" in {listed(where_all)}"
        one, several = _VERBS[sign]
        texts = [f"the alert {name} {one}{where}" for name in names]
        if len(names) > _FEW:  # as when an environment comes or goes
            texts = [f"{len(names)} alerts {several}{where}: {', '.join(names)}"]
        yield from (Told(sign, text, environments=where_all) for text in texts)


def _alerts(files: Files) -> dict[_Identity, Any]:
    """What each alert fires on, and for how long that must hold."""
    found: dict[_Identity, Any] = {}
    for document in objects(files, _KIND):
        groups = mapping(document.get("spec")).get("groups")
        for group in groups if isinstance(groups, list) else []:
            rules = mapping(group).get("rules")
            for rule in rules if isinstance(rules, list) else []:
                if isinstance(rule, Mapping) and isinstance(rule.get("alert"), str):
                    labels = mapping(rule.get("labels"))
                    marks = [word(labels.get(key)) for key in ("objective", "severity", "environment")]
                    found[rule["alert"], marks[0], marks[1], marks[2]] = [
                        rule[key] for key in ("expr", "for") if isinstance(rule.get(key), str)
                    ]
    return found
