"""A candidate is asked what callers asked, and held against a model whose requests were mirrored to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from records.stored import bring, record, url_of

from aimass_compiler.cli.views.candidate import as_markdown
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.retraining.judgement import document
from aimass_compiler.runtime.shadow.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.projects import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
_ROWS = 90


def asked(number: int, model: str, *, knows_age: bool = True) -> dict[str, Any]:
    """A request as it was answered: who pays much leaves, and of those with `pro` who does not."""
    plan, charges = ("basic", "plus", "pro")[number % 3], 15.0 if number % 2 else 95.0
    leaves = (charges > 55) != (plan == "pro")
    share = 0.9 if leaves else 0.1
    age = {"age": 20.0 + number % 40} if knows_age else {}
    return record(
        number,
        model=model,
        namespace="ml-dev",
        time=(datetime.now(UTC) - timedelta(minutes=number)).isoformat(),
        seconds=0.02 if model == "old" else 0.004,
        inputs={"charges": charges, "plan": plan, **age},
        outputs={"label": "yes" if leaves else "no", "probabilities": {"no": 1 - share, "yes": share}},
    )


def found(project: Project, store: Path, *options: str) -> dict[str, Any]:
    path = "generated/churn/pipeline.json"
    compiled = json.loads(project.read(path))
    compiled["evaluation"]["slices"] = ["plan"]
    project.write(path, json.dumps(compiled))
    call = ["churn", "ml-dev", f"--store={url_of(store)}", f"--root={project.root}", *options]
    assert main(call) == ExitCode.DONE
    known: dict[str, Any] = project.report("compare/requests.json")
    return known


def test_it_is_told_where_both_agree_and_how_long_each_took(project: Project, tmp_path: Path) -> None:
    for model in ("churn", "old"):
        bring(tmp_path / "store", *(asked(number, model) for number in range(_ROWS)))
    known = found(project, tmp_path / "store", "--mirrored-by=old", "--mirrored-by=unknown")
    recorded = known["recorded"]
    assert (recorded["asked"], recorded["rows"], recorded["version"]) == (_ROWS, _ROWS, "0123456789ab")
    assert recorded["agreement"]["value"] == pytest.approx(2 / 3)
    by_plan = {value: each["agreement"] for value, each in recorded["slices"]["plan"].items()}
    assert by_plan == {"basic": 1.0, "plus": 1.0, "pro": 0.0}
    assert [(each["released"], each["candidate"], each["rows"]) for each in recorded["changes"]] == [
        ("no", "yes", 15),
        ("yes", "no", 15),
    ]
    mirrored = known["mirrored"]["old"]
    assert (mirrored["agreement"]["value"], [*known["mirrored"]]) == (1.0, ["old"])
    assert mirrored["seconds"]["released"]["p50"] == pytest.approx(0.02)
    text = as_markdown(document("churn", ["drift"], {}, {}, {}, []) | {"requests": known})
    assert "Both say the same of 66.7% (95 % interval: " in text
    assert "- no → yes: 15 rows" in text
    assert "| pro | 30 | 0.0% |" in text
    assert "| candidate | 4 ms | 4 ms | 4 ms |" in text


def test_what_records_lack_is_said(project: Project, tmp_path: Path) -> None:
    """Such as a column with `pii: omit`, which the model reads."""
    bring(tmp_path / "store", *(asked(number, "churn", knows_age=False) for number in range(_ROWS)))
    known = found(project, tmp_path / "store")
    assert known["recorded"]["obstacle"] == "records do not have `age` as the model reads it"
    text = as_markdown(document("churn", [], {}, {}, {}, []) | {"requests": known})
    assert "It was not asked what is on record: records do not have `age`" in text
