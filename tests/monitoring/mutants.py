"""Alert rules with one thing wrong in each, side by side in one file, so that promtool runs once for all."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aimass_compiler.catalog.quantities import Duration

Rule = dict[str, Any]

_NUMBER = re.compile(r"(?P<sign>>=?) (?P<number>[0-9.e-]+)")
_WINDOW = re.compile(r"\[(?P<number>\d+)(?P<unit>[mhd])")
_RECORDED = re.compile(r"aimass:[a-z0-9_]+:bad_ratio_rate\w+")
_BURN = re.compile(
    r"(?P<name>aimass:\w+:bad_ratio_rate)(?P<short>\w+)(?P<middle>\{.*\n.*:bad_ratio_rate)(?P<long>\w+)\{"
)
#: Words whose change turns an alert into another one, and what they become.
_WORDS = (
    (" and ", " or "),
    ("\nand ", "\nor "),
    ("and on (namespace, pod)", "and on (namespace)"),
    ("\nunless ", "\nand "),
    (" offset 1d", " offset 2d"),
    (" offset 1d", ""),
    ('code=~"5.."', 'code=~"[45].."'),
    ('code=~"5.."', 'code=~"4.."'),
    ("avg by (namespace, model, feature)", "max by (namespace, model, feature)"),
    ("avg by (namespace, model, feature)", "sum by (namespace, model, feature)"),
    ("sum by (namespace, model) (aimass_", "max by (namespace, model) (aimass_"),
    ("absent(", "count("),
    ("1 - up", "up"),
)  # fmt: skip


#: How a rule with something wrong is called: its own name, then its number.
MARK = re.compile(r"M(\d+)M$")


@dataclass(frozen=True)
class Mutant:
    """One rule with one thing wrong."""

    what: str
    rule: Rule


#: What is put wrong in words and makes no difference that matters, and why.
EQUIVALENT = {
    r"_rate(5m|30m|2h): .* becomes (60|300|1200)s$": "a shorter look at whether it goes on ends it sooner",
    r"^aimass:.*: any (model|namespace)$": "what is recorded of others is not asked for",
    r"^ModelSaturated ticket: window 2: ": "how many requests a server takes does not change while it runs",
    r"_rate3d: .* becomes 1555200s$": "nothing is told of what was more than three days ago",
}


def is_equivalent(mutant: Mutant) -> bool:
    """Whether no test can be expected to notice."""
    return any(re.search(pattern, mutant.what) for pattern in EQUIVALENT)


def mutants(groups: list[dict[str, Any]]) -> Iterator[Mutant]:
    """Every rule of the groups in every wrong form that we can think of."""
    for group in groups:
        for rule in group["rules"]:
            yield from _of_rule(rule)


def _of_rule(rule: Rule) -> Iterator[Mutant]:
    told = rule.get("record") or " ".join([rule["alert"], *map(rule["labels"].get, ("severity",))])
    expressions = _of_record(rule["expr"]) if "record" in rule else _of_alert(rule["expr"])
    for what, expression in expressions:
        if expression != rule["expr"]:
            yield Mutant(f"{told}: {what}", {**rule, "expr": expression})
    for hold in ("0m", f"{2 * int(rule['for'][:-1])}m") if "for" in rule else ():
        yield Mutant(f"{told}: for {hold}", {**rule, "for": hold})


def _of_record(text: str) -> Iterator[tuple[str, str]]:
    """The same window everywhere: where there are as many requests all the time, one alone says the same."""
    for window in dict.fromkeys(found[0] for found in _WINDOW.finditer(text)):
        for other in _other_windows(window):
            yield f"{window}] becomes {other}", text.replace(window, f"[{other}")
    yield from _of_words(text)


def _of_alert(text: str) -> Iterator[tuple[str, str]]:
    yield from _limits(text)
    for place, found in enumerate(_WINDOW.finditer(text), 1):
        # The windows over which bad requests are counted stand behind their own condition.
        if "and (" in text and text.rfind("and (", 0, found.start()) > text.rfind("\n", 0, found.start()):
            continue
        for other in _other_windows(found[0]):
            yield f"window {place}: {found[0]}] becomes {other}", _put(text, found, f"[{other}")
    yield from _of_words(text)


def _other_windows(window: str) -> tuple[str, str]:
    """A sixth of it, and six times as long."""
    seconds = Duration(window.removeprefix("[")).seconds
    return f"{max(60, seconds / 6):.0f}s", f"{seconds * 6:.0f}s"


def _of_words(text: str) -> Iterator[tuple[str, str]]:
    for right, wrong in _WORDS:
        if right in text:
            yield f"{right.strip()} becomes {wrong.strip()}", text.replace(right, wrong)
    for label in ("model", "job", "namespace"):
        yield f"any {label}", re.sub(rf'\b{label}="[^"]*",?', "", text)
    branches = text.split("or\n")
    for number in range(len(branches) if len(branches) > 1 else 0):
        yield f"without branch {number}", "or\n".join(branches[:number] + branches[number + 1 :])
    for found in _BURN.finditer(text):
        yield (
            f"{found['short']} not looked at",
            _put(
                text, found, found[0].replace(found["name"] + found["short"], found["name"] + found["long"])
            ),
        )
        yield (
            f"{found['long']} not looked at",
            _put(text, found, found[0].replace(f"rate{found['long']}{{", f"rate{found['short']}{{")),
        )


def _limits(text: str) -> Iterator[tuple[str, str]]:
    """Each limit half as high again, and a third lower; where several conditions share one, all of them."""
    for sign, number in dict.fromkeys(_NUMBER.findall(text)):
        limit = float(number)
        for other in (1.0, -1.0) if limit == 0 else (limit * 1.5, limit / 1.5):
            wrong = re.sub(rf"{sign} {re.escape(number)}(?=\s|$)", f"{sign} {other:.6g}", text)
            yield f"{sign} {number} becomes {other:.6g}", wrong


def _put(text: str, found: re.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]


def with_mutants(
    rules: Mapping[str, Any], tests: list[dict[str, Any]], chosen: list[Mutant]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The rule file with all mutants in it, and tests that expect of each what the right one does."""
    grown: dict[str, Any] = copy.deepcopy(dict(rules))
    renamed: dict[str, list[tuple[str, Rule]]] = {}
    for number, mutant in enumerate(chosen):
        mark = f"M{number}M"
        if "record" in mutant.rule:
            name = mutant.rule["record"]
            grown["groups"][0]["rules"].append({**mutant.rule, "record": name + mark})
            readers = [rule for group in rules["groups"] for rule in group["rules"] if name in _read(rule)]
            wrong = [{**rule, "expr": re.sub(rf"{name}\b", name + mark, rule["expr"])} for rule in readers]
        else:
            wrong = [mutant.rule]
        for rule in wrong:
            renamed.setdefault(rule["alert"], []).append((rule["alert"] + mark, rule))
    for named in renamed.values():
        grown["groups"][-1]["rules"] += [{**rule, "alert": name} for name, rule in named]
    return grown, [_expecting(test, renamed) for test in copy.deepcopy(tests)]


def _read(rule: Rule) -> list[str]:
    return _RECORDED.findall(rule["expr"]) if "alert" in rule else []


def _expecting(test: dict[str, Any], renamed: Mapping[str, list[tuple[str, Rule]]]) -> dict[str, Any]:
    """The mutants of an alert are to be raised where that is."""
    for each in test["tests"]:
        for look in list(each["alert_rule_test"]):
            by_name: dict[str, list[Any]] = {}
            for name, rule in renamed.get(look["alertname"], ()):
                by_name.setdefault(name, []).extend(
                    alert
                    for alert in look["exp_alerts"]
                    if all(alert["exp_labels"].get(key) == value for key, value in rule["labels"].items())
                )
            each["alert_rule_test"] += [
                {**look, "alertname": name, "exp_alerts": alerts} for name, alerts in by_name.items()
            ]
    return test
