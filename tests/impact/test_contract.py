"""Every rule about what callers rely on has an edit that it stops, and what stands beside it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimass_compiler.impact.contract import RULES, Compatibility
from impact.specs import BEFORE, SETTINGS, SETTINGS_FILE, SPEC, SPEC_FILE, compiled, edited, meaning, noticed

if TYPE_CHECKING:
    from pathlib import Path

Edit = tuple[str, str]
ROUTE = ("  limits:", "  gateway: {host: churn.example.com}\n  limits:")
AGE = "    age: {type: number, min: 16, max: 120, unit: years}\n"
LEAVERS = ("name: churn", "name: leavers")
WITHOUT_NOTE = ("  - hash_text: {column: note, size: 64}\n", "")
#: Rule → what is done to the spec.
EDITS: dict[str, list[Edit]] = {
    "task-changed": [
        ("target: churned", "target: charges"),
        ("{metric: roc_auc}", "{metric: root_mean_squared_error}"),
        ("  - impute: {columns: [charges], with: median}\n", ""),
        ("standardize: [charges, age]", "standardize: age"),
        ("logistic_regression:\n    l2: {loguniform: [0.01, 100]}", "linear_regression: {}"),
        (
            "    - {metric: roc_auc, min: 0.8}\n    - {metric: roc_auc, overfit: 0.08}\n",
            "    - {metric: r2, min: 0}\n",
        ),
        ("{type: number, min: 0, missing: 0.1}", "{type: number, min: 0}"),
    ],
    "class-removed": [('["no", "yes"]', '["no", "maybe"]')],
    "class-added": [('["no", "yes"]', '["no", "maybe", "yes"]'), ("{metric: roc_auc}", "{metric: log_loss}")],
    "class-reordered": [('["no", "yes"]', '["yes", "no"]')],
    "positive-class-changed": [('["no", "yes"]', '["yes", "no"]')],
    "input-removed": [("    note: text\n", ""), WITHOUT_NOTE],
    "input-ignored": [WITHOUT_NOTE],
    "input-added-required": [(AGE, f"{AGE}    tenure: number\n")],
    "input-added-optional": [
        (AGE, f"{AGE}    tenure: {{type: number, missing: 0.5}}\n"),
        ("columns: [charges], with", "columns: [charges, tenure], with"),
    ],
    "input-type-changed": [
        ("note: text", "note: number"),
        WITHOUT_NOTE,
    ],
    "input-unit-changed": [("unit: years", "unit: months")],
    "input-min-raised": [("min: 16", "min: 18")],
    "input-max-lowered": [("max: 120", "max: 100")],
    "input-value-removed": [("[basic, plus, pro]", "[plus, pro]")],
    "input-values-closed": [("region: category", "region: {type: category, values: [north, south]}")],
    "input-required": [("{type: number, min: 0, missing: 0.1}", "{type: number, min: 0}")],
    "input-widened": [("max: 120", "max: 130")],
    "body-limit-lowered": [("body: 1Mi", "body: 512Ki")],
    "timeout-lowered": [("timeout: 2s", "timeout: 1500ms")],
    "concurrency-lowered": [("concurrency: 64", "concurrency: 32")],
    "objective-loosened": [("99.9%", "99.5%")],
}
OF_SETTINGS: dict[str, list[Edit]] = {
    "environment-removed": [("  staging: {}\n", "")],
    "namespace-changed": [("prod: {}", "prod: {namespace: production}")],
}
AFTERS = {
    **{rule: {**BEFORE, SPEC_FILE: edited(SPEC, *edits)} for rule, edits in EDITS.items()},
    **{rule: {**BEFORE, SETTINGS_FILE: edited(SETTINGS, *edits)} for rule, edits in OF_SETTINGS.items()},
    "model-removed": {SETTINGS_FILE: SETTINGS},
    "model-renamed": {
        SETTINGS_FILE: SETTINGS,
        "specs/leavers.yaml": edited(SPEC, ("name: churn", "name: leavers")),
    },
}
#: The next days of a number.
FORECAST = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: churn}
data:
  sources: {sales: data/sales.csv}
  columns: {day: time, sold: number}
target: sold
task: {forecast: HORIZON}
features: [lags: {column: sold, lags: [1, 7]}]
model: lightgbm
"""
#: What a caller never sees.
HARMLESS: dict[str, list[Edit]] = {
    "replicas": [("{min: 2, max: 10}", "{min: 3, max: 12}")],
    "higher limits": [("concurrency: 64, timeout: 2s, body: 1Mi", "concurrency: 99, timeout: 3s, body: 2Mi")],
    "the same limit in other words": [("timeout: 2s", "timeout: 2000ms")],
    "a tighter objective": [("99.9%", "99.95%")],
    "another model": [("logistic_regression:\n    l2: {loguniform: [0.01, 100]}", "naive_bayes: {}")],
    "a text that was a category": [
        ("region: category", "region: text"),
        ("[plan, region]", "[plan]"),
        ("ordinal: region", "hash_text: region"),
    ],
    "a route": [ROUTE],
}


