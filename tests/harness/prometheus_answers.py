"""Stands in for Prometheus where what it measures is the test's to say: no servers, no time, no alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlparse

from aimass_compiler import conventions
from tests.harness.loopback import Answers, Server

#: What is in the query of each measure of a canary, the first that is there counts.
_MEASURES = {
    'code=~"5.."': "errors",
    conventions.METRIC_DURATION: "answer-time",
    conventions.METRIC_PREDICTION: "shift",
    conventions.METRIC_LABELS: "shift",
    conventions.METRIC_REQUESTS: "requests",
}


@dataclass
class Measured:
    """What it answers."""

    address: str = ""
    values: dict[str, float] = field(default_factory=dict)
    """Of each measure of a canary; what is not here has no samples."""
    series: dict[str, list[tuple[dict[str, str], float]]] = field(default_factory=dict)
    """What queries answer that have this in them: labels and value of each series."""

    histories: dict[str, list[tuple[dict[str, str], list[tuple[float, float]]]]] = field(default_factory=dict)
    """What range queries answer that have this in them: labels, and times with values, of each series."""

    def answer_range(self, query: str) -> str:
        """A range query's answer; one that is no matrix where nothing is known."""
        known = next((each for part, each in self.histories.items() if part in query), None)
        if known is None:
            return self.answer(query)
        found = [
            {"metric": labels, "values": [[time, str(value)] for time, value in points]}
            for labels, points in known
        ]
        return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": found}})

    def answer(self, query: str) -> str:
        """An instant query's answer, as its API has it."""
        if known := next((each for part, each in self.series.items() if part in query), None):
            return _told(known)
        name = next((each for part, each in _MEASURES.items() if part in query), "")
        value = self.values.get(name)
        return _told([] if value is None else [({}, value)])


def _told(series: list[tuple[dict[str, str], float]]) -> str:
    """These series as an instant query's answer has them."""
    found = [{"metric": labels, "value": [0, str(value)]} for labels, value in series]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": found}})


@contextmanager
def running() -> Iterator[Measured]:
    """One that knows nothing yet."""
    measured = Measured()

    class Handler(Answers):
        def do_GET(self) -> None:
            self.tell(urlparse(self.path).query)

        def do_POST(self) -> None:
            self.tell(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())

        def tell(self, form: str) -> None:
            answer = measured.answer_range if "query_range" in self.path else measured.answer
            answered = answer(parse_qs(form)["query"][0])
            self.answer(200, answered.encode(), Content_Type="application/json")

    with Server(Handler) as server:
        measured.address = f"http://{server.place}"
        yield measured
