"""A report has a section for what there is, is one file, and takes what specs and data say as text."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from aimass_compiler.cli.pages import document
from aimass_compiler.cli.pages.blocks import Grid
from aimass_compiler.cli.pages.document import html
from aimass_compiler.cli.pages.live_report import live_server
from aimass_compiler.cli.pages.report import report
from aimass_compiler.cli.pages.report.run_results import RunResults
from pages.results import EVIL, churn, results
from tests.harness.loopback import Answers, Server


class Seen(HTMLParser):
    """What a browser would find: elements with their attributes, and the text outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(autouse=True)
def without_vega(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of script that does not matter here."""
    monkeypatch.setattr(document, "_vega", lambda: "vega()")


def anchors(found: RunResults) -> list[str]:
    return [section.anchor for section in report(found).sections]


def test_everything_that_stages_left_has_a_section(tmp_path: Path) -> None:
    assert anchors(churn(tmp_path)) == [
        "summary", "gates", "difference", "data", "drift", "search", "learning", "metrics", "answers",
        "importance", "service", "lineage",
    ]  # fmt: skip


@pytest.mark.parametrize("model", ["churn", "diabetes", "demand", "tickets"])
def test_what_there_is_not_is_left_out(tmp_path: Path, model: str) -> None:
    assert anchors(results(tmp_path, model)) == ["summary", "lineage"]


def test_a_damaged_result_is_as_none(tmp_path: Path) -> None:
    damaged = results(tmp_path, "churn", METRICS="{", TRIALS="[]", HISTORY="\0", VERDICT="7")
    assert anchors(damaged) == ["summary", "lineage"]


def test_gates_that_were_missed_come_first(tmp_path: Path) -> None:
    text = Seen(html(report(churn(tmp_path)))).text
    assert text.index("✗ missed") < text.index("✓ held")


def test_what_specs_and_data_say_is_text(tmp_path: Path) -> None:
    tame, evil = (Seen(html(report(churn(tmp_path / name, name)))) for name in ("ordinary", EVIL))
    assert [tag for tag, _ in evil.elements] == [tag for tag, _ in tame.elements]
    assert EVIL in evil.text


def test_a_page_is_one_file_that_runs_its_own_scripts_alone(tmp_path: Path) -> None:
    page = html(report(churn(tmp_path)))
    seen = Seen(page)
    assert not [
        given for _, given in seen.elements if {"src", "href", "action"} & {*given} and not is_own(given)
    ]
    (policy,) = [given["content"] for tag, given in seen.elements if given.get("http-equiv")]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert policy is not None
    assert len(scripts) == len(re.findall(r"'sha256-[^']+'", policy))
    assert "unsafe-eval" not in policy


def is_own(given: dict[str, str | None]) -> bool:
    return (given.get("href") or "").startswith("#")


def test_the_same_results_are_the_same_bytes(tmp_path: Path) -> None:
    found = churn(tmp_path)
    assert html(report(found)) == html(report(found))


def test_without_vega_the_numbers_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "can_draw", lambda: False)
    seen = Seen(html(report(churn(tmp_path))))
    assert not [given for _, given in seen.elements if given.get("class") == "chart"]
    assert document.HOW_TO_INSTALL in seen.text


def test_a_live_page_follows_and_answers_nobody_elsewhere(tmp_path: Path) -> None:
    found = churn(tmp_path)
    with live_server(found, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def told(path: str, **headers: str) -> str:
            request = Request(f"http://127.0.0.1:{server.server_port}{path}", headers=headers)
            with urlopen(request, timeout=10) as answer:  # noqa: S310  # this machine
                return str(answer.read().decode())

        before = told("/state")
        assert told("/state") == before
        assert "connect-src" in told("/")
        churn(tmp_path, "changed")
        assert told("/state") != before
        with pytest.raises(HTTPError, match="403"):
            told("/", Host="attacker.example.com:80")
        server.shutdown()


def test_what_prometheus_knows_of_drift_is_held_to_the_limits(tmp_path: Path) -> None:
    class Prometheus(Answers):
        def do_GET(self) -> None:
            drifted = {"metric": {"feature": "age", "namespace": "ml-prod"}, "value": [0, "0.31"]}
            document = {"status": "success", "data": {"resultType": "vector", "result": [drifted]}}
            self.answer(200, json.dumps(document).encode())

    with Server(Prometheus) as server:
        found = replace(churn(tmp_path), prometheus=f"http://{server.place}")
        seen = html(report(found))
    assert '<span class="bad">0.31</span>' in seen
    assert "Drift is not known" in html(report(found)), "nobody answers any more, and the rest is there"
    assert "write it like" in html(report(replace(churn(tmp_path), prometheus="nonsense")))


def test_production_stands_beside_the_test_split(tmp_path: Path) -> None:
    weeks = [
        {"since": f"2026-11-{day:02}T00:00:00", "labelled": 9, "metrics": {"roc_auc": 0.7}} for day in (1, 8)
    ]
    gate = {
        "metric": "roc_auc",
        "condition": "min 0.8",
        "value": 0.7,
        "low": 0.6,
        "high": 0.75,
        "passed": False,
    }
    production = {
        "version": "abc",
        "records": 40,
        "labelled": 18,
        "coverage": 0.9,
        "metrics": {"roc_auc": 0.7},
        "gates": [gate | {"surely_missed": True, "slice": {"plan": EVIL}}],
        "estimated": {
            "rows": 22,
            "metrics": {"roc_auc": {"value": 0.71, "low": 0.6, "high": 0.8, "error": 0.02}},
        },
        "versions": {"abc": {"windows": weeks}},
    }
    seen = Seen(html(report(results(tmp_path, "churn", PRODUCTION=production))))
    assert all(
        text in seen.text
        for text in ("0.71 (0.6 … 0.8; off by +0.02", "✗ missed", "90.0%", "Weeks in production", EVIL)
    )


def test_values_of_personal_columns_are_on_no_page(tmp_path: Path) -> None:
    found = churn(tmp_path, "note")
    path = found.folder / "profile.json"
    profile = json.loads(path.read_text(encoding="utf-8"))
    profile["columns"][0]["frequent"] = [["ada@example.com", 0.5]]
    path.write_text(json.dumps(profile), encoding="utf-8")
    assert "ada@example.com" in html(report(found))
    note = found.pipeline.data.columns["note"].model_copy(update={"pii": "omit"})
    data = found.pipeline.data.model_copy(update={"columns": {**found.pipeline.data.columns, "note": note}})
    masked = replace(found, pipeline=found.pipeline.model_copy(update={"data": data}))
    assert "ada@example.com" not in html(report(masked))


def test_written_answers_that_differ_come_first(tmp_path: Path) -> None:
    import polars

    found = results(tmp_path, "tickets", VERDICT={"gates": []})
    answers = {"prompt": ["a", EVIL], "expected": ["x", "y"], "answer": ["x", EVIL]}
    polars.DataFrame(answers).write_parquet(found.folder / "evaluate/predictions.parquet")
    seen = Seen(html(report(found)))
    assert seen.text.index("differs") < seen.text.index("✓ as expected")
    assert EVIL in seen.text


def test_clusters_are_told_by_what_is_usual_in_them(tmp_path: Path) -> None:
    import polars

    found = results(tmp_path, "churn", BEST={"classes": ["cluster_1", "cluster_2"]})
    task = found.pipeline.task.model_copy(update={"kind": "clustering"})
    (found.folder / "evaluate").mkdir()
    (found.folder / "prepare").mkdir()
    answers = {"row": [0, 1, 2, 3], "scores": [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]]}
    polars.DataFrame(answers).write_parquet(found.folder / "evaluate/predictions.parquet")
    rows = {"age": [20, 30, 70, None], "plan": [EVIL, EVIL, "b", "a"], "seen": [[1], [], [], []]}
    polars.DataFrame(rows).write_parquet(found.folder / "prepare/test.parquet")
    (section,) = (
        each
        for each in report(replace(found, pipeline=found.pipeline.model_copy(update={"task": task}))).sections
        if each.anchor == "clusters"
    )
    (grid,) = section.blocks
    assert isinstance(grid, Grid)
    assert grid.head == ["cluster", "rows", "age", "plan"]
    assert grid.rows == [
        ["cluster_1", "3 (75%)", "30", f"{EVIL[:40]} 67%"],
        ["cluster_2", "1 (25%)", "–", "a 100%"],
    ]


def test_a_search_that_goes_on_is_followed(tmp_path: Path) -> None:
    found = results(tmp_path, "churn")
    for number, value in ((1, 0.8), (2, None)):
        path = found.folder / f"search/0/trials/{number}/outcome.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"id": number, "status": "done", "value": value}), encoding="utf-8")
    assert anchors(found) == ["summary", "progress", "lineage"]
    text = Seen(html(report(found))).text
    assert "2 trials have ended, of 8 at most" in text
    assert "of the run before" not in text
    (found.folder / "evaluate").mkdir()
    (found.folder / "evaluate/metrics.json").write_text('{"test": {"roc_auc": 0.5}}', encoding="utf-8")
    assert "What is measured and tested below is of the run before." in Seen(html(report(found))).text


def test_what_an_earlier_run_left_is_not_taken_for_this_one(tmp_path: Path) -> None:
    found = churn(tmp_path)
    assert "service test" in Seen(html(report(found))).text
    verdict = found.folder / "evaluate/verdict.json"
    verdict.write_text(verdict.read_text(encoding="utf-8").replace("min 0.8", "min 0.95"), encoding="utf-8")
    text = Seen(html(report(found))).text
    assert "service test" not in text
    assert "This is of an earlier run" in text


def test_rows_that_did_not_move_need_no_chart(tmp_path: Path) -> None:
    column = {"psi": 0.0, "ks": 0.0, "missing": {"before": 0, "now": 0}, "new_values": []}
    changes = {"rows": {"before": 8, "now": 8}, "columns": {"age": column}}
    assert "No column moved." in Seen(html(report(results(tmp_path, "churn", ROW_CHANGES=changes)))).text


def test_a_candidate_stands_beside_what_is_released(tmp_path: Path) -> None:
    numbers = {"released": 0.8, "candidate": 0.9, "difference": 0.1, "low": 0.05, "high": 0.15}
    compared = {"metric": "roc_auc", "version": "abc", "environment": "prod", "rows": 90}
    found = results(
        tmp_path,
        "churn",
        COMPARISON=compared | {"metrics": {"roc_auc": numbers}, "slices": {"plan": {EVIL: numbers}}},
        CANDIDATE={"causes": [EVIL], "diagnosis": [{"kind": "unstable", "evidence": "by seed"}]},
    )
    text = Seen(html(report(found))).text
    assert "+0.05 … +0.15" in text
    assert f"plan: {EVIL}" in text
    assert "unstable: by seed" in text
