"""What can be asked: POST /predict with rows, and POST /v2/models/MODEL/infer with tensors.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy
import orjson

from aimass_compiler.runtime.server import datatypes
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.model import predictions_of
from aimass_compiler.runtime.server.response import RequestError, Response, shown
from aimass_compiler.runtime.server.rows import RowReader, read_json, rows_of
from aimass_compiler.runtime.server.tensors import TensorReader, flag, parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aimass_compiler.runtime.server.model import Tensors
    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.response import Prediction


class RawRequest(NamedTuple):
    """A request for predictions, its body read."""

    body: bytes
    headers: Mapping[bytes, bytes]


class InferenceRequest(NamedTuple):
    """A request that was understood."""

    tensors: Tensors
    answer: Callable[[Prediction], Response]


class PlainEndpoint:
    """Answers `{"rows": [...]}` with `{"model", "version", "predictions": [...]}`."""

    def __init__(self, signature: Signature, most_values: int) -> None:
        self._signature = signature
        self._reader = RowReader(signature, most_values)
        self._names = frozenset(field.name for field in signature.fields)

    def read(self, asked: RawRequest) -> InferenceRequest:
        """The rows as tensors; raises RequestError for what is not a row of this model."""
        rows = rows_of(read_json(asked.body), self._names)
        keys = {name: [row.get(name) for row in rows] for name in self._signature.keys}
        return InferenceRequest(self._reader.tensors(rows), partial(self._written, keys))

    def _written(self, keys: Mapping[str, Sequence[Any]], prediction: Prediction) -> Response:
        document = {
            "model": self._signature.model,
            "version": self._signature.version,
            "predictions": predictions_of(self._signature, prediction.outputs),
        }
        # numpy's float32 values are written with as few digits as float32 needs.
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(200, body, prediction=prediction._replace(keys=keys) if keys else prediction)


class ExplainEndpoint:
    """Answers `{"rows": [...]}` as `PlainEndpoint` does, with an `explanation` beside each prediction."""

    def __init__(self, signature: Signature, most_values: int, most_rows: int, scale: str) -> None:
        self._scale = {"scale": scale}
        self._plain = PlainEndpoint(signature, most_values)
        self._signature = signature
        self._most_rows = most_rows

    def read(self, asked: RawRequest) -> InferenceRequest:
        """The rows as tensors; raises RequestError for what is not a row, or more than are explained."""
        request = self._plain.read(asked)
        rows = len(next(iter(request.tensors.values())))
        if rows > self._most_rows:
            message = f"{rows} rows are more than the {self._most_rows} that are explained at once"
            raise RequestError(413, f"{message}; send fewer rows at once")
        return InferenceRequest(request.tensors, self._written)

    def _written(self, prediction: Prediction) -> Response:
        answers = predictions_of(self._signature, prediction.outputs)
        explained = zip(answers, self._explanations(prediction.outputs), strict=True)
        document = {
            "model": self._signature.model,
            "version": self._signature.version,
            "predictions": [{**answer, "explanation": explanation} for answer, explanation in explained],
        }
        # Not counted as a prediction: the answer that is explained was mostly asked for before.
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(200, body, explained=prediction.rows)

    def _explanations(self, outputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        names = [field.name for field in self._signature.fields]
        given = ("contributions", "base", "of", "exact")
        rows = zip(*(outputs[name].tolist() for name in given), strict=True)
        for contributions, base, of, is_exact in rows:
            ranked = sorted(zip(names, contributions, strict=True), key=lambda entry: -abs(entry[1]))
            explained = {"of": self._signature.labels[of], **self._scale} if self._signature.labels else {}
            yield {**explained, "base": base, "contributions": dict(ranked), "exact": is_exact}


_LONGEST_ID = 256
_OCTETS = (b"content-type", b"application/octet-stream")


class InferEndpoint:
    """Answers inference requests, with binary tensors where they are asked for."""

    def __init__(self, signature: Signature, most_values: int) -> None:
        self._signature = signature
        self._reader = TensorReader(signature, most_values)
        self._datatypes = {output["name"]: output["datatype"] for output in signature.outputs}

    def read(self, asked: RawRequest) -> InferenceRequest:
        """The model's tensors; raises RequestError for what the protocol forbids."""
        head, tail = datatypes.split_body(asked.body, asked.headers.get(datatypes.HEADER_LENGTH))
        request = read_json(head)
        if not isinstance(request, dict):
            raise RequestError(400, 'the body must be an object such as {"inputs": [...]}')
        return self.understood(request, tail, self._written)

    def understood(
        self,
        request: Mapping[str, Any],
        tail: memoryview,
        written: Callable[[dict[str, Any], Mapping[str, bool], Prediction], Response],
    ) -> InferenceRequest:
        """The model's tensors of a request's JSON and the data behind it, and how they are answered.

        `written` gets what describes the answer, and each output to send with whether it is binary.
        """
        wanted, described = self._wanted(request), self._described(request)
        tensors = self._reader.tensors(request.get("inputs"), tail)
        return InferenceRequest(tensors, partial(written, described, wanted))

    def _wanted(self, request: Mapping[str, Any]) -> dict[str, bool]:
        """The outputs to send, in order, and whether each is sent as binary data."""
        otherwise = flag(parameters_of(request, "the request"), "binary_data_output", otherwise=False)
        asked = request.get("outputs")
        if asked is None or asked == []:
            return dict.fromkeys(self._datatypes, otherwise)
        if not isinstance(asked, list):
            raise RequestError(400, f"`outputs` must be a list, not {shown(asked)}")
        wanted = {}
        for output in asked:
            name = output.get("name") if isinstance(output, dict) else None
            if not isinstance(name, str) or name not in self._datatypes:
                hint = nearest(name if isinstance(name, str) else "", self._datatypes)
                raise RequestError(400, f"there is no output {shown(name)}; {hint}")
            if name in wanted:
                raise RequestError(400, f"the output `{name}` is asked for twice")
            wanted[name] = flag(parameters_of(output, f"`{name}`"), "binary_data", otherwise=otherwise)
        return wanted

    def _described(self, request: Mapping[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {
            "model_name": self._signature.model,
            "model_version": self._signature.version,
        }
        identity = request.get("id")
        if identity is not None:
            if not isinstance(identity, str) or len(identity) > _LONGEST_ID:
                message = f"`id` must be a string of at most {_LONGEST_ID} characters, not {shown(identity)}"
                raise RequestError(400, message)
            document["id"] = identity
        return document

    def _written(
        self, document: dict[str, Any], wanted: Mapping[str, bool], prediction: Prediction
    ) -> Response:
        parts: list[bytes] = []
        document["outputs"] = described = []
        for name, is_binary in wanted.items():
            tensor = prediction.outputs[name]
            entry: dict[str, Any] = {"name": name, "datatype": self._datatypes[name], "shape": tensor.shape}
            if is_binary:
                parts.append(datatypes.raw_bytes(tensor))
                entry["parameters"] = {"binary_data_size": len(parts[-1])}
            else:
                entry["data"] = tensor.tolist() if tensor.dtype == object else numpy.ravel(tensor)
            described.append(entry)
        head = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        if not parts:
            return Response(200, head, prediction=prediction)
        length = (datatypes.HEADER_LENGTH, b"%d" % len(head))
        return Response(200, b"".join((head, *parts)), (_OCTETS, length), prediction)
