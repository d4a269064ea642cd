"""What the checks find beyond their examples: in the flow of columns, in environments, in amounts."""

from __future__ import annotations

import pytest

from aimass_compiler.pipeline.schedule import shortest_gap
from aimass_compiler.pipeline.settings import Settings
from tests.cases.front_end import base, checked


def codes(change: str) -> list[str]:
    return [finding.code for finding in checked(base(change))[1]]


CHARGES_HAVE_GAPS = "data: {columns: {charges: {type: number, missing: 0.1}}}\n"


@pytest.mark.parametrize(
    "features",
    [
        "[impute: charges, one_hot: plan]",
        "[standardize: charges, impute: charges, one_hot: plan]",
        "[impute: {columns: charges, indicator: true}, one_hot: plan]",
        "[bucket: charges, one_hot: plan]",
        "[drop: charges, one_hot: plan]",
        "[compute: {name: had, formula: missing(charges)}, drop: charges, one_hot: plan]",
        "[compute: {name: had, formula: '2 * missing(charges) + tenure'}, drop: charges, one_hot: plan]",
        "[compute: {name: high, formula: charges > 3}, drop: charges, one_hot: plan]",
        "[impute: {columns: charges, with: constant, value: 0}, select: 1, one_hot: plan]",
    ],
)
def test_gaps_that_are_filled_or_left_out_are_fine(features: str) -> None:
    assert codes(f"{CHARGES_HAVE_GAPS}features: {features}") == []


@pytest.mark.parametrize(
    "features",
    [
        "[one_hot: plan]",
        "[standardize: charges, one_hot: plan]",
        "[log: charges, clip: {columns: charges, min: 0}, one_hot: plan]",
        "[compute: {name: twice, formula: 2 * charges}, drop: charges, one_hot: plan]",
        "[compute: {name: twice, formula: 2 * charges}, impute: charges, one_hot: plan]",
        "[select: {top: 1}, one_hot: plan]",
    ],
)
def test_gaps_that_reach_the_model_are_told_once(features: str) -> None:
    assert codes(f"{CHARGES_HAVE_GAPS}features: {features}") == ["AM222"]


def test_a_model_that_takes_gaps_needs_nothing_filled() -> None:
    assert codes(f"{CHARGES_HAVE_GAPS}model: xgboost\nfeatures: [one_hot: plan]") == []


def test_a_category_with_gaps_is_all_zeros() -> None:
    assert codes("data: {columns: {plan: {type: category, missing: 0.2}}}") == []


def test_one_mistake_is_told_once() -> None:
    features = "[bucket: {column: tenur, as: years}, one_hot: [plan, years], standardize: years]"
    assert codes(f"features: {features}") == ["AM210", "AM212"]


def test_a_column_that_is_no_feature_is_told_once_with_all_its_uses() -> None:
    uses = "[one_hot: [plan, churned], ordinal: churned, one_hot: customer_id, cross: [plan, churned]]"
    found = {each.code: each for each in checked(base(f"features: {uses}"))[1]}
    assert [note.path for note in found["AM213"].related[1:]] == [
        ("features", 1, "ordinal", "columns", 0),
        ("features", 3, "cross", "columns", 1),
    ]
    assert found["AM214"].related[1:] == ()
    many = ", ".join(["log: churned"] * 9)
    (told,) = (
        each for each in checked(base(f"features: [{many}, one_hot: plan]"))[1] if each.code == "AM213"
    )
    assert len(told.related) == 7
    assert told.related[-1].message == "here, too, and 2 more times"


@pytest.mark.parametrize("formula", ["tenure + plan", "plan", "(plan == 'pro') + plan", "log(plan)"])
def test_a_formula_that_cannot_be_computed_has_no_gaps_to_follow(formula: str) -> None:
    gaps = "data: {columns: {plan: {type: category, missing: 0.05}}}"
    compute = f'compute: {{name: plan, formula: "{formula}"}}'
    assert codes(f"{gaps}\nfeatures: [{compute}, standardize: [tenure, charges]]") == ["AM238"]


def test_what_is_told_names_the_transform_that_came_before() -> None:
    found = checked(base("features: [bucket: tenure, one_hot: plan, cross: [plan, tenure]]"))[1]
    assert {finding.message for finding in found} == {
        "`cross` takes a category or a bucket or code, but `one_hot` made `plan` a vector"
    }
    assert found[0].related[0].path == ("features", 1, "one_hot")
    assert found[0].help == "put `cross` before it"


def test_columns_that_serve_another_purpose_need_not_become_features() -> None:
    assert codes("features: [log: tenure]") == ["AM216"]
    assert codes("features: [log: tenure]\nevaluation: {slices: [plan]}") == []
    assert codes("features: [log: tenure]\ndata: {split: {by: random, stratify: plan}}") == []


def test_a_gate_of_either_direction_may_bound_overfitting() -> None:
    falls = "{metric: roc_auc, overfit: 0.05}, {metric: log_loss, overfit: 0.1}"
    assert codes(f"evaluation: {{gates: [{falls}, {{metric: roc_auc, beats: released}}]}}") == []


def test_an_override_is_told_where_it_was_written() -> None:
    change = "serving: {replicas: {min: 2, max: 4}}\nenvironments: {prod: {serving: {replicas: {min: 6}}}}"
    [finding] = checked(base(change))[1]
    assert finding.path == ("environments", "prod", "serving", "replicas", "min")


