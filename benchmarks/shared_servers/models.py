"""N copies of one small model, as each of the servers wants them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.packaging.manifest import manifest_of
from benchmarks.serving.model import NAMES, ROW, write_package

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def names(count: int) -> list[str]:
    """What the models are called."""
    return [f"m{number:04}" for number in range(count)]


def write_models(folder: Path, models: Sequence[str]) -> None:
    """A package for each model, and the list of a shared server."""
    pattern = folder / "packages" / ".pattern"
    write_package(pattern)
    for model in models:
        package = shutil.copytree(pattern, folder / "packages" / model)
        path = package / conventions.SIGNATURE_FILE
        path.write_text(json.dumps(json.loads(path.read_text()) | {"model": model}))
        (package / conventions.MANIFEST_FILE).write_text(json.dumps(manifest_of(package)))
        entry = {"format": conventions.SERVED_FORMAT, "package": f"packages/{model}"}
        (folder / f"{model}.json").write_text(json.dumps(entry))


def write_mlserver(folder: Path, models: Sequence[str], packages: Path, port: int) -> None:
    """The same models as MLServer finds them, in one process as ours is."""
    folder.mkdir()
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,
        "debug": False,
        "use_structured_logging": False,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    for model in models:
        own = folder / model
        own.mkdir()
        about = {
            "name": model,
            "implementation": "mlserver_onnx.OnnxModel",
            "parameters": {"uri": str(packages / model / conventions.MODEL_FILE)},
        }
        (own / "model-settings.json").write_text(json.dumps(about))


def infer(model: str, port: int) -> bytes:
    """A request for one row, in the Open Inference Protocol, as it goes over the wire."""
    tensor: dict[str, Any] = {
        "name": conventions.NUMBERS_TENSOR,
        "shape": [1, len(NAMES)],
        "datatype": "FP64",
        "data": ROW,
    }
    body = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    head = (
        f"POST {conventions.MODELS_PATH}/{model}/infer HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
