"""`objective.loss` may name what the model minimises, and nothing else."""

from __future__ import annotations

import pytest

from tests.cases.front_end import base, told

CLASSES = "metric: log_loss"
NUMBER = "metric: r2"
OF_A_NUMBER = "\ntarget: charges\nfeatures: [standardize: tenure, one_hot: [plan, churned]]"


@pytest.mark.parametrize("model", ["logistic_regression", "xgboost", "mlp"])
def test_what_minimises_the_log_loss_may_say_so(model: str) -> None:
    assert told(base(f"model: {model}\nobjective: {{{CLASSES}, loss: log_loss}}")) == []


@pytest.mark.parametrize("model", ["linear_regression", "decision_tree", "random_forest", "xgboost", "mlp"])
def test_what_minimises_squared_errors_may_say_so(model: str) -> None:
    change = f"model: {model}\nobjective: {{{NUMBER}, loss: mean_squared_error}}"
    assert told(base(change + OF_A_NUMBER)) == []


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (f"model: logistic_regression\nobjective: {{{CLASSES}, loss: mean_squared_error}}", "`log_loss`"),
        (f"model: naive_bayes\nobjective: {{{CLASSES}, loss: log_loss}}", "its own criterion"),
        (f"model: decision_tree\nobjective: {{{CLASSES}, loss: log_loss}}", "its own criterion"),
        (
            f"model: linear_regression\nobjective: {{{NUMBER}, loss: mean_absolute_error}}{OF_A_NUMBER}",
            "`mean_squared_error`",
        ),
    ],
)
def test_another_loss_is_refused_with_those_it_knows(change: str, hint: str) -> None:
    (finding,) = told(base(change))
    assert finding.code == "AM221"
    assert hint in finding.help
