"""Every mistake of a spec is told once, at its place, and hides none that has nothing to do with it."""

from __future__ import annotations

import pytest

from aimass_compiler.diagnostics import Path
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.decode.model_spec import ModelSpec
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import SHOWN, base, told

#: A change to a sound spec → where the only mistake is, its code, and words of the message or the help.
MISTAKES: dict[str, tuple[Path, str, str]] = {
    "features: [bucket: {column: tenure, count: 1}]": (
        ("features", 0, "bucket", "count"),
        "AM104",
        "at least 2",
    ),
    "features: [bucket: {column: tenure, cout: 3}]": (
        ("features", 0, "bucket", "cout"),
        "AM102",
        "did you mean `count`?",
    ),
    "features: [bucket: {colum: tenure}]": (
        ("features", 0, "bucket", "colum"),
        "AM102",
        "did you mean `column`?",
    ),
    "features: [bucket: 5]": (("features", 0, "bucket"), "AM103", "`bucket` must be a string, not `5`"),
    "features: [buckett: tenure]": (("features", 0, "buckett"), "AM106", "did you mean `bucket`?"),
    "features: [bucket]": (("features", 0), "AM101", "`column` is missing in `bucket`"),
    "features: {one_hot: plan}": (("features",), "AM103", "begin each item with `- `"),
    "features: [{log: tenure, one_hot: plan}]": (("features", 0), "AM100", "a separate line"),
    "serving: {resources: {memory: 512}}": (
        ("serving", "resources", "memory"),
        "AM104",
        "did you mean `512Mi`?",
    ),
    "model: [xgboost]": (("model",), "AM100", "remove the `- ` or the brackets"),
    "model: {xgboost: {}, mlp: {}}": (("model",), "AM100", "keep one of them"),
    "data: {split: {by: hsh}}": (("data", "split", "by"), "AM106", "did you mean `hash`?"),
    "data: {split: {by: group, column: plan, key: plan}}": (
        ("data", "split", "key"),
        "AM102",
        "known here: `by`, `column`, `seed`, `test`, `train`, `validation`",
    ),
    "data: {sources: {customers: data/customers.xls}}": (
        ("data", "sources", "customers"),
        "AM106",
        "`{csv: data/customers.xls}`",
    ),
    "data: {clean: [standardize: tenure]}": (
        ("data", "clean", 0, "standardize"),
        "AM106",
        "belongs to `features`",
    ),
    "data: {columns: {tenure: numbr}}": (
        ("data", "columns", "tenure"),
        "AM105",
        "did you mean `number`?",
    ),
    "data: {columns: {tenure: null}}": (("data", "columns", "tenure"), "AM101", "needs a `type`"),
    "data: {columns: {plan: {type: category, values: [a, true]}}}": (
        ("data", "columns", "plan", "values", 1),
        "AM103",
        'quote it: `"true"`',
    ),
    "data: {columns: {plan: {type: category, values: [1]}}}": (
        ("data", "columns", "plan", "values", 0),
        "AM103",
        'quote it: `"1"`',
    ),
    "data: {columns: {tenure: {type: number, min: .inf}}}": (
        ("data", "columns", "tenure", "min"),
        "AM103",
        "a finite number",
    ),
    "model: {xgboost: {max_depth: {choise: [4]}}}": (
        ("model", "xgboost", "max_depth"),
        "AM103",
        "did you mean `choice`?",
    ),
    "model: {xgboost: {max_depth: {choice: [4, six]}}}": (
        ("model", "xgboost", "max_depth"),
        "AM104",
        "each value of `max_depth` must be a whole number, not `six`",
    ),
    "model: {xgboost: {subsample: {uniform: [0.5, 2]}}}": (
        ("model", "xgboost", "subsample"),
        "AM104",
        "`subsample` must be less than or equal to 1",
    ),
    "model: {xgboost: {max_bin: {choice: [4]}}}": (
        ("model", "xgboost", "max_bin"),
        "AM103",
        "cannot be searched",
    ),
    "monitoring:": (("monitoring",), "AM103", "leave the key out"),
    "serving: {replicas: 3}": (("serving", "replicas"), "AM103", "its keys are `cpu`, `idle`, `max`, `min`"),
    "evaluation: {metrics: roc_auc}": (("evaluation", "metrics"), "AM103", 'write `["roc_auc"]`'),
    "training: {epochs: '5'}": (("training", "epochs"), "AM103", "remove the quotes: `5`"),
    "search: {time: 30}": (("search", "time"), "AM100", "write it like `30s`"),
    "xgboost: {}": (("xgboost",), "AM102", "`xgboost` is a model"),
}
#: Those that say the same part in several ways, so that no spec has all of them.
ALTERNATIVES: dict[str, tuple[Path, str, str]] = {
    "task: forecast": (("task",), "AM105", "`task: {forecast: {…}}`"),
    "task: clusterin": (("task",), "AM105", "did you mean `clustering`?"),
    "task: {forecast: 3, clustering: {}}": (
        ("task", "clustering"),
        "AM102",
        "write it alone: `task: clustering`",
    ),
    "task: {forecast: {horizon: 3, every: 2x}}": (
        ("task", "forecast", "every"),
        "AM100",
        "or write `month`",
    ),
    "training: {class_weights: balance}": (
        ("training", "class_weights"),
        "AM103",
        "a mapping or `balanced`, not `balance` did you mean `balanced`?",
    ),
    "model: external": (("model",), "AM101", "the folder of its files"),
    "model: {external: {command: python3 fit.py}}": (
        ("model", "external", "command"),
        "AM100",
        "write `[python3, fit.py]`",
    ),
}


