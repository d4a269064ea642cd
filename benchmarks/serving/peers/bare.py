"""The least that can be: an ASGI function on uvicorn that runs onnxruntime and checks nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import orjson
import uvicorn

_OPTIONS = onnxruntime.SessionOptions()
_OPTIONS.intra_op_num_threads = 1
_SESSION = onnxruntime.InferenceSession(Path(sys.argv[1]) / "model.onnx", _OPTIONS)
_OUTPUTS = ["probabilities", "label"]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer `[[30 numbers]]` with probabilities and labels."""
    assert scope["type"] == "http"
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    rows = numpy.array(orjson.loads(body), dtype=numpy.float64)
    probabilities, labels = _SESSION.run(_OUTPUTS, {"numbers": rows})
    answer = orjson.dumps({"probabilities": probabilities.tolist(), "labels": labels.tolist()})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )
