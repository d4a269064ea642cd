"""The way out names what was meant, and one mistake is told once."""

from __future__ import annotations

import pytest

from aimass_compiler.diagnostics import nearest
from tests.cases.front_end import base, told


@pytest.mark.parametrize(
    ("word", "candidates", "meant"),
    [
        ("auc_roc", ["accuracy", "roc_auc"], "roc_auc"),
        ("AUC", ["accuracy", "roc_auc"], "roc_auc"),
        ("rmse", ["r2", "root_mean_squared_error"], "root_mean_squared_error"),
        ("rmse", ["accuracy", "roc_auc"], None),
        ("boolean", ["category", "number"], "category"),
        ("production", ["dev", "prod"], "prod"),
        ("tenuer", ["charges", "tenure"], "tenure"),
        ("Plan", ["plan", "Plan_b"], "plan"),
        ("colour", ["charges", "tenure"], None),
    ],
)
def test_the_nearest_word(word: str, candidates: list[str], meant: str | None) -> None:
    assert nearest(word, candidates) == meant


@pytest.mark.parametrize("written", ["string", "{type: str}"])
def test_a_string_may_be_a_name_or_sentences(written: str) -> None:
    (finding,) = told(base(f"data: {{columns: {{plan: {written}}}}}"))
    assert (finding.code, finding.help) == ("AM105", "did you mean `category` or `text`?")


def test_a_misspelt_column_is_not_told_again_as_one_that_no_feature_reads() -> None:
    assert [finding.code for finding in told(base("features: [one_hot: paln]"))] == ["AM210"]


def test_a_category_that_no_feature_reads_is_told_beside_an_unlike_name() -> None:
    codes = [finding.code for finding in told(base("features: [one_hot: colour]"))]
    assert codes == ["AM216", "AM210"]


def test_what_an_environment_shares_with_all_is_told_once() -> None:
    changes = (
        "serving: {resources: {cpu: 500}}\nenvironments: {prod: {serving: {replicas: {min: 3, max: 20}}}}"
    )
    found = [finding for finding in told(base(changes)) if finding.code == "AM304"]
    assert [finding.path for finding in found] == [("serving", "resources", "cpu")]


@pytest.mark.parametrize(
    ("change", "way_out"),
    [
        ("evaluation: {gates: [{metric: roc_auc, min: 80%}]}", "write 0.8 for 80 %"),
        ("data: {columns: {charges: {type: number, missing: 5}}}", "write 0.05 for 5 %"),
        ("features: [one_hot plan]", "a `:` is missing: `one_hot: plan`"),
        (
            "data: {sources: {customers: data/customers}}",
            "name the kind: `{arrow: data/customers}`, `{csv: data/customers}`",
        ),
    ],
)
def test_the_way_out_is_in_the_users_own_values(change: str, way_out: str) -> None:
    assert any(finding.help.startswith(way_out) for finding in told(base(change)))