@pytest.mark.parametrize("change", MISTAKES | ALTERNATIVES)
def test_a_mistake_is_told_once_at_its_place(change: str) -> None:
    path, code, words = (MISTAKES | ALTERNATIVES)[change]
    [finding] = decode(ModelSpec, base(change), SHOWN)[1]
    assert (finding.path, finding.code) == (path, code)
    assert words in f"{finding.message} {finding.help}"


def test_of_another_version_of_the_language_only_that_is_reported() -> None:
    [finding] = decode(ModelSpec, base("{apiVersion: aimass/v9, featuers: []}"), SHOWN)[1]
    assert (finding.path, finding.code) == (("apiVersion",), "AM019")
    assert finding.message == "this compiler reads `aimass/v1`, not `aimass/v9`"


def test_several_mistakes_are_all_told() -> None:
    changes = list(MISTAKES)[-6:]
    together = base("\n".join(changes))
    assert {finding.path for finding in decode(ModelSpec, together, SHOWN)[1]} == {
        MISTAKES[change][0] for change in changes
    }


def test_all_missing_keys_are_told() -> None:
    findings = decode(ModelSpec, {}, SHOWN)[1]
    assert {finding.message.split("`")[1] for finding in findings} == {
        "apiVersion",
        "kind",
        "metadata",
        "data",
        "target",
    }


def test_a_mistake_that_others_do_not_rest_on_hides_nothing() -> None:
    spec, findings = decode(ModelSpec, base("serving: {replica: {min: 3}, limits: {timeout: soon}}"), SHOWN)
    assert len(findings) == 2
    assert spec is not None
    assert spec.serving.limits.timeout == "2s"


@pytest.mark.parametrize(
    "part", ["data: {clean: [{}]}", "features: [one_hot: 5]", "model: {mlp: {hiden: 3}}"]
)
def test_a_mistake_that_others_rest_on_hides_nothing_else(part: str) -> None:
    change = f"{part}\nserving: {{replicas: {{min: 3, max: 1}}}}\nevaluation: {{slices: [pln]}}"
    found = [finding.code for finding in told(base(change))]
    assert "AM241" in found
    assert ("AM228" in found) is not part.startswith("data")
    assert len(found) == 3 - part.startswith("data")


def test_a_misspelt_model_does_not_hide_what_is_wrong_with_features() -> None:
    found = told(base("model: xgbost\nfeatures: [standardize: tenre, one_hot: plan]"))
    assert [finding.code for finding in found] == ["AM106", "AM210"]


def test_a_target_that_does_not_exist_does_not_hide_what_is_wrong_with_serving() -> None:
    found = told(base("target: churn\nserving: {replicas: {min: 3, max: 1}}"))
    assert [finding.code for finding in found] == ["AM201", "AM241"]


TASKS = {
    "forecast: {horizon: 0}": ["AM104"],
    "forecast: {horizon: 3, time: dy}": ["AM380"],
    "forecast: {horizon: 3, backtest: {windows: 0}}": ["AM104"],
}


@pytest.mark.parametrize("task", TASKS)
def test_a_forecast_that_is_not_understood_is_not_taken_for_a_regression(task: str) -> None:
    change = (
        f"data: {{columns: {{day: time}}}}\ntarget: tenure\nmodel: lightgbm\ntask: {{{task}}}\n"
        "features: [lags: {column: tenure, lags: [1]}, one_hot: [plan, churned]]\n"
        "evaluation: {metrics: [mase], gates: [{metric: mase, beats: seasonal_naive}]}"
    )
    assert [finding.code for finding in told(base(change))] == TASKS[task]


def test_a_mistake_in_a_spec_without_a_target_is_not_about_a_target() -> None:
    spec = base("task: clustering\nmodel: {k_means: {clusters: 0}}\nfeatures: [one_hot: [plan, churned]]")
    del spec["target"]
    assert [finding.code for finding in told(spec)] == ["AM104"]


@pytest.mark.parametrize("text", ["00123", "1e3", "0x10", "True", "NULL", "-0", "1.50"])
def test_a_value_is_shown_as_it_was_written(text: str) -> None:
    change = f"data: {{columns: {{plan: {{type: category, values: [a, {text}]}}}}}}"
    document, _ = parse(f"{change}\n", SHOWN)
    findings = decode(ModelSpec, document.data, SHOWN, document.written)[1]
    found = [each for each in findings if each.path[-2:] == ("values", 1)]
    assert [(each.message.partition(", not ")[2], each.help) for each in found] == [
        (f"`{text}`", f'quote it: `"{text}"`')
    ]


@pytest.mark.parametrize(
    ("written", "told"), [("min: '5'", "`5`"), ("min: &a true", "`true`"), ("min: !!bool TRUE", "`true`")]
)
def test_what_has_quotes_or_an_anchor_is_shown_as_it_is_read(written: str, told: str) -> None:
    document, _ = parse(f"data: {{columns: {{age: {{type: number, {written}}}}}}}\n", SHOWN)
    findings = decode(ModelSpec, document.data, SHOWN, document.written)[1]
    assert told in {each.message.partition(", not ")[2] for each in findings if each.path[-1:] == ("min",)}