@pytest.mark.parametrize("rule", AFTERS)
def test_a_rule_stops_its_edit(rule: str, generated: dict[str, bytes], tmp_path: Path) -> None:
    found = [breach for _, breach in noticed(meaning(tmp_path, generated, AFTERS[rule]))]
    assert rule in [breach.rule for breach in found]
    assert all(breach.severity is RULES[breach.rule].severity for breach in found)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_callers_do_not_see_breaks_nothing(
    name: str, generated: dict[str, bytes], tmp_path: Path
) -> None:
    after = {**BEFORE, SPEC_FILE: edited(SPEC, *HARMLESS[name])}
    assert noticed(meaning(tmp_path, generated, after)) == []


def test_a_host_is_an_address(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    routed = {**BEFORE, SPEC_FILE: edited(SPEC, ROUTE)}
    _, before = compiled(tmp_path, routed)
    other = {**routed, SPEC_FILE: routed[SPEC_FILE].replace("churn.example.com", "leavers.example.com")}
    for after in (other, BEFORE):
        found = meaning(tmp_path_factory.mktemp("after"), before, after)
        assert [breach.rule for _, breach in found.breaches] == ["host-changed"]


def test_ports_and_paths_are_addresses(
    generated: dict[str, bytes], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (breach,) = (
        breach for _, breach in meaning(tmp_path, recorded(generated, b"8080", b"9090"), BEFORE).breaches
    )
    assert (breach.rule, breach.text) == (
        "port-changed",
        "the Service churn no longer listens on 9090: the Service listens elsewhere",
    )
    routed = {**BEFORE, SPEC_FILE: edited(SPEC, ROUTE)}
    _, before = compiled(tmp_path_factory.mktemp("before"), routed)
    before = recorded(before, b'"/predict"', b'"/v1/predict"')
    (breach,) = (breach for _, breach in meaning(tmp_path_factory.mktemp("after"), before, routed).breaches)
    assert (breach.rule, "/v1/predict" in breach.text) == ("path-removed", True)


def recorded(files: dict[str, bytes], now: bytes, then: bytes) -> dict[str, bytes]:
    """The files with another value in the record."""
    assert now in files["churn/resolved.json"]
    return {**files, "churn/resolved.json": files["churn/resolved.json"].replace(now, then)}


#: Rule → what one break of it is called where it is accepted.
NAMES = {
    "task-changed": "task-changed:regression",
    "class-removed": "class-removed:yes",
    "class-reordered": "class-reordered:yes,no",
    "input-removed": "input-removed:note",
    "input-type-changed": "input-type-changed:note=number",
    "input-min-raised": "input-min-raised:age=18",
    "input-value-removed": "input-value-removed:plan=basic",
    "timeout-lowered": "timeout-lowered:dev,staging,prod=1500ms",
    "objective-loosened": "objective-loosened:dev,staging,prod=availability=99.5%",
    "environment-removed": "environment-removed:staging",
    "namespace-changed": "namespace-changed:prod=production",
    "model-renamed": "model-renamed:churn",
}


@pytest.mark.parametrize("rule", NAMES)
def test_a_break_has_a_name_by_which_exactly_it_is_accepted(
    rule: str, generated: dict[str, bytes], tmp_path: Path
) -> None:
    found = noticed(meaning(tmp_path, generated, AFTERS[rule]))
    assert NAMES[rule] in {breach.name for _, breach in found}


def test_another_horizon_breaks_who_reads_the_answers(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    days, weeks = ({**BEFORE, SPEC_FILE: FORECAST.replace("HORIZON", horizon)} for horizon in ("7", "14"))
    _, before = compiled(tmp_path, days)
    found = meaning(tmp_path_factory.mktemp("after"), before, weeks)
    assert "horizon-changed" in [breach.rule for _, breach in noticed(found)]


def test_every_rule_is_tested() -> None:
    assert {*AFTERS, "host-changed", "port-changed", "path-removed", "horizon-changed"} == set(RULES)
    assert {rule.severity for rule in RULES.values()} == set(Compatibility)


def test_a_rule_is_allowed_everywhere_or_for_one_model(generated: dict[str, bytes], tmp_path: Path) -> None:
    after = AFTERS["input-min-raised"]
    for allowed, told in (
        ("input-min-raised", True),
        ("churn:input-min-raised", True),
        ("x:input-min-raised", False),
    ):
        ((_, breach),) = noticed(meaning(tmp_path, generated, after, allowed))
        assert breach.is_allowed is told