MISSPELT = """
data: {clean: [drop_duplicates: custmer_id], split: {by: group, column: custmer_id}}
features:
  - standardize: [tenur, charges]
  - log: tenur
  - bucket: {column: tenur, as: years}
  - one_hot: [plan, years]
evaluation: {slices: [plann]}
"""


def test_a_misspelt_column_is_told_where_it_was_written_and_nowhere_else() -> None:
    found = checked(base(MISSPELT))[1]
    assert [(finding.code, finding.path) for finding in found] == [
        ("AM234", ("data", "clean", 0, "drop_duplicates", "by", 0)),
        ("AM234", ("data", "split", "column")),
        ("AM210", ("features", 0, "standardize", "columns", 0)),
        ("AM210", ("features", 1, "log", "columns", 0)),
        ("AM210", ("features", 2, "bucket", "column")),
        ("AM228", ("evaluation", "slices", 0)),
    ]
    assert all(finding.fix is not None for finding in found)


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("churned_flag", True),
        ("is_churned", True),
        ("churn_label", True),
        ("CHURNED", True),
        ("churnedCode", True),
        ("churn_score", False),
        ("previous_churned", False),
        ("church", False),
        ("label", False),
    ],
)
def test_a_copy_of_the_target_is_known_by_its_name(name: str, is_told: bool) -> None:
    assert codes(f"data: {{columns: {{{name}: number}}}}") == (["AM260"] if is_told else [])


def test_a_copy_of_the_target_that_is_dropped_is_fine() -> None:
    change = "data: {columns: {churned_flag: number}}\nfeatures: [drop: churned_flag, one_hot: plan]"
    assert codes(change) == []


@pytest.mark.parametrize("feature", ["ordinal: customer_id", "cross: [plan, customer_id]"])
def test_a_key_is_no_feature_on_any_way(feature: str) -> None:
    assert codes(f"features: [{feature}, one_hot: plan]") == ["AM214"]


def test_a_key_is_no_feature_of_a_formula() -> None:
    assert codes("features: [compute: {name: x, formula: customer_id + 1}, one_hot: plan]") == ["AM214"]
    assert codes("features: [compute: {name: x, formula: churned + 1}, one_hot: plan]") == ["AM213"]


def test_an_indicator_is_worth_a_filling_that_is_dropped() -> None:
    features = "[impute: {columns: charges, indicator: true}, drop: charges, one_hot: plan]"
    assert codes(f"{CHARGES_HAVE_GAPS}features: {features}") == []


def test_what_an_earlier_transform_changed_is_not_judged_by_the_contract() -> None:
    assert codes("features: [log: tenure, clip: {columns: tenure, min: 0}, one_hot: plan]") == []


@pytest.mark.parametrize(
    ("claim", "is_told"),
    [
        ("tenure < 0", True),
        ("0 > tenure", True),
        ("tenure < 0 and charges > 1", True),
        ("tenure <= 0", False),
        ("tenure < 0 or charges > 1", False),
        ("not tenure < 0", False),
        ("charges < 0", False),
    ],
)
def test_rows_that_the_contract_refuses_cannot_be_kept(claim: str, is_told: bool) -> None:
    assert codes(f"data: {{clean: [keep: '{claim}']}}") == (["AM274"] if is_told else [])


def test_rows_of_a_key_that_are_made_unique_may_be_split_at_random() -> None:
    joined = "sources: {usage: data/usage.csv}, join: [{left: customers, right: usage, on: customer_id}]"
    assert codes(f"data: {{{joined}, split: {{by: random}}}}") == ["AM264"]
    assert codes(f"data: {{{joined}, split: {{by: random}}, clean: [drop_duplicates: customer_id]}}") == []
    joined = joined.replace("data/usage.csv", "{image_folder: {path: data/faces, file: customer_id}}")
    assert codes(f"data: {{{joined}, split: {{by: random}}}}") == []


def test_a_trial_that_fits_the_first_environment_need_not_fit_the_others() -> None:
    settings = Settings.model_validate({"environments": {"dev": {}, "prod": {"capacity": {"gpus": 0}}}})
    assert checked(base("model: mlp\ntraining: {gpus: 1}"), settings)[1] == []


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [
        ("0 3 * * *", 1440),
        ("*/15 * * * *", 15),
        ("0 3,4 * * *", 60),
        ("50 23 * * *", 1440),
        ("0,50 0,23 * * *", 10),
        ("@hourly", 60),
        ("@weekly", 10080),
        ("0 3 29 FEB *", 4 * 365 * 1440 + 1440),
    ],
)
def test_the_shortest_gap_of_a_schedule(schedule: str, minutes: int) -> None:
    assert shortest_gap(schedule) == minutes


@pytest.mark.parametrize(
    "feature", ["cross: [plan, region]", "compute: {name: both, formula: plan == 'pro' and region == 'eu'}"]
)
def test_a_column_that_another_is_made_of_need_not_become_a_feature_itself(feature: str) -> None:
    assert codes(f"data: {{columns: {{region: category}}}}\nfeatures: [standardize: tenure, {feature}]") == []


def test_a_source_that_is_joined_with_itself_is_told_once() -> None:
    joined = "sources: {usage: data/usage.csv}, join: [{left: customers, right: customers, on: customer_id}]"
    assert codes(f"data: {{{joined}, split: {{by: group, column: customer_id}}}}") == ["AM232"]
