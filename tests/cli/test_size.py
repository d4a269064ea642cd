"""What servers ask for is held against what they used, and the spec gets what is proposed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlparse

import pytest

from aimass_compiler.exit_codes import ExitCode
from cli.projects import Project
from tests.harness.loopback import Answers, Server

USED = {
    "prod": {"cpu": {"p95": 0.062, "max": 0.4}, "memory": {"p95": 3.1e8, "max": 3.3e8}},
    "dev": {"cpu": {"p95": 0.42, "max": 0.5}, "memory": {"p95": 5.2e8, "max": 5.3e8}, "share": 0.2},
}


@pytest.fixture
def measured(project: Project) -> Project:
    project.write("use.json", json.dumps({"churn": USED}))
    return project


def test_what_is_asked_stands_beside_what_was_used(measured: Project) -> None:
    before = (measured.root / "specs/churn.yaml").read_text(encoding="utf-8")
    done = measured.aimass("size", "--measures", "use.json")
    assert done.code == ExitCode.DONE
    rows = [line.split() for line in done.out.splitlines()]
    assert ["churn", "prod", "cpu", "500m", "62m", "400m", "80m"] in rows
    assert ["memory", "512Mi", "296Mi", "315Mi", "384Mi"] in rows
    assert ["churn", "dev", "cpu", "500m", "420m", "500m", "fits"] in rows
    assert "churn in dev: only 20% of the period was measured" in done.out
    assert "churn in dev: it is nearly out of memory" in done.out
    assert (measured.root / "specs/churn.yaml").read_text(encoding="utf-8") == before


def test_the_spec_gets_what_is_proposed_for_each_environment(measured: Project) -> None:
    assert measured.aimass("size", "--measures", "use.json", "--write").code == ExitCode.DONE
    again = measured.aimass("size", "--measures", "use.json", "--format", "json")
    found = {each["environment"]: each for each in json.loads(again.out)["servers"]}
    assert found["prod"]["proposed"] == {"cpu": None, "memory": None}, "what was proposed is right"
    assert (found["prod"]["asked"]["cpu"], found["dev"]["asked"]["cpu"]) == (0.08, 0.5)
    assert found["dev"]["asked"]["memory"] == 608 * 2**20


@pytest.fixture
def prometheus() -> Iterator[tuple[str, list[str]]]:
    """One that has what servers say of themselves, and nothing of the kubelet."""
    asked: list[str] = []

    class Handler(Answers):
        def do_GET(self) -> None:
            query = parse_qs(urlparse(self.path).query)["query"][0]
            asked.append(query)
            value = "288" if query.startswith("count") else "0.1" if "cpu" in query else "4e8"
            found = [{"metric": {}, "value": [0, value]}] if "process_" in query else []
            document = {"status": "success", "data": {"resultType": "vector", "result": found}}
            self.answer(200, json.dumps(document).encode(), Content_Type="application/json")

    with Server(Handler) as server:
        yield f"http://{server.place}", asked


def test_servers_are_asked_where_the_kubelet_is_not(
    project: Project, prometheus: tuple[str, list[str]]
) -> None:
    address, asked = prometheus
    where = ("--env=prod", "--over=1d", "--prometheus", address)
    done = project.aimass("size", "churn", *where, "--format=json")
    (found,) = json.loads(done.out)["servers"]
    assert found["used"]["cpu"] == {"p95": 0.1, "max": 0.1}
    assert found["share"] == 1
    assert all('namespace="ml-prod"' in query and "[86400s:5m]" in query for query in asked)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--prometheus=http://127.0.0.1:1"], ExitCode.UNREACHABLE, "cannot be asked: Connection refused\n"),
        (["--measures=none.json"], ExitCode.USAGE, "none.json cannot be read"),
        (["--env=pro"], ExitCode.USAGE, "did you mean `prod`?"),
        (["--over=x"], ExitCode.USAGE, "`x` is no duration"),
    ],
)
def test_what_cannot_be_measured_is_told(
    project: Project, arguments: list[str], code: ExitCode, message: str
) -> None:
    done = project.aimass("size", *arguments)
    assert (done.code, message in done.err) == (code, True), done.err
