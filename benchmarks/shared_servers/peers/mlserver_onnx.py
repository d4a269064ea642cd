"""The package's graph in MLServer, which has no runtime of its own for ONNX: as little as answers a request."""

from __future__ import annotations

import numpy
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):  # type: ignore[misc]  # untyped where it is not installed
    """One graph that reads `numbers`."""

    async def load(self) -> bool:
        """Load the graph, with one thread, as our server does."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        uri = self.settings.parameters.uri
        self._session = onnxruntime.InferenceSession(uri, options, providers=["CPUExecutionProvider"])
        self._session.run(None, {"numbers": numpy.zeros((1, 30))})
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request."""
        numbers = NumpyCodec.decode_input(payload.inputs[0])
        probabilities, label = self._session.run(["probabilities", "label"], {"numbers": numbers})
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output("probabilities", probabilities),
                StringCodec.encode_output("label", label.tolist()),
            ],
        )
