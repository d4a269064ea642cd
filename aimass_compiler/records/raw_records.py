"""Records as collectors bring them: JSON lines, alone or as the bodies of log records in OTLP.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from aimass_compiler import record_names

#: Of a record; what it holds besides is its inputs and outputs.
HEAD = ("time", "request_id", "row", "namespace", "model", "version", "caller", "seconds")


def records_in(content: bytes) -> Iterator[dict[str, Any] | None]:
    """Every record of a file, in its order; None for a line that holds none."""
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError:
            yield None
            continue
        if isinstance(document, dict) and "resourceLogs" in document:
            yield from _bodies(document)
        else:
            yield _record(document)


def _bodies(batch: Mapping[str, Any]) -> Iterator[dict[str, Any] | None]:
    for resource in batch["resourceLogs"]:
        for scope in resource.get("scopeLogs", ()):
            for entry in scope.get("logRecords", ()):
                text = entry.get("body", {}).get("stringValue", "")
                yield from records_in(text.encode()) if text else (None,)


def _record(document: Any) -> dict[str, Any] | None:
    is_one = isinstance(document, dict) and document.get("schema") == record_names.RECORD_FORMAT
    return document if is_one else None


def row_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a row: inputs as `input_NAME`, outputs as `output_NAME`, a class's as
    `output_probability_NAME`.

    Raises KeyError and ValueError for a record that lacks what it must have.
    """
    found = {name: record[name] for name in HEAD}
    time = datetime.fromisoformat(record["time"])
    found |= {"time": time, "date": time.date().isoformat(), "row": int(record["row"])}
    found |= {f"input_{name}": value for name, value in record["inputs"].items()}
    for name, value in record["outputs"].items():
        if isinstance(value, dict):
            found |= {f"output_probability_{each}": float(share) for each, share in value.items()}
        else:
            found[f"output_{name}"] = value
    return found
