"""Our own servers, of rows and of text: how their container is configured, and how they are seen to be up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from aimass_compiler import conventions, drift_methods, record_names
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.text_engine import SchemaOutput
from aimass_compiler.render.pod_security import PULL, TMP_MOUNT, tmp_volume
from aimass_compiler.render.serving import callers
from aimass_compiler.render.serving.engine import Served, ServingEngine
from aimass_compiler.render.serving.token_times import further_ends

#: How many bytes of weights a node reads in a second at least.
READ_BYTES = 200 * 2**20
_STARTUP_SECONDS = 120
PACKAGE_MOUNT = {
    "name": conventions.PACKAGE_VOLUME,
    "mountPath": conventions.IMAGE_PACKAGE_FOLDER,
    "readOnly": True,
}


def package_volume(model: str) -> dict[str, Any]:
    """The package's image, whose name the release replaces like that of a container."""
    return {"name": conventions.PACKAGE_VOLUME, "image": {"reference": model, "pullPolicy": PULL}}


def _volumes(served: Served) -> Iterator[dict[str, Any]]:
    yield tmp_volume("64Mi")
    yield from record_volumes(served)
    if served.serving.model == "volume":
        yield package_volume(served.model)
    yield from callers.volumes(served.model, served.serving.access, served.gateway)


def startup_seconds(served: Served) -> int:
    """Two minutes to load the model, and for a language model as long as its memory takes to be filled."""
    if not served.serving.is_of_text:
        return _STARTUP_SECONDS
    return _STARTUP_SECONDS + math.ceil(served.serving.resources.memory.size / READ_BYTES)


def _container(served: Served) -> Mapping[str, Any]:
    is_mounted = served.serving.model == "volume"
    return {
        "image": conventions.SERVER_IMAGE if is_mounted else served.model,
        "resources": _resources(served.serving),
        **_probes(startup_seconds(served)),
        "volumeMounts": [
            TMP_MOUNT,
            *record_mounts(served),
            *([PACKAGE_MOUNT] if is_mounted else []),
            *callers.mounts(served.model, served.serving.access, served.gateway),
        ],
    }


def _resources(serving: Serving) -> dict[str, Any]:
    """No CPU limit: the request is a guaranteed share, a limit would only stall answers on idle nodes."""
    memory = str(serving.resources.memory)
    return {
        "requests": {"cpu": str(serving.resources.cpu), "memory": memory, "ephemeral-storage": "64Mi"},
        "limits": {"memory": memory, "ephemeral-storage": "512Mi"},
    }


