"""The documents behind GET: what the server says of itself, and its contract as an OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.server import datatypes
from aimass_compiler.runtime.server.rows import FILE, FLAG, FLOAT, INTEGER, MIXED, TEXT, number_in
from aimass_compiler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.model_signature import Field, Signature


_SERVER = "aimass"
#: Of the columns that share a tensor, by its name.
_DATATYPES = {conventions.NUMBERS_TENSOR: "FP64", conventions.STRINGS_TENSOR: datatypes.BYTES}


def index(signature: Signature, explained_rows: int = 0) -> dict[str, Any]:
    """What there is, and a request that can be copied."""
    explain = {"explain": f"POST {conventions.EXPLAIN_PATH}"} if explained_rows else {}
    return {
        "model": signature.model,
        "version": signature.version,
        "task": signature.task,
        "endpoints": {
            "predict": f"POST {conventions.PREDICT_PATH}",
            **explain,
            "infer": f"POST {model_path(signature)}/infer",
            "contract": f"GET {model_path(signature)}",
            "ready": f"GET {conventions.READY_PATH}",
            "openapi": f"GET {conventions.OPENAPI_PATH}",
            "metrics": f"GET {conventions.METRICS_PATH}",
        },
        "example": {"rows": [signature.example]},
    }


def model_path(signature: Signature) -> str:
    """Where the Open Inference Protocol has this model."""
    return f"{conventions.MODELS_PATH}/{signature.model}"


def server_metadata() -> dict[str, Any]:
    """The server's metadata."""
    return {"name": _SERVER, "version": __version__, "extensions": [datatypes.EXTENSION]}


def model_metadata(signature: Signature) -> dict[str, Any]:
    """The model's metadata: one input a column; what the protocol has no word for is in `parameters`."""
    return {
        "name": signature.model,
        "versions": [signature.version],
        "platform": "onnx_onnxv1",
        "inputs": [_input(field) for field in signature.fields],
        "outputs": list(signature.outputs),
        "parameters": {
            "task": signature.task,
            "trained_at": signature.trained_at,
            "packed_inputs": [
                {
                    "name": name,
                    "datatype": _DATATYPES[name],
                    "shape": [-1, len(fields)],
                    "columns": [field.name for field in fields],
                }
                for name, fields in signature.packed.items()
            ],
        },
    }


def _input(field: Field) -> dict[str, Any]:
    contract: dict[str, Any] = {"type": field.type, "nullable": field.nullable}
    limits = {"min": field.minimum, "max": field.maximum, "unit": field.unit or None, "values": field.values}
    contract |= {name: limit for name, limit in limits.items() if limit is not None}
    return {
        "name": field.name,
        "datatype": _datatype(field),
        "shape": [-1, *(field.shape or (1,))],
        "parameters": contract,
    }


def _datatype(field: Field) -> str:
    if field.shape:
        return "FP32"
    return datatypes.BYTES if field.is_time else _DATATYPES[field.tensor]


_OBJECT = {"type": "object"}
_PARAMETERS = {"type": ["object", "null"]}
_TEXT = {"type": "string"}
_SHAPE = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "minItems": 1,
    "maxItems": 16,
}
_REFUSALS = {
    "400": "The request contradicts itself, or is not of this protocol.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large, or holds too many rows.",
    "415": "The body has a content encoding, such as gzip.",
    "422": "A value breaks the model's contract; `field` names its column and `row` its row.",
    "500": "The model could not answer.",
    "503": "The server is busy or shutting down: try again.",
    "504": "The prediction took too long.",
}


def openapi_document(signature: Signature, explained_rows: int = 0) -> dict[str, Any]:
    """What can be asked of this model, and what is answered; rows may be explained where so many are said."""
    path = model_path(signature)
    explain: dict[str, Any] = {}
    if explained_rows:
        explain[conventions.EXPLAIN_PATH] = {"post": _explain(signature, explained_rows)}
    schemas = {
        "Row": _row(signature),
        "Prediction": _prediction(signature),
        "Error": _object({"error": _TEXT, "field": _TEXT, "row": {"type": "integer"}}, ("error",)),
        "InferRequest": _infer_request(signature),
        "InferResponse": _infer_response(signature),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": signature.model, "version": signature.version, "x-server": f"aimass {__version__}"},
        "paths": {
            conventions.PREDICT_PATH: {"post": _predict(signature)},
            **explain,
            f"{path}/infer": {"post": _infer(signature)},
            path: _get("describe", "The model's tensors and its contract.", _OBJECT),
            f"{path}/ready": _get("model_ready", "Whether the model is ready.", _ready(with_name=True)),
            conventions.READY_PATH: _get("ready", "Whether the server is ready.", _ready(with_name=False)),
            conventions.LIVE_PATH: _get(
                "live", "Whether the server is alive.", _object({"live": {"const": True}}, ("live",))
            ),
            "/v2": _get("server", "The server's name, version and extensions.", _OBJECT),
        },
        "components": {"schemas": schemas},
    }


