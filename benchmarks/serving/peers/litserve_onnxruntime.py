"""LitServe, as its documentation starts, with one worker that runs onnxruntime."""

# What it imports is in the environment of the peers only.
# mypy: ignore-errors

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve
import numpy
import onnxruntime


class Answering(litserve.LitAPI):
    """Answers `{"row": [30 numbers]}`."""

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        del device
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(Path(sys.argv[1]) / "model.onnx", options)

    def decode_request(self, request: dict[str, Any]) -> Any:
        """The tensor of one row."""
        return numpy.array([request["row"]], dtype=numpy.float64)

    def predict(self, x: Any) -> Any:
        """Probabilities and label."""
        return self.session.run(["probabilities", "label"], {"numbers": x})

    def encode_response(self, output: Any) -> dict[str, Any]:
        """JSON of one answer."""
        return {"probabilities": output[0][0].tolist(), "label": output[1][0]}


if __name__ == "__main__":
    server = litserve.LitServer(Answering(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning")