def _probes(startup_seconds: int) -> dict[str, Any]:
    """Once it is up, it is unready after 10 s and restarted after a minute without an answer.

    A server that is starved of CPU answers late: restarting it would leave the others even less.
    """
    ready = {"path": conventions.READY_PATH, "port": conventions.PORT_NAME}
    live = {"path": conventions.LIVE_PATH, "port": conventions.PORT_NAME}
    tries = math.ceil(startup_seconds / 2)
    return {
        "startupProbe": {
            "httpGet": ready,
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": tries,
        },
        "readinessProbe": {"httpGet": ready, "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {"httpGet": live, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def drain_seconds(serving: Serving) -> int:
    """When a server that was asked to stop is gone at the latest.

    It stays until callers have learned to go elsewhere, and twice as long for those who had just connected;
    the last of them may ask just before, and is answered.
    """
    return math.ceil(3 * conventions.STAY_SECONDS + serving.limits.timeout.seconds) + 1


def variables(served: Served) -> dict[str, str]:
    """The server's environment variables and their values."""
    serving, explained = served.serving, served.serving.explanations
    return {
        **({} if explained is None else {conventions.VARIABLE_EXPLAINED_ROWS: str(explained.rows)}),
        conventions.VARIABLE_CONCURRENCY: str(serving.limits.concurrency),
        conventions.VARIABLE_TIMEOUT_SECONDS: _plain(serving.limits.timeout.seconds),
        conventions.VARIABLE_BODY_BYTES: str(serving.limits.body.size),
        conventions.VARIABLE_PREDICTION_SAMPLE: _plain(serving.logs.predictions.sample),
        **_hidden(served),
        conventions.VARIABLE_DRIFT_WINDOW_SECONDS: str(math.ceil(served.monitoring.drift.window.seconds)),
        **_drift_method(served),
        conventions.VARIABLE_DRAIN_SECONDS: str(drain_seconds(serving)),
        conventions.VARIABLE_STAY_SECONDS: str(conventions.STAY_SECONDS),
        **({conventions.VARIABLE_GRPC_PORT: str(conventions.GRPC_PORT)} if serving.grpc else {}),
        **({conventions.VARIABLE_WORKERS: str(serving.workers)} if (serving.workers or 1) > 1 else {}),
        **_of_traces(serving),
        **callers.variables(serving),
        **_of_text(serving),
    }


def _drift_method(served: Served) -> dict[str, str]:
    name = served.monitoring.drift.method
    return {} if name == drift_methods.USUAL else {conventions.VARIABLE_DRIFT_METHOD: name}


def _of_traces(serving: Serving) -> dict[str, str]:
    if serving.tracing is None:
        return {}
    return {
        conventions.VARIABLE_TRACES_ENDPOINT: serving.tracing.endpoint,
        conventions.VARIABLE_TRACES_SAMPLE: _plain(serving.tracing.sample),
    }


def _hidden(served: Served) -> dict[str, str]:
    """What records must not have as it is, where there are any."""
    if not served.hidden or not served.serving.logs.predictions.sample:
        return {}
    return {conventions.VARIABLE_HIDDEN_COLUMNS: msgspec.json.encode(dict(served.hidden)).decode()}


def _writes_records(served: Served) -> bool:
    return served.settings.logs is not None and served.serving.logs.predictions.sample > 0


def record_volumes(served: Served) -> Iterator[dict[str, Any]]:
    """Where a collector of the node finds what a server left, who calls nobody."""
    if _writes_records(served):
        yield {"name": record_names.RECORD_VOLUME, "emptyDir": {"sizeLimit": "128Mi"}}


def record_mounts(served: Served) -> Iterator[dict[str, Any]]:
    """Where the server writes records."""
    if _writes_records(served):
        yield {"name": record_names.RECORD_VOLUME, "mountPath": record_names.RECORD_MOUNT}


def record_variables(served: Served) -> Iterator[dict[str, Any]]:
    """Where records go, and what they are hashed with and said to be from, which manifests do not know."""
    logs = served.settings.logs
    if logs is None or not _writes_records(served):
        return
    yield {"name": record_names.VARIABLE_RECORD_FOLDER, "value": record_names.RECORD_MOUNT}
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    yield {"name": record_names.VARIABLE_NAMESPACE, "valueFrom": {"fieldRef": field}}
    key = {"name": logs.secret, "key": record_names.VARIABLE_RECORD_KEY, "optional": True}
    yield {"name": record_names.VARIABLE_RECORD_KEY, "valueFrom": {"secretKeyRef": key}}


def _of_text(serving: Serving) -> dict[str, str]:
    """The further settings of a server of a language model; none for others."""
    if not serving.is_of_text:
        return {}
    ends = further_ends(serving.objectives)
    found = {
        conventions.VARIABLE_STRUCTURED_OUTPUT: _structured(serving),
        conventions.VARIABLE_CONTEXT: str(serving.context),
        conventions.VARIABLE_CONCURRENT: str(serving.concurrent),
        conventions.VARIABLE_FIRST_TOKEN_BUCKETS: ",".join(map(str, ends.first_token)),
        conventions.VARIABLE_TOKEN_BUCKETS: ",".join(map(str, ends.token)),
    }
    return {name: value for name, value in found.items() if value}


def _structured(serving: Serving) -> str:
    """What answers must look like, where the package does not say it."""
    wanted = serving.structured_output
    if isinstance(wanted, SchemaOutput):
        return msgspec.json.encode(wanted.json_schema).decode()
    return "none" if wanted == "none" else ""


def _plain(number: float) -> str:
    """A decimal number without an exponent, which not every reader of variables knows."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


ENGINE = ServingEngine(
    container=_container,
    volumes=_volumes,
    drain_seconds=drain_seconds,
    startup_seconds=startup_seconds,
    variables=variables,
    secrets=record_variables,
)