def _predict(signature: Signature) -> dict[str, Any]:
    summary = "Predict rows; a single row may be sent without `rows`."
    return _of_rows("predict", summary, signature, _ref("Prediction"), {})


def _explain(signature: Signature, most_rows: int) -> dict[str, Any]:
    """As for a prediction, with which columns moved it."""
    number = {"type": "number"}
    names = [field.name for field in signature.fields]
    scales = {"enum": [conventions.PROBABILITY, conventions.LOG_ODDS]}
    of = {"of": {"enum": list(signature.labels)}, "scale": scales} if signature.labels else {}
    about = (
        "Shapley values: `base` and all contributions add up to the probability of `of` or, where `scale` "
        "says so, its log-odds; of a regression to the prediction. `exact` says whether nothing was sampled."
    )
    contributions = _object(dict.fromkeys(names, number), names)
    parts = {**of, "base": number, "contributions": contributions, "exact": {"type": "boolean"}}
    explanation = _object(parts, tuple(parts))
    explained = _object({"explanation": {**explanation, "description": about}}, ("explanation",))
    prediction = {"allOf": [_ref("Prediction"), explained]}
    summary = f"Predict at most {most_rows} rows, and say which columns moved each answer, and by how much."
    return _of_rows("explain", summary, signature, prediction, {"maxItems": most_rows})


def _of_rows(
    name: str,
    summary: str,
    signature: Signature,
    prediction: Mapping[str, Any],
    bounds: Mapping[str, int],
) -> dict[str, Any]:
    rows = {"type": "array", "items": _ref("Row"), "minItems": 1, **bounds}
    asked = {"anyOf": [{**_object({"rows": rows}, ("rows",)), "additionalProperties": False}, _ref("Row")]}
    predictions = {"type": "array", "items": prediction, "minItems": 1}
    answer = {"model": {"const": signature.model}, "version": {"const": signature.version}}
    answered = _object({**answer, "predictions": predictions}, (*answer, "predictions"))
    content = {**_json(asked), "example": {"rows": [dict(signature.example)]}}
    return _operation(name, summary, content, answered)


def _infer(signature: Signature) -> dict[str, Any]:
    summary = "Predict tensors, after the Open Inference Protocol."
    inputs = [
        {
            "name": field.name,
            "shape": _shape_of_one(field, signature.example.get(field.name)),
            "datatype": _datatype(field),
            "data": [signature.example.get(field.name)],
        }
        for field in signature.fields
    ]
    content = {**_json(_ref("InferRequest")), "example": {"inputs": inputs}}
    return _operation("infer", summary, content, _ref("InferResponse"))


def _shape_of_one(field: Field, value: Any) -> list[int]:
    """The shape of a tensor with this one row; a series is as long as it is."""
    shape = field.shape or (1,)
    return [1, len(value), *shape[1:]] if field.is_series and value else [1, *shape]


def _operation(
    name: str, summary: str, content: Mapping[str, Any], answered: Mapping[str, Any]
) -> dict[str, Any]:
    error = {"application/json": {"schema": _ref("Error")}}
    responses = {
        "200": {"description": "The predictions.", "content": {"application/json": {"schema": answered}}},
        **{code: {"description": why, "content": error} for code, why in _REFUSALS.items()},
    }
    body = {"required": True, "content": {"application/json": content}}
    return {"operationId": name, "summary": summary, "requestBody": body, "responses": responses}


def _get(name: str, summary: str, answered: Mapping[str, Any]) -> dict[str, Any]:
    responses = {"200": {"description": summary, "content": {"application/json": {"schema": answered}}}}
    if name.endswith("ready"):
        responses["503"] = {**responses["200"], "description": "Not ready: the server is shutting down."}
    return {"get": {"operationId": name, "summary": summary, "responses": responses}}


def _ready(*, with_name: bool) -> dict[str, Any]:
    ready = {"ready": {"type": "boolean"}}
    return _object({"name": _TEXT, **ready} if with_name else ready, ("ready",))


def _row(signature: Signature) -> dict[str, Any]:
    ignored = {name: {"description": "Ignored: the model does not read it."} for name in signature.ignored}
    columns = {field.name: _column(field) for field in signature.fields}
    required = [field.name for field in signature.fields if not field.nullable]
    row = _object({**dict(sorted(ignored.items())), **columns}, required)
    return {**row, "additionalProperties": False, "examples": [dict(signature.example)]}


def _column(field: Field) -> dict[str, Any]:
    none = [None] if field.nullable else []
    if field.shape:
        picture = _steps(*field.shape) if field.is_series else _nested(field.shape)
        if field.written == FILE:
            picture = {"anyOf": [picture, {"type": "string", "contentEncoding": "base64"}]}
        return {"anyOf": [picture, {"type": "null"}]} if none else picture
    if field.values is not None:
        return {"enum": [*field.values, *_otherwise(field), *none, *([""] if none else [])]}
    kinds = ["null"] * len(none)
    if field.is_time:
        times = [{"type": "string", "format": name} for name in ("date-time", "date")]
        return {"anyOf": [*times, *({"type": kind} for kind in kinds)]}
    if field.tensor == conventions.NUMBERS_TENSOR:
        limits = {"minimum": field.minimum, "maximum": field.maximum, "description": field.unit or None}
        written = {FLAG: ["boolean"], TEXT: ["string"], MIXED: ["string"]}.get(field.written, [])
        bounds = {name: limit for name, limit in limits.items() if limit is not None}
        return {"type": ["number", *written, *kinds], **bounds}
    written = {
        FLAG: ["boolean"],
        INTEGER: ["integer"],
        FLOAT: ["number"],
        MIXED: ["boolean", "number"],
    }.get(field.written, [])
    least = {} if field.nullable else {"minLength": 1}
    return {"type": ["string", *written, *kinds], **least}


