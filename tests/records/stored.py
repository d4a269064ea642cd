"""A store of records as collectors leave it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aimass_compiler import record_names
from aimass_compiler.records.query import RecordsWanted, ask

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
RAW = "raw/node-1/records.jsonl"


def record(number: int, **changed: Any) -> dict[str, Any]:
    """The record of a request, as many minutes ago as its number says."""
    return {
        "schema": record_names.RECORD_FORMAT,
        "time": (NOW - timedelta(minutes=number)).isoformat(),
        "request_id": f"request-{number}",
        "namespace": "ml-prod",
        "model": "churn",
        "version": "0123456789ab",
        "caller": None,
        "seconds": 0.001,
        "row": 0,
        "inputs": {"age": float(number), "customer_id": f"hash-{number % 2}"},
        "outputs": {"label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}},
        **changed,
    }


def url_of(folder: Path) -> str:
    return f"file://{folder}"


def bring(folder: Path, *records: dict[str, Any] | str, name: str = RAW) -> None:
    """Append lines to a file, as a collector does; text as it is."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.writelines(each if isinstance(each, str) else json.dumps(each) + "\n" for each in records)


def in_otlp(*records: dict[str, Any]) -> dict[str, Any]:
    """The records as the file exporter of the OpenTelemetry Collector writes them, on one line."""
    entries = [{"body": {"stringValue": json.dumps(each)}} for each in records]
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": entries}]}]}


def requests(folder: Path, **asked: Any) -> list[str]:
    """The names of the requests that are found, newest first."""
    found = ask(url_of(folder), RecordsWanted(model="churn", **asked))
    return found.column("request_id").to_pylist() if found.num_rows else []
