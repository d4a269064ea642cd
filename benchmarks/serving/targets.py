"""What is measured: each server's command, and the request that asks it about the same row."""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serving.model import NAMES, ROW

_PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Server:
    """A program that serves the package on a port."""

    name: str
    arguments: tuple[str, ...]
    """Behind the Python interpreter; PACKAGE and PORT stand for themselves."""
    packages: tuple[str, ...] = ("uvicorn", "uvloop", "httptools", "onnxruntime", "orjson", "numpy")
    """What it is made of; without one of these it is skipped."""
    is_peer: bool = False
    """Whether it runs in the environment of the servers that are compared with."""


@dataclass(frozen=True)
class Target:
    """One way to ask one server."""

    name: str
    server: Server
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, port: int) -> bytes:
        """The request as it goes over the wire."""
        headers = {
            "host": f"127.0.0.1:{port}",
            "content-type": "application/json",
            "content-length": str(len(self.body)),
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + self.body


OURS = Server(
    "aimass", ("-m", "aimass_compiler.runtime.server", "PACKAGE", "--host=127.0.0.1", "--port=PORT")
)
TWO_WORKERS = Server("aimass, 2 workers", (*OURS.arguments, "--workers=2"))
BARE = Server("bare", (str(_PEERS / "bare.py"), "PACKAGE", "PORT"))
FASTAPI = Server(
    "FastAPI + scikit-learn",
    (str(_PEERS / "fastapi_sklearn.py"), "PACKAGE", "PORT"),
    packages=("fastapi", "scikit-learn", "pydantic", "uvicorn"),
    is_peer=True,
)
LITSERVE = Server(
    "LitServe",
    (str(_PEERS / "litserve_onnxruntime.py"), "PACKAGE", "PORT"),
    packages=("litserve", "onnxruntime"),
    is_peer=True,
)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _tensor(name: str, columns: int, **content: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1, columns], "datatype": "FP64", **content}


def targets() -> list[Target]:
    """Every way to ask, the bare server first: the others are told as shares of it."""
    named = [_tensor(name, 1, data=[value]) for name, value in zip(NAMES, ROW, strict=True)]
    infer = "/v2/models/bench/infer"
    raw = struct.pack(f"<{len(ROW)}d", *ROW)
    head = _json(
        {
            "inputs": [_tensor("numbers", len(ROW), parameters={"binary_data_size": len(raw)})],
            "parameters": {"binary_data_output": True},
        }
    )
    row = dict(zip(NAMES, ROW, strict=True))
    return [
        Target("bare ASGI + onnxruntime", BARE, "/", _json([ROW])),
        Target("aimass /predict", OURS, "/predict", _json({"rows": [row]})),
        Target("aimass /predict, 2 workers", TWO_WORKERS, "/predict", _json({"rows": [row]})),
        Target("aimass /v2, a tensor a column", OURS, infer, _json({"inputs": named})),
        Target(
            "aimass /v2, packed", OURS, infer, _json({"inputs": [_tensor("numbers", len(ROW), data=ROW)]})
        ),
        Target(
            "aimass /v2, packed binary",
            OURS,
            infer,
            head + raw,
            {"inference-header-content-length": str(len(head))},
        ),
        Target("FastAPI + scikit-learn", FASTAPI, "/predict", _json(row)),
        Target("LitServe + onnxruntime", LITSERVE, "/predict", _json({"row": ROW})),
    ]


def command(server: Server, package: Path, port: int, peers: str) -> list[str]:
    """The command line of a server; peers run in an interpreter of their own."""
    values = {"PACKAGE": str(package), "PORT": str(port)}
    interpreter = peers if server.is_peer else sys.executable
    filled = [
        argument.replace("PACKAGE", values["PACKAGE"]).replace("PORT", values["PORT"])
        for argument in server.arguments
    ]
    return [interpreter, *filled]
