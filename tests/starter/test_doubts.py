"""What a column could hold instead is said, and what looks like a number and names something is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.starter import InitOptions, propose
from tests.starter.projects import attempted, compiled, data_of, prepared, proposed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def table(value: Callable[[int], object], name: str = "seen") -> str:
    return f"n,{name},y\n" + "".join(f"{n % 17},{value(n)},{'yes' if n % 3 else 'no'}\n" for n in range(60))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(lambda n: 9007199254740993 + n % 3, "category", id="beyond-float64"),
        pytest.param(lambda n: 10**25 + 7**20 * n, "id", id="long-account-numbers"),
        pytest.param(lambda n: f"{n % 20:02}e1", "category", id="leading-zeros-and-an-exponent"),
        pytest.param(lambda n: f"{(n + 1) * 2654435761 % 2**32:08x}", "id", id="hexadecimal"),
        pytest.param(lambda n: f"+49 30 {n * 7919:07}", "id", id="telephones"),
        pytest.param(lambda n: f"{n * 1709:05}", "id", id="postcodes"),
        pytest.param(lambda n: n * n * 1.5, "number", id="a-number"),
    ],
)
def test_what_names_something_is_no_number(tmp_path: Path, value: Callable[[int], object], kind: str) -> None:
    text = proposed(tmp_path, "x.csv", table(value))
    column = data_of(text)["data"]["columns"]["seen"]
    assert (column if isinstance(column, str) else column["type"]) == kind
    prepared(compiled(text), tmp_path)


def told(root: Path, content: str) -> dict[str, Any]:
    (root / "x.csv").write_text(content)
    _, findings, guesses = propose(root / "x.csv", "x.csv", "demo", InitOptions())
    assert findings == []
    return dict(guesses)


@pytest.mark.parametrize(
    ("value", "doubt"),
    [
        pytest.param(lambda n: 9999 if n % 9 == 0 else n / 7, "'9999' comes 7 times, far from", id="a-gap"),
        pytest.param(lambda n: 1.7e9 + n * 86400, "seconds since 1970, from 2023-11-14", id="seconds"),
        pytest.param(
            lambda n: 1700000000000 + n * 86400000, "milliseconds since 1970, from 2023", id="milliseconds"
        ),
        pytest.param(
            lambda n: {5: "inf", 9: "-inf"}.get(n, n / 7),
            "all but 2 (such as inf) are numbers",
            id="infinity",
        ),
        pytest.param(
            lambda n: f"01.0{n % 9 + 1}.2023" if n % 4 == 0 else f"2023-01-{n % 28 + 1:02}",
            "all but 15 (such as '01.01.2023') are dates",
            id="dates-in-two-notations",
        ),
    ],
)
def test_what_it_could_be_is_said(tmp_path: Path, value: Callable[[int], object], doubt: str) -> None:
    assert doubt in told(tmp_path, table(value))["in doubt"]


@pytest.mark.parametrize(
    "value", [lambda n: n / 7, lambda n: n % 2, lambda n: n**3, lambda n: 100 if n % 2 else n]
)
def test_plain_numbers_are_beyond_doubt(tmp_path: Path, value: Callable[[int], object]) -> None:
    assert "in doubt" not in told(tmp_path, table(value))


def test_columns_of_one_name_are_left_out(tmp_path: Path) -> None:
    content = "seen,n,seen,y\n" + "".join(f"1,{n * 1.5},{n},{'yes' if n % 3 else 'no'}\n" for n in range(60))
    assert told(tmp_path, content)["left out"].startswith("seen: its name stands 2 times in the header")
    text = proposed(tmp_path, "x.csv", content)
    assert list(data_of(text)["data"]["columns"]) == ["n", "y"]
    prepared(compiled(text), tmp_path)


def test_what_is_left_out_is_said_where_nothing_is_left(tmp_path: Path) -> None:
    content = "a" * 300 + ",y\n" + "".join(f"{n},{'yes' if n % 3 else 'no'}\n" for n in range(60))
    _, findings = attempted(tmp_path, "x.csv", content)
    assert "a name is short" in findings[0].help


def customers(path: Path, count: int) -> str:
    """The spec proposed for customers whose refund is the target under another name."""
    rows = (f"{20 + n % 50},{n * 7 % 311}.5,{n % 3 == 0},{'no' if n % 3 else 'yes'}" for n in range(count))
    (path / "customers.csv").write_text("\n".join(["age,spent,refunded,churned", *rows]))
    text, problems, _ = propose(path / "customers.csv", "customers.csv", "churn")
    assert not problems
    return text


def test_a_column_that_alone_tells_the_target_is_left_out_with_a_note(tmp_path: Path) -> None:
    text = customers(tmp_path, 600)
    assert "#   refunded: it alone predicts the target nearly always" in text
    assert not any(line.strip().startswith("refunded:") for line in text.splitlines())


def test_few_rows_are_no_proof_of_a_leak(tmp_path: Path) -> None:
    assert "alone predicts" not in customers(tmp_path, 100)


def test_columns_that_repeat_another_one_are_left_out(tmp_path: Path) -> None:
    rows = "".join(
        f"{n * 1.5},{n * 1.5},{n % 5}a,{n % 5}a,{n * 1.5 if n else ''},{'yes' if n % 3 else 'no'},"
        f"{'yes' if n % 3 else 'no'}\n"
        for n in range(120)
    )
    content = f"n,again,name,name2,gap,y2,y\n{rows}"
    text = proposed(tmp_path, "x.csv", content, "y")
    assert [*data_of(text)["data"]["columns"]] == ["n", "name", "gap", "y"]
    assert "#   y2: it says in each row what 'y' says" in text
    prepared(compiled(text), tmp_path)


def test_what_nearly_every_row_has_another_value_of_is_an_identifier(tmp_path: Path) -> None:
    rows = "".join(f"u{max(3, n)}@x.org,{n % 7},{'yes' if n % 3 else 'no'}\n" for n in range(300))
    columns = data_of(proposed(tmp_path, "x.csv", f"mail,n,y\n{rows}"))["data"]["columns"]
    assert columns["mail"] == "id"
