"""What scikit-learn has too is computed as scikit-learn computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy
import polars
import pytest
from sklearn import decomposition, feature_extraction, feature_selection, impute, linear_model, preprocessing

from aimass_compiler.catalog.task import Task
from aimass_compiler.engines.local import Local
from aimass_compiler.expression.algebra import Column, Expression, Pack
from aimass_compiler.expression.association import Association, ForestImportance, LassoPath
from aimass_compiler.expression.column_types import CATEGORY, NUMBER, TEXT
from aimass_compiler.expression.statistics import MutualInformation, Statistic, learn
from tests.expression.both import by_onnx
from tests.transforms.fitted import TABLE, TASK, fitted, kind_of, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAIN, SERVED = sample(200), sample(50, seed=1)
NUMBERS = ("tenure", "charges", "age")


def ours(name: str, parameters: Any, columns: tuple[str, ...], *rows: polars.DataFrame) -> NDArray[Any]:
    """What the serving graph computes after learning from TRAIN."""
    kind = NUMBER if columns[0] in NUMBERS else TEXT if columns[0] == "note" else CATEGORY
    table: dict[str, Expression] = {column: Column(column, kind) for column in columns}
    transform = kind_of(name).model_validate(kind_of(name).expand(parameters))
    result = fitted([transform], TRAIN, table)
    found = by_onnx(Pack(tuple(result.values()), tuple(result)), rows[0] if rows else SERVED)
    return found.astype(numpy.float64)


def matrix(rows: polars.DataFrame, columns: tuple[str, ...] = NUMBERS) -> NDArray[Any]:
    return rows.select(polars.col(columns).fill_null(numpy.nan)).to_numpy()


@pytest.mark.parametrize(
    ("name", "parameters", "theirs"),
    [
        ("standardize", list(NUMBERS), preprocessing.StandardScaler()),
        ("min_max", list(NUMBERS), preprocessing.MinMaxScaler()),
        ("impute", list(NUMBERS), impute.SimpleImputer(strategy="median")),
        ("impute", {"columns": NUMBERS, "with": "mean"}, impute.SimpleImputer(strategy="mean")),
        ("impute", {"columns": NUMBERS, "with": "mode"}, impute.SimpleImputer(strategy="most_frequent")),
        (
            "impute",
            {"columns": NUMBERS, "with": "constant", "value": -1},
            impute.SimpleImputer(strategy="constant", fill_value=-1),
        ),
        ("robust", list(NUMBERS), preprocessing.RobustScaler()),
        ("max_abs", list(NUMBERS), preprocessing.MaxAbsScaler()),
        ("log", {"columns": NUMBERS[:2]}, preprocessing.FunctionTransformer(numpy.log1p)),
    ],
)
def test_numbers_are_scaled_and_filled_alike(name: str, parameters: Any, theirs: Any) -> None:
    columns = NUMBERS[:2] if name == "log" else NUMBERS
    theirs.fit(matrix(TRAIN, columns))
    expected = theirs.transform(matrix(SERVED, columns))
    numpy.testing.assert_allclose(ours(name, parameters, columns), expected, rtol=1e-6, atol=1e-6)


def test_ranks_are_theirs() -> None:
    theirs = preprocessing.QuantileTransformer(n_quantiles=101, subsample=None).fit(
        matrix(TRAIN, ("charges",))
    )
    found = ours("quantile_transform", "charges", ("charges",))
    numpy.testing.assert_allclose(found, theirs.transform(matrix(SERVED, ("charges",))), atol=1e-6)
    # Many rows have one age: there, both are in the middle of its shares.
    theirs.fit(matrix(TRAIN, ("age",)))
    found = ours("quantile_transform", "age", ("age",), TRAIN)
    numpy.testing.assert_allclose(found, theirs.transform(matrix(TRAIN, ("age",))), atol=0.02)


def test_ranks_become_normal() -> None:
    found = ours("quantile_transform", {"columns": "charges", "to": "normal"}, ("charges",), TRAIN)
    found = found[numpy.isfinite(found)]
    assert abs(found.mean()) < 0.02
    assert abs(found.std() - 1) < 0.03
    assert numpy.abs(found).max() < 3


def test_numbers_are_bent_like_theirs() -> None:
    columns = ("charges", "age")
    theirs = preprocessing.PowerTransformer(standardize=False).fit(matrix(TRAIN, columns))
    expected = theirs.transform(matrix(SERVED, columns))
    found = ours("power_transform", list(columns), columns)
    # The exponent is looked for at quantiles of the rows, so it is a little off.
    for one, other in zip(found.T, expected.T, strict=True):
        known = numpy.isfinite(other)
        assert numpy.corrcoef(one[known], other[known])[0, 1] > 0.9995


def test_products_are_theirs() -> None:
    theirs = preprocessing.PolynomialFeatures(2, include_bias=False).fit_transform(
        matrix(SERVED.drop_nulls(), NUMBERS)
    )
    found = ours("polynomial", list(NUMBERS), NUMBERS, SERVED.drop_nulls())
    for column in theirs.T:
        assert numpy.isclose(found.T, column, rtol=1e-6).all(axis=1).any()
    assert found.shape == theirs.shape


def test_principal_components_are_theirs() -> None:
    train, served = matrix(TRAIN.drop_nulls()), matrix(SERVED.drop_nulls())
    for components in (2, 3, 0.8):
        theirs = decomposition.PCA(components, svd_solver="full").fit(train)
        found = ours("pca", {"columns": NUMBERS, "components": components}, NUMBERS, SERVED.drop_nulls())
        signs = [numpy.sign(direction[abs(direction).argmax()]) for direction in theirs.components_]
        numpy.testing.assert_allclose(found, theirs.transform(served) * signs, rtol=1e-5, atol=1e-5)


def test_numbers_without_variance_have_one_component() -> None:
    table: dict[str, Expression] = {name: TABLE[name] for name in ("tenure", "age")}
    rows = sample(10).with_columns(tenure=polars.lit(3.0), age=polars.lit(1.0))
    pca = kind_of("pca").model_validate({"columns": list(table), "components": 0.9})
    assert by_onnx(fitted([pca], rows, table)["pca"], rows).tolist() == [[0.0]] * 10


def test_gaps_are_filled_by_a_linear_regression_on_other_columns() -> None:
    filling = {"columns": "charges", "with": "regression", "from": ["tenure", "age"]}
    whole = TRAIN.drop_nulls("charges")
    theirs = linear_model.LinearRegression().fit(
        matrix(whole, ("tenure", "age")), whole["charges"].to_numpy()
    )
    gaps = SERVED.with_columns(charges=polars.lit(None, polars.Float64))
    found = ours("impute", filling, NUMBERS, gaps)
    numpy.testing.assert_allclose(found[:, 1], theirs.predict(matrix(SERVED, ("tenure", "age"))), rtol=1e-6)


def test_gaps_are_filled_by_the_nearest_rows() -> None:
    filling = {"columns": "charges", "with": "neighbors", "from": ["tenure", "age"], "neighbors": 4}
    whole = TRAIN.drop_nulls()
    scale = preprocessing.StandardScaler().fit(matrix(whole, ("tenure", "age")))
    known = numpy.column_stack(
        [whole["charges"].to_numpy(), scale.transform(matrix(whole, ("tenure", "age")))]
    )
    asked = scale.transform(matrix(SERVED, ("tenure", "age")))
    theirs = impute.KNNImputer(n_neighbors=4).fit(known)
    expected = theirs.transform(numpy.column_stack([numpy.full(len(asked), numpy.nan), asked]))[:, 0]
    gaps = SERVED.with_columns(charges=polars.lit(None, polars.Float64))
    found = ours("impute", filling, NUMBERS, gaps)
    is_alike = numpy.isclose(found[:, 1], expected, rtol=1e-6)
    assert is_alike.mean() > 0.9  # of rows that are as near, scikit-learn takes some


@pytest.mark.parametrize("how", ["mean", "median", "mode"])
def test_gaps_are_filled_by_what_the_group_holds(how: str) -> None:
    table: dict[str, Expression] = {name: TABLE[name] for name in ("age", "plan")}
    filling = kind_of("impute").model_validate({"columns": "age", "with": how, "by": "plan"})
    served = polars.DataFrame({"age": [None] * 4, "plan": ["basic", "plus", "new", None]}).cast(
        {"age": polars.Float64}
    )
    found = by_onnx(fitted([filling], TRAIN, table)["age"], served.with_columns(churned=polars.lit("no")))
    middle = {
        "mean": polars.Series.mean,
        "median": polars.Series.median,
        "mode": lambda values: values.mode().min(),
    }[how]
    groups = [TRAIN.filter(polars.col("plan") == name)["age"] for name in ("basic", "plus")]
    expected = [middle(values) for values in (*groups, TRAIN["age"], TRAIN["age"])]
    numpy.testing.assert_allclose(found, cast("Any", expected), rtol=1e-12)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_the_lasso_keeps_longest_what_matters(kind: Any) -> None:
    chance = numpy.random.default_rng(0)
    weak, strong, noise, unknown = (chance.normal(size=300) for _ in range(4))
    number = 3 * strong + weak + unknown
    target = ["yes" if value > 0 else "no" for value in number] if kind == "classification" else number
    rows = polars.DataFrame({"noise": noise, "weak": weak, "strong": 100 * strong, "same": 2.0, "y": target})
    task = Task(kind=kind, target="y", classes=TASK.classes if kind == "classification" else ())
    names = ("noise", "weak", "strong", "same")
    pack = Pack(tuple(Column(name, NUMBER) for name in names), names)
    found = learn(Local().table([rows]), {"scores": LassoPath(pack)}, task)["scores"]
    assert found[2] > found[1] > found[0] > found[3] == 0
    x = preprocessing.scale(rows.select(names).to_numpy())
    y = numpy.array([value == "yes" for value in target]) if kind == "classification" else number
    for penalty in found[:3]:
        kept = [
            linear_model.Lasso(penalty * nearly, tol=1e-12).fit(x, y).coef_ != 0 for nearly in (0.999, 1.001)
        ]
        assert (kept[0] != kept[1]).sum() == 1


def test_an_indicator_tells_what_was_missing() -> None:
    theirs = impute.SimpleImputer(strategy="median", add_indicator=True).fit(matrix(TRAIN, ("charges",)))
    found = ours("impute", {"columns": "charges", "indicator": True}, ("charges",))
    numpy.testing.assert_allclose(found, theirs.transform(matrix(SERVED, ("charges",))), rtol=1e-6)


@pytest.mark.parametrize("count", [2, 5, 10])
def test_buckets_hold_as_many_rows_as_quantile_bins(count: int) -> None:
    theirs = preprocessing.KBinsDiscretizer(
        count, encode="ordinal", strategy="quantile", quantile_method="linear"
    )
    theirs.fit(matrix(TRAIN, ("age",)))
    found = ours("bucket", {"column": "age", "count": count}, ("age",))
    numpy.testing.assert_array_equal(found, theirs.transform(matrix(SERVED, ("age",))))


def test_names_are_encoded_alike() -> None:
    names = TRAIN.select(polars.col("plan", "region").fill_null("")).to_numpy()
    served = SERVED.with_columns(region=polars.Series(["north", "new"] * 25))
    strange = served.select(polars.col("plan", "region").fill_null("")).to_numpy()
    theirs = preprocessing.OneHotEncoder(
        categories=[["basic", "plus", "pro"], ["north", "south"]],
        handle_unknown="ignore",
        sparse_output=False,
    )
    found = ours("one_hot", ["plan", "region"], ("plan", "region"), served)
    numpy.testing.assert_array_equal(found, theirs.fit(names[names[:, 0] != ""]).transform(strange))


def test_names_become_codes_alike() -> None:
    values = ["pro", "plus", "basic"]
    theirs = preprocessing.OrdinalEncoder(
        categories=[values], handle_unknown="use_encoded_value", unknown_value=-1
    )
    names = SERVED.select(polars.col("plan").fill_null("")).to_numpy()
    theirs.fit(numpy.array([values]).T)
    found = ours("ordinal", {"columns": "plan", "values": values}, ("plan",))
    numpy.testing.assert_array_equal(found, theirs.transform(names))


@pytest.mark.parametrize("ngrams", [1, 2, 3])
def test_words_are_counted_alike(ngrams: int) -> None:
    theirs = feature_extraction.text.CountVectorizer(
        ngram_range=(1, ngrams), tokenizer=str.split, token_pattern=None
    )
    theirs.fit(TRAIN["note"].fill_null(""))
    table = {"note": Column("note", TEXT)}
    transform = kind_of("bag_of_words").model_validate({"column": "note", "size": 10_000, "ngrams": ngrams})
    terms = [label.removeprefix("note:") for label in fitted([transform], TRAIN, table)["note"].labels]
    assert terms == list(theirs.get_feature_names_out())
    found = ours("bag_of_words", {"column": "note", "size": 10_000, "ngrams": ngrams}, ("note",))
    numpy.testing.assert_array_equal(found, theirs.transform(SERVED["note"].fill_null("")).toarray())


def test_words_are_weighed_alike() -> None:
    theirs = feature_extraction.text.TfidfVectorizer(tokenizer=str.split, token_pattern=None, norm=None)
    theirs.fit(TRAIN["note"].fill_null(""))
    found = ours("bag_of_words", {"column": "note", "weigh": "tf_idf"}, ("note",))
    expected = theirs.transform(SERVED["note"].fill_null("")).toarray()
    numpy.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_terms_of_the_most_rows_are_kept() -> None:
    transform = kind_of("bag_of_words").model_validate({"column": "note", "size": 2})
    rows = polars.DataFrame(
        {"note": ["a a a a a c", "b c", "b d", None], "churned": ["no", "no", "yes", "yes"]}
    )
    assert fitted([transform], rows, {"note": Column("note", TEXT)})["note"].labels == ("note:b", "note:c")


@pytest.mark.parametrize("threshold", [0.0, 0.5, 100.0])
def test_variances_are_held_against_the_same_threshold(threshold: float) -> None:
    table = {name: TABLE[name] for name in ("tenure", "charges", "age", "words")}
    select = kind_of("select").model_validate({"variance": threshold, "columns": list(table)})
    everything = Pack(tuple(table.values()), tuple(table))
    theirs = feature_selection.VarianceThreshold(threshold).fit(by_onnx(everything, TRAIN))
    kept = [everything.labels[place] for place in theirs.get_support(indices=True)]
    assert list(fitted([select], TRAIN, table)["selected"].labels) == kept


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_mutual_information_is_theirs_and_finds_what_matters(kind: Any) -> None:
    chance = numpy.random.default_rng(0)
    signal, noise = chance.normal(size=300), chance.normal(size=300)
    target = ["yes" if value > 0 else "no" for value in signal] if kind == "classification" else 3 * signal
    rows = polars.DataFrame({"noise": noise, "signal": signal, "y": target})
    task = Task(kind=kind, target="y", classes=TASK.classes if kind == "classification" else ())
    pack = Pack((Column("noise", NUMBER), Column("signal", NUMBER)), ("noise", "signal"))
    found = learn(Local().table([rows]), {"scores": MutualInformation(pack)}, task)["scores"]
    score = getattr(
        feature_selection, f"mutual_info_{'classif' if kind == 'classification' else 'regression'}"
    )
    x = rows.select("noise", "signal").to_numpy().astype(numpy.float32).astype(numpy.float64)
    numpy.testing.assert_array_equal(found, score(x, rows["y"].to_numpy(), random_state=0))
    assert found[0] < 0.2
    assert found[1] > 0.5


def scores(statistic: Statistic, rows: polars.DataFrame, task: Task, blocks: int = 1) -> NDArray[Any]:
    """What is learnt of rows in so many blocks."""
    size = -(-len(rows) // blocks)
    parts = [rows.slice(start, size) for start in range(0, len(rows), size)]
    return cast("NDArray[Any]", learn(Local().table(parts), {"scores": statistic}, task)["scores"])


@pytest.mark.parametrize("blocks", [1, 3])
def test_associations_with_classes_are_theirs(blocks: int) -> None:
    table = {name: TABLE[name] for name in ("tenure", "age", "words")}
    everything = Pack(tuple(table.values()), tuple(table))
    matrix, target = by_onnx(everything, TRAIN).astype(numpy.float64), TRAIN["churned"].to_numpy()
    varied, is_count = matrix.std(axis=0) > 0, matrix.min(axis=0) >= 0
    expected = numpy.zeros(matrix.shape[1])
    expected[varied & is_count] = feature_selection.chi2(matrix[:, varied & is_count], target)[0]
    found = scores(Association(everything, measure="chi2"), TRAIN, TASK, blocks)
    numpy.testing.assert_allclose(found, expected, rtol=1e-9)
    expected = [abs(numpy.corrcoef(column, target == "yes")[0, 1]) for column in matrix[:, varied].T]
    found = scores(Association(everything, measure="correlation"), TRAIN, TASK, blocks)
    numpy.testing.assert_allclose(found[varied], expected, rtol=1e-9)
    assert not found[~varied].any()


@pytest.mark.parametrize("blocks", [1, 4])
def test_correlations_with_a_number_are_those_of_all_rows(blocks: int) -> None:
    chance = numpy.random.default_rng(0)
    rows = polars.DataFrame({"a": chance.normal(1e6, 1, 200), "b": chance.normal(size=200)})
    rows = rows.with_columns(y=polars.col("b") * 2 + chance.normal(size=200))
    everything = Pack((Column("a", NUMBER), Column("b", NUMBER)), ("a", "b"))
    values = by_onnx(everything, rows).astype(numpy.float64)
    # Theirs is a thousandth off for numbers that lie far from 0, so NumPy is asked.
    expected = [abs(numpy.corrcoef(column, rows["y"].to_numpy())[0, 1]) for column in values.T]
    task = Task(kind="regression", target="y")
    found = scores(Association(everything, measure="correlation"), rows, task, blocks)
    numpy.testing.assert_allclose(found, expected, rtol=1e-9)
    importance = scores(ForestImportance(everything), rows, task, blocks)
    assert importance[1] > importance[0]