def _otherwise(field: Field) -> list[Any]:
    """The declared names as the flags or numbers that the data had for them."""
    if field.written == FLAG:
        return [name == "true" for name in field.values or () if name in ("true", "false")]
    if field.written not in (INTEGER, FLOAT):
        return []
    numbers = [number_in(name) for name in field.values or ()]
    return [int(number) if number.is_integer() else number for number in numbers if number is not None]


def _steps(most: int, channels: int) -> dict[str, Any]:
    step = _nested(() if channels == 1 else (channels,))
    return {"type": "array", "items": step, "minItems": 1, "maxItems": most}


def _nested(shape: tuple[int, ...]) -> dict[str, Any]:
    if not shape:
        return {"type": "number"}
    return {"type": "array", "items": _nested(shape[1:]), "minItems": shape[0], "maxItems": shape[0]}


def _forecast(signature: Signature, horizon: int) -> dict[str, Any]:
    steps = _nested((horizon,))
    share = "" if signature.interval is None else f" of {signature.interval:.0%} of the true values"
    described = {
        "prediction": "The values ahead, the next one first.",
        "lower": f"The lower ends of intervals{share}.",
        "upper": f"The upper ends of intervals{share}.",
    }
    return _object(
        {name: {**steps, "description": described[name]} for name in conventions.FORECAST_OUTPUTS},
        conventions.FORECAST_OUTPUTS,
    )


def _prediction(signature: Signature) -> dict[str, Any]:
    if signature.horizon is not None:
        return _forecast(signature, signature.horizon)
    if not signature.labels:
        names = [output["name"] for output in signature.outputs]
        about = {} if signature.interval is None else {"description": _interval(signature.interval)}
        return {**_object({name: {"type": "number"} for name in names}, names), **about}
    share = {"type": "number", "minimum": 0, "maximum": 1.000001}
    shares = _object(dict.fromkeys(signature.labels, share), signature.labels)
    if signature.thresholds:
        limits = zip(signature.labels, signature.thresholds, strict=True)
        each = ", ".join(f"`{name}` from a probability of {limit:g} on" for name, limit in limits)
        given = {"type": "array", "items": {"enum": list(signature.labels)}, "description": each}
        return _object({"labels": given, "probabilities": shares}, ("labels", "probabilities"))
    decision = signature.decision
    how = (
        f"`{decision.positive}` from a probability of {decision.threshold:g} on"
        if decision
        else "the likeliest"
    )
    label = {"enum": list(signature.labels), "description": how}
    return _object({"label": label, "probabilities": shares}, ("label", "probabilities"))


def _interval(coverage: float) -> str:
    return (
        f"From `lower` to `upper`, intervals were made to hold the true value of {coverage:.4g} of the rows."
    )


def _infer_request(signature: Signature) -> dict[str, Any]:
    columns = (field.name for field in signature.fields)
    names = dict.fromkeys((*columns, *signature.packed, *sorted(signature.ignored)))
    tensor = {
        "name": {"enum": list(names)},
        "shape": _SHAPE,
        "datatype": {"enum": [datatypes.BOOL, *datatypes.DTYPES, datatypes.BYTES]},
        "data": {"type": ["array", "null"]},
        "parameters": _PARAMETERS,
    }
    output = {
        "name": {"enum": [output["name"] for output in signature.outputs]},
        "parameters": _PARAMETERS,
    }
    inputs = {"type": "array", "items": _object(tensor, ("name", "shape", "datatype")), "minItems": 1}
    return _object(
        {
            "id": {"type": ["string", "null"], "maxLength": 256},
            "parameters": _PARAMETERS,
            "inputs": inputs,
            "outputs": {"type": ["array", "null"], "items": _object(output, ("name",))},
        },
        ("inputs",),
    )


def _infer_response(signature: Signature) -> dict[str, Any]:
    output = {
        "name": {"enum": [output["name"] for output in signature.outputs]},
        "shape": _SHAPE,
        "datatype": {"enum": sorted({output["datatype"] for output in signature.outputs})},
        "data": {"type": "array"},
        "parameters": _OBJECT,
    }
    outputs = {"type": "array", "items": _object(output, ("name", "shape", "datatype"))}
    named = {"model_name": {"const": signature.model}, "model_version": {"const": signature.version}}
    return _object({**named, "id": _TEXT, "outputs": outputs}, (*named, "outputs"))


def _object(properties: Mapping[str, Any], required: Any) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": schema}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
