"""What is said of a column follows from its values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.yaml.reader import parse
from aimass_compiler.starter import InitOptions, propose
from tests.starter.projects import compiled, data_of, prepared, proposed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ROWS = 120
NUMBERS = [number % 50 for number in range(ROWS)]
WORDS = ("slow", "fast", "line", "angry", "router", "invoice", "thanks", "again")


def csv(**columns: Iterable[Any]) -> str:
    """A table with a header; columns of ROWS values."""
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


def cycled(*values: Any) -> list[Any]:
    return [values[place % len(values)] for place in range(ROWS)]


def sentences() -> list[str]:
    return [f"{WORDS[n % 8]} {WORDS[n // 8 % 8]} {WORDS[n * 7 % 8]} number{n}" for n in range(ROWS)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (range(ROWS), "id"),
        (range(-1, ROWS - 1), "id"),
        ([number % 50 - 1 for number in range(ROWS)], "number"),
        ([f"{number / 7:.3f}" for number in range(ROWS)], {"type": "number", "min": 0}),
        (cycled("1e3", "2.5", ".5", "+4"), {"type": "number", "min": 0}),
        (cycled(1, 2, 3, ""), {"type": "number", "min": 0, "missing": 0.37}),
        ([*cycled(1, 2)[:-1], " "], {"type": "number", "min": 0, "missing": 0.04}),
        (cycled("no", "yes"), {"type": "category", "values": ["no", "yes"]}),
        (cycled("on", "false", "~", "1e3x"), {"type": "category", "values": ["1e3x", "false", "on", "~"]}),
        (cycled("0123", "0042"), {"type": "category", "values": ["0042", "0123"]}),
        (cycled("a", "b", ""), {"type": "category", "values": ["a", "b"], "missing": 0.47}),
        ([*cycled("a", "b")[:-1], "rare"], "category"),
        ([f"name{number % 40}" for number in range(ROWS)], "category"),
        ([f"2024-01-{number % 28 + 1:02d}" for number in range(ROWS)], "time"),
        ([f"2024-01-01T00:00:{number % 60:02d}Z" for number in range(ROWS)], "time"),
        (cycled("2024-13-45", "2024-01-01"), {"type": "category", "values": ["2024-01-01", "2024-13-45"]}),
        ([f"2024-01-01 00:00:{number % 60:02d}.123456789+02:00" for number in range(ROWS)], "time"),
        (
            cycled("2024-01-01T00:00+99:99", "x"),
            {"type": "category", "values": ["2024-01-01T00:00+99:99", "x"]},
        ),
        (cycled("2024-01-01T24:00", "x"), {"type": "category", "values": ["2024-01-01T24:00", "x"]}),
        (sentences(), "text"),
        ([f"K{number:x}" for number in range(ROWS)], "id"),
        ([*range(ROWS - 1), "NA"], {"type": "number", "min": 0, "missing": 0.04}),
        (cycled(1, 2, "-", "n/a", "?", ""), {"type": "number", "min": 0, "missing": 0.8}),
        ([*range(ROWS - 1), "none"], {"type": "number", "min": 0, "missing": 0.04}),
        ([*range(ROWS - 2), "few", "more"], "category"),
        (cycled("NA", "EU"), {"type": "category", "values": ["EU", "NA"]}),
        (cycled("1e999", "5"), {"type": "category", "values": ["5", "1e999"]}),
    ],
)
def test_a_column(tmp_path: Path, values: Iterable[Any], said: Any) -> None:
    text = proposed(tmp_path, "data/x.csv", csv(seen=values, other=NUMBERS, y=cycled(0, 1)))
    assert data_of(text)["data"]["columns"]["seen"] == said
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize(
    ("seen", "classes", "transform"),
    [
        ([f"city{number}" for number in range(ROWS)], ("no", "yes"), {"target_encode": ["seen"]}),
        (
            [f"city{number}" for number in range(ROWS)],
            ("a", "b", "c"),
            {"hash_text": {"column": "seen", "size": 64}},
        ),
        (
            [f"late card{number}" for number in range(ROWS)],
            ("no", "yes"),
            {"hash_text": {"column": "seen", "size": 64}},
        ),
    ],
)
def test_many_names_become_features_by_what_they_are(
    tmp_path: Path, seen: list[str], classes: tuple[str, ...], transform: dict[str, Any]
) -> None:
    table = csv(seen=[*seen, *seen], other=[*NUMBERS, *NUMBERS], y=[*cycled(*classes), *cycled(*classes)])
    text = proposed(tmp_path, "x.csv", table)
    assert data_of(text)["features"] == [transform]
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"), [("id", "id"), ("customer_id", "id"), ("customerId", "id"), ("humid", "number")]
)
def test_numbers_are_ids_by_name(tmp_path: Path, name: str, kind: str) -> None:
    columns = {name: [2.5 * number - 5 for number in range(ROWS)], "seen": NUMBERS, "y": cycled(0, 1)}
    text = proposed(tmp_path, "x.csv", csv(**columns))
    assert data_of(text)["data"]["columns"][name] == kind


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"seen": NUMBERS, "churned": cycled(0, 1), "region": cycled("a", "b")}, "churned"),
        ({"seen": NUMBERS, "region": cycled("a", "b")}, "region"),
        ({"region": cycled("a", "b"), "price": NUMBERS}, "price"),
        ({"seen": NUMBERS, "region": cycled("a", "b"), "note": sentences()}, "region"),
    ],
)
def test_a_target_is_proposed(tmp_path: Path, columns: dict[str, Iterable[Any]], target: str) -> None:
    assert data_of(proposed(tmp_path, "x.csv", csv(**columns)))["target"] == target


@pytest.mark.parametrize(
    ("names", "target", "others"),
    [
        (("default", "y"), "y", ["default"]),
        (("default", "subscribed"), "subscribed", ["default"]),
        (("y", "default"), "y", ["default"]),
        (("Class", "region", "label"), "label", ["Class", "region"]),
        (("species", "sex", "year"), "species", ["sex"]),
        (("sex", "year"), "sex", ["seen"]),
        (("Survived", "Embarked"), "Survived", ["Embarked"]),
    ],
)
def test_of_several_candidates_the_unambiguous_name_is_taken_and_the_others_are_named(
    tmp_path: Path, names: tuple[str, ...], target: str, others: list[str]
) -> None:
    table = csv(seen=NUMBERS, **{name: cycled(n, n + 1, n + 2) for n, name in enumerate(names)})
    (tmp_path / "x.csv").write_text(table)
    text, findings, guesses = propose(tmp_path / "x.csv", "x.csv", "demo")
    assert findings == []
    assert data_of(text)["target"] == target
    told = dict(guesses)["target"]
    assert told.startswith((f"{target}, ", f"'{target}', "))
    assert "a guess" in told
    assert "--target COLUMN" in told
    listed = told.split("others: ")[1]
    assert [name for name in others if name not in listed] == []


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (("no", "yes"), "yes"),
        (("yes", "no"), "yes"),
        (("0", "1"), "1"),
        (("ham", "spam"), "spam"),
        (("good", "bad"), "bad"),
        (("benign", "malignant"), "malignant"),
        (("a", "a", "a", "b"), "b"),
        (("b", "b", "b", "a"), "a"),
    ],
)
def test_of_two_classes_the_one_that_is_sought_is_written(
    tmp_path: Path, values: tuple[str, ...], positive: str
) -> None:
    (tmp_path / "x.csv").write_text(csv(seen=NUMBERS, y=cycled(*values)))
    text, _, guesses = propose(tmp_path / "x.csv", "x.csv", "demo")
    assert data_of(text)["positive"] == positive
    assert "--positive CLASS" in dict(guesses)["positive"]
    assert compiled(text).task.positive == positive
    (first,) = {*values} - {positive}
    text, *_ = propose(tmp_path / "x.csv", "x.csv", "demo", InitOptions(positive=first))
    assert data_of(text)["positive"] == first


def shuffled(count: int, first: int = 0) -> list[int]:
    """Each number once, in an order that is none."""
    return [first + (number * 7919) % count for number in range(count)]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("Unnamed: 0", range(ROWS), "id"),
        ("ticket", range(5000, 5000 + ROWS), "id"),
        ("ticket", [3 * n + n % 2 for n in range(ROWS)], "id"),
        ("ticket", range(ROWS, 0, -1), "id"),
        ("ticket", shuffled(ROWS, 100), "id"),
        ("ticket", [f"{n}.0" for n in range(ROWS)], "id"),
        ("area", [1000 * n for n in shuffled(ROWS)], {"type": "number", "min": 0}),
        ("area", [97 * n for n in range(ROWS)], {"type": "number", "min": 0}),
        ("age", [n // 2 for n in range(ROWS)], {"type": "number", "min": 0}),
        ("share", [n + 0.5 for n in range(ROWS)], {"type": "number", "min": 0}),
    ],
)
def test_numbers_that_only_count_the_rows_are_ids(
    tmp_path: Path, name: str, values: Iterable[Any], kind: Any
) -> None:
    text = proposed(tmp_path, "x.csv", csv(**{name: values, "seen": NUMBERS, "y": cycled("a", "b")}))
    assert data_of(text)["data"]["columns"][name] == kind


def test_a_number_of_this_file_s_rows_is_no_key_to_split_by(tmp_path: Path) -> None:
    many = range(1000)
    others = {"seen": [n % 90 for n in many], "y": ["ab"[n % 2] for n in many]}
    for name, split in (("Unnamed: 0", "random"), ("ticket", "hash")):
        assert (
            data_of(proposed(tmp_path, "x.csv", csv(**{name: many, **others})))["data"]["split"]["by"]
            == split
        )


def test_a_running_number_can_be_asked_for_as_target(tmp_path: Path) -> None:
    table = csv(seen=NUMBERS, rank=range(ROWS), y=cycled("a", "b"))
    assert compiled(proposed(tmp_path, "x.csv", table, "rank")).task.kind == "regression"


def test_rows_in_the_order_of_time_are_split_by_it(tmp_path: Path) -> None:
    days = [f"2025-{n // 28 + 1:02d}-{n % 28 + 1:02d}" for n in range(ROWS)]
    for ordered in (days, days[::-1]):
        split = data_of(proposed(tmp_path, "x.csv", csv(day=ordered, seen=NUMBERS, y=cycled(0, 1))))["data"][
            "split"
        ]
        assert (split["by"], split["column"]) == ("time", "day")


def test_nothing_is_waived_in_the_user_s_name(tmp_path: Path) -> None:
    days = [f"2025-{n // 28 + 1:02d}-{n % 28 + 1:02d}" for n in shuffled(ROWS)]
    text = proposed(tmp_path, "x.csv", csv(day=days, seen=NUMBERS, y=cycled(0, 1)))
    assert "waivers" not in text
    assert data_of(text)["data"]["split"]["by"] == "random"
    found = compile_spec(parse(text, "specs/demo.yaml"), Settings(), upto=Upto.CHECK).findings
    assert [finding.code for finding in found] == ["AM265"]


def test_a_target_may_be_given(tmp_path: Path) -> None:
    table = csv(seen=NUMBERS, region=cycled("a", "b"), churned=cycled(0, 1))
    assert data_of(proposed(tmp_path, "x.csv", table, "region"))["target"] == "region"


def test_few_whole_numbers_are_classes(tmp_path: Path) -> None:
    pipeline = compiled(proposed(tmp_path, "x.csv", csv(seen=NUMBERS, y=cycled(10, 9, 2))))
    assert pipeline.task.classes == ("2", "9", "10")


def test_rows_without_a_target_are_dropped(tmp_path: Path) -> None:
    table = csv(seen=cycled(1, 2, 3, 4, ""), y=cycled("a", "b", ""))
    text = proposed(tmp_path, "x.csv", table)
    assert data_of(text)["data"]["clean"] == [{"drop_missing": ["y"]}]
    prepared(compiled(text), tmp_path)


def test_a_column_that_teaches_nothing_is_left_out(tmp_path: Path) -> None:
    table = csv(seen=NUMBERS, empty=cycled(""), same=cycled("x"), y=cycled(0, 1))
    text = proposed(tmp_path, "x.csv", table)
    assert list(data_of(text)["data"]["columns"]) == ["seen", "y"]
    assert "#   empty: it is empty\n" in text
    assert "#   same: it is always x\n" in text


def test_rare_classes_are_shared_out_evenly_although_there_is_an_id(tmp_path: Path) -> None:
    ids = [f"K{number}" for number in range(1000)]
    rare = ["yes" if number < 15 else "no" for number in range(1000)]
    common = ["yes" if number < 200 else "no" for number in range(1000)]
    splits = [
        data_of(
            proposed(tmp_path, "x.csv", csv(id=ids, seen=[number % 90 for number in range(1000)], y=classes))
        )["data"]["split"]
        for classes in (rare, common)
    ]
    assert [(split["by"], split.get("stratify"), split.get("key")) for split in splits] == [
        ("random", "y", None),
        ("hash", None, "id"),
    ]


def test_the_labels_of_a_rare_class_are_decided_by_a_threshold(tmp_path: Path) -> None:
    for share, decision in ((0.03, {"threshold": {"recall": 0.5}}), (0.4, None)):
        classes = ["yes" if number < 1000 * share else "no" for number in range(1000)]
        text = proposed(tmp_path, "x.csv", csv(seen=[number % 90 for number in range(1000)], y=classes))
        assert data_of(text)["evaluation"].get("decision") == decision


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_told(tmp_path: Path, separator: str) -> None:
    table = csv(seen=NUMBERS, y=cycled("a", "b")).replace(",", separator)
    text = proposed(tmp_path, "x.csv", table)
    assert data_of(text)["data"]["sources"] == {"x": {"csv": {"path": "x.csv", "separator": separator}}}
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize("mark", ["", "NA"])
def test_commas_before_decimals_are_told(tmp_path: Path, mark: str) -> None:
    lines = ["price;size;y", *(f"{n % 7},5;{mark if n == 3 else n};{'ab'[n % 2]}" for n in range(ROWS))]
    text = proposed(tmp_path, "x.csv", "\n".join(lines))
    data = data_of(text)["data"]
    source = {"path": "x.csv", "separator": ";", "decimal": ","} | ({"missing": ["", mark]} if mark else {})
    assert data["sources"] == {"x": {"csv": source}}
    assert data["columns"]["price"] == {"type": "number", "min": 0}
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize(("separator", "values"), [(";", ["1,5", "2,5,1"]), (";", ["1,5", "much"])])
def test_other_commas_are_part_of_names(tmp_path: Path, separator: str, values: list[str]) -> None:
    lines = [f"size{separator}y", *(f"{values[n % 2]}{separator}{'ab'[n % 3 % 2]}" for n in range(ROWS))]
    text = proposed(tmp_path, "x.csv", "\n".join(lines))
    data = data_of(text)["data"]
    assert "decimal" not in str(data["sources"])
    assert data["columns"]["size"]["type"] == "category"
    prepared(compiled(text), tmp_path)


@pytest.mark.parametrize(
    ("plans", "missing"),
    [(("a", "b", "c"), ["", "NA", "null"]), (("a", "b", "NA"), {"seen": ["NA", "null"]})],
)
def test_words_for_missing_values_hold_where_they_are_no_names(
    tmp_path: Path, plans: tuple[str, ...], missing: Any
) -> None:
    table = csv(seen=cycled(1, 2, "NA", "null"), plan=cycled(*plans), y=cycled("no", "yes"))
    text = proposed(tmp_path, "x.csv", table)
    data = data_of(text)["data"]
    assert data["sources"] == {"x": {"csv": {"path": "x.csv", "missing": missing}}}
    assert data["columns"]["seen"] == {"type": "number", "min": 0, "missing": 0.64}
    assert data["columns"]["plan"] == {"type": "category", "values": sorted(plans)}
    prepared(compiled(text), tmp_path)


def test_json_has_no_words_for_missing_values(tmp_path: Path) -> None:
    rows = [{"seen": "NA" if number == 7 else str(number), "y": "ab"[number % 2]} for number in range(ROWS)]
    text = proposed(tmp_path, "x.jsonl", "\n".join(map(json.dumps, rows)))
    assert data_of(text)["data"]["columns"]["seen"] == "category"
    assert "all but 1 (such as NA) are numbers" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([[0.5, 1], [2], [1, 2, 3]], "load: {type: series, length: 3}    # 1 to 3 numbers"),
        ([[0.5, 1], [2, 3]], "load: {type: series, length: 2}    # as many numbers in each row"),
        ([[1, 2, 3, 4]], "load: {type: image, shape: [1, 2, 2]}"),
    ],
)
def test_lists_of_numbers_are_images_or_series(tmp_path: Path, lists: list[Any], said: str) -> None:
    rows = [{"load": lists[number % len(lists)], "wear": number / 7} for number in range(60)]
    assert said in proposed(tmp_path, "x.jsonl", "\n".join(map(json.dumps, rows)))


def test_what_is_no_list_of_numbers_is_left_out(tmp_path: Path) -> None:
    rows = [{"load": [1] * (number % 3), "x": number % 7, "wear": number / 7} for number in range(60)]
    text = proposed(tmp_path, "x.jsonl", "\n".join(map(json.dumps, rows)))
    assert "some of its lists are empty" in text


def test_a_table_with_a_thousand_columns_compiles(tmp_path: Path) -> None:
    columns = {
        f"c{number}": cycled(*(f"{letter}{number}" for letter in "abcdefghij")) for number in range(1000)
    }
    pipeline = compiled(proposed(tmp_path, "x.csv", csv(**columns, y=cycled("a", "b"))))
    assert len(pipeline.data.columns) == 1001
