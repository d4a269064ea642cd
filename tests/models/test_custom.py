"""Models of users' own: what they are given, what stops training, and the line of their code that did."""

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy
import onnx
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.model import Trained
from aimass_compiler.catalog.models.custom import Custom
from aimass_compiler.catalog.project_code import CodeError, names_defined
from aimass_compiler.pipeline.training import Training
from aimass_compiler.runtime.training.space import Space, filled
from tests.models.examples import PROJECT, TASKS, Watched, budget, examples, served

BASE = (PROJECT / "models/linear.py").read_text(encoding="utf-8")


def trained(
    root: Path, code: str, task: str = "binary", *, rows: Examples | None = None, **written: Any
) -> Trained:
    """What a model of this code, `Model`, learns; `Linear` is the one to build on."""
    (root / "mine.py").write_text(BASE + dedent(code), encoding="utf-8")
    model = Custom.model_validate({"path": "mine.py:Model", **written})
    seen, other = rows or examples("custom", task, 100, 1), examples("custom", task, 50, 2)
    return model.train(TASKS[task], seen, other, budget(root=root), Watched())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_like_it", r"it cannot be imported at mine.py:\d+: ModuleNotFoundError"),
        ("", "mine.py has no `Model`"),
        ("Model = 3", "cannot be called"),
        ("def Model(): raise ValueError('no')", r"cannot be built at mine.py:\d+: ValueError: no"),
        ("class Model:\n    pass", "has no `fit`"),
        ("class Model:\n    def fit(self, x, y): 1 / 0", r"`fit` failed at mine.py:\d+: ZeroDivision"),
        (
            "class Model(Linear):\n    def predict_proba(self, x): return self.predict(x)",
            r"`predict_proba` answers has the shape \[100\] for 100 rows",
        ),
        (
            "class Model(Linear):\n    def predict_proba(self, x): return 2 * super().predict_proba(x)",
            "no probability",
        ),
        (
            "class Model(Linear):\n    def predict_proba(self, x): return super().predict_proba(x)[:, ::-1]",
            "answers 100 of 100 rows of the train split otherwise than the model itself: row 1 0.",
        ),
        ("class Model(Linear):\n    def to_onnx(self): return b'no graph'", "is no sound ONNX model"),
        ("class Model(Linear):\n    to_onnx = property()", "cannot be converted to ONNX"),
    ],
)  # fmt: skip
def test_what_it_does_wrong_is_said_with_its_place(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(CodeError, match=said):
        trained(tmp_path, code)


def graph_with(change: str) -> str:
    """A model whose graph was changed by this statement on `made`."""
    return f"""
    class Model(Linear):
        def to_onnx(self):
            made = super().to_onnx()
            {change}
            return made.SerializeToString()
    """


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 100", "cannot answer one row"),
        (
            "made.graph.input.append(helper.make_tensor_value_info('more', 1, ['N']))",
            "it has `features`, `more`",
        ),
        ("made.graph.node[-1].op_type = 'Nothing'", "is no sound ONNX model"),
        ("made.graph.node.append(helper.make_node('Mine', ['sums'], ['x'], domain='my.own'));"
         " made.opset_import.append(helper.make_opsetid('my.own', 1))", "operators of `my.own`"),
    ],
)  # fmt: skip
def test_a_graph_that_cannot_serve_is_refused(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(CodeError, match=said):
        trained(tmp_path, graph_with(change))


def test_a_graph_of_an_older_operator_set_with_our_names_is_taken(tmp_path: Path) -> None:
    found = trained(
        tmp_path, graph_with("made.graph.node[0].output[0] = made.graph.node[1].input[0] = 'typed'")
    )
    x = examples("custom", "binary", 20, 3).x
    graph = found.to_onnx()  # type: ignore[attr-defined]  # what is left of it has one
    onnx.checker.check_model(graph)
    numpy.testing.assert_allclose(served(graph, x), found.predict(x), atol=1e-6)


def test_it_is_given_parameters_seed_threads_validation_rows_and_progress(tmp_path: Path) -> None:
    code = """
    class Model(Linear):
        def __init__(self, depth, n_jobs, random_state, penalty=1.0):
            super().__init__(penalty)
            assert (depth, n_jobs, random_state) == (3, 1, 7)

        def fit(self, x, y, validation, progress):
            assert len(x) == 100 and len(validation[0]) == len(validation[1]) == 50
            return super().fit(x, y, progress=progress)
    """
    trained(tmp_path, code, parameters={"depth": 3})


def test_rows_with_weights_need_a_fit_that_takes_them(tmp_path: Path) -> None:
    rows = examples("custom", "binary", 100, 1)
    weighed = Examples(rows.x, rows.y, numpy.ones(100))
    with pytest.raises(CodeError, match="takes no `sample_weight`"):
        trained(tmp_path, "class Model(Linear):\n    def fit(self, x, y): pass", rows=weighed)


def test_scikit_learns_estimators_are_converted(tmp_path: Path) -> None:
    code = """
    def Model(leaf=5, random_state=None):
        from sklearn.ensemble import RandomForestRegressor
        return RandomForestRegressor(10, min_samples_leaf=leaf, random_state=random_state)
    """
    found = trained(tmp_path, code, "regression")
    importance = found.importance()
    assert importance is not None
    assert importance.shape == (5,)


def test_what_is_left_of_a_trial_needs_no_code_of_the_project(tmp_path: Path) -> None:
    found = trained(tmp_path, "Model = Linear")
    x = examples("custom", "binary", 20, 3).x
    again = pickle.loads(pickle.dumps(found))  # noqa: S301  # just made
    numpy.testing.assert_array_equal(again.predict(x), found.predict(x))
    assert b"mine" not in pickle.dumps(found)


def test_ranges_of_its_parameters_are_searched() -> None:
    model = Custom.model_validate(
        {
            "path": "a.py:A",
            "parameters": {"depth": {"choice": [1, 2]}, "rate": {"loguniform": [0.1, 1.0]}, "k": 3},
        }
    )
    space = Space.of(model, Training())
    assert list(space.ranges) == ["depth", "rate"]
    tried, _ = filled(model, Training(), {"depth": 2, "rate": 0.5})
    assert tried.model_dump()["parameters"] == {"depth": 2, "rate": 0.5, "k": 3}


def test_names_are_found_without_running_a_file() -> None:
    source = "from a import b as c\nimport os.path\nraise SystemExit\nclass D:\n    e = 1\n"
    source += "if 1:\n    def f(): g = 2\nh = 3"
    assert names_defined(source) == {"c", "os", "D", "f", "h"}


@pytest.mark.parametrize(
    "place", ["a.py", "a:B", "/a.py:B", "../a.py:B", "https://a/b.py:B", "a.py:B.c", ":B"]
)
def test_a_place_is_a_file_of_the_project_and_a_name(place: str) -> None:
    with pytest.raises(ValueError, match="a"):
        Custom.model_validate({"path": place})
