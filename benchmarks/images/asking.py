"""`python -m benchmarks.images.asking PROJECT-ARTIFACTS`: ask the server in this network, and compare.

Prints a line when it begins to ask, one when the server is ready, and one with what it found.
"""

from __future__ import annotations

import contextlib
import http.client
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import polars

from aimass_compiler import conventions
from aimass_compiler.runtime.load_test.correctness import AnswerComparison, compare
from aimass_compiler.runtime.load_test.protocols import DIALECTS, ServedSignature
from aimass_compiler.runtime.packaging.rows import as_json

_HOST = "127.0.0.1"
_READY_SECONDS = 120
_LOOK_SECONDS = 0.002
_TOLERANCE = 1e-5
_ROWS = 500
_BODY_BYTES = 1 << 20


def main() -> int:
    """Ask about rows of the test split; answers 1 where the server is not what was packaged."""
    artifacts = Path(sys.argv[1])
    document = orjson.loads((artifacts / "package" / "model" / conventions.SIGNATURE_FILE).read_bytes())
    signature = ServedSignature(document)
    rows = as_json(polars.read_parquet(artifacts / "prepare" / "test.parquet").head(_ROWS), signature.inputs)
    evaluated = polars.read_parquet(artifacts / "evaluate" / "predictions.parquet").head(_ROWS)
    expected = evaluated["scores"].to_list()
    print("asking", flush=True)
    if not _is_ready():
        return 1
    _tell({"ready": time.monotonic()})
    open_inference = DIALECTS[1]
    request = open_inference.request(signature, rows[:1])
    begin = time.monotonic()
    status, _ = _ask(request.method, request.path, request.body)
    first = time.monotonic() - begin
    about = orjson.loads(_ask("GET", f"{conventions.MODELS_PATH}/{document['model']}")[1])
    if status != http.HTTPStatus.OK or about["versions"] != [document["version"]]:
        return 1
    comparison = AnswerComparison(_TOLERANCE)
    compare(comparison, conventions.PORT, signature, rows, expected, _BODY_BYTES)
    wrong, largest = len(comparison.wrong), comparison.largest
    _tell({"first": first, "rows": len(rows), "wrong": wrong, "largest": largest})
    return 0


def _tell(found: dict[str, Any]) -> None:
    print(orjson.dumps(found).decode(), flush=True)


def _is_ready() -> bool:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if _ask("GET", conventions.READY_PATH)[0] == http.HTTPStatus.OK:
                return True
        time.sleep(_LOOK_SECONDS)
    return False


def _ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(_HOST, conventions.PORT, timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
