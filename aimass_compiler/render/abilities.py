"""What a spec can ask of a platform: the rows of the tables in docs/targets.md, in their order."""

from __future__ import annotations

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.platform import Ability, Asked, of_serving


def _always(pipeline: Pipeline, environment: str) -> bool:
    """What every model has, whether its spec says so or not."""
    del pipeline, environment
    return True


def _of_serving(key: str, words: str, is_asked: Asked = _always) -> Ability:
    return Ability(area="serving", key=key, words=words, is_asked=is_asked)


def _of_training(key: str, words: str) -> Ability:
    return Ability(area="training", key=key, words=words, is_asked=_always)


def _of_pipeline(key: str, words: str, is_asked: Asked = _always) -> Ability:
    return Ability(area="pipeline", key=key, words=words, is_asked=is_asked)


def _has_several_workers(pipeline: Pipeline, environment: str) -> bool:
    return pipeline.environments[environment].training.worker_range[1] > 1


ABILITIES: tuple[Ability, ...] = (
    _of_serving("serving.resources", "CPU and memory of a server"),
    _of_serving("serving.limits", "limits of requests"),
    _of_serving("serving.replicas.min", "so many servers at least"),
    _of_serving(
        "serving.replicas.max",
        "more servers under load",
        of_serving(lambda serving: serving.replicas.min < serving.replicas.max),
    ),
    _of_serving(
        "serving.replicas.requests",
        "more servers for more requests in flight",
        of_serving(lambda serving: serving.replicas.requests is not None),
    ),
    _of_serving(
        "serving.replicas.schedule",
        "more servers in some hours",
        of_serving(lambda serving: bool(serving.replicas.schedule)),
    ),
    _of_serving(
        "serving.replicas.idle",
        "no server while no request comes",
        of_serving(lambda serving: serving.replicas.idle is not None),
    ),
    _of_serving(
        "serving.replicas.zones",
        "servers in so many zones",
        of_serving(lambda serving: serving.replicas.zones is not None),
    ),
    _of_serving(
        "serving.model",
        "the model as a volume",
        of_serving(lambda serving: serving.model == "volume"),
    ),
    _of_serving("serving.rollout.surge", "servers beyond those wanted during an update"),
    _of_serving(
        "serving.rollout.canary",
        "a canary: the new version takes over step by step",
        of_serving(lambda serving: bool(serving.rollout.canary)),
    ),
    _of_serving(
        "serving.rollout.analysis",
        "each step of a canary judged by what its servers did",
        of_serving(lambda serving: bool(serving.rollout.canary)),
    ),
    _of_serving(
        "serving.gateway.host",
        "a route from outside, at a host",
        of_serving(lambda serving: serving.gateway is not None),
    ),
    _of_serving(
        "serving.gateway.endpoint_picker",
        "the server for each request picked by its queue and cache",
        of_serving(
            lambda serving: serving.gateway is not None and serving.gateway.endpoint_picker is not None
        ),
    ),
    _of_serving(
        "serving.gateway.retries",
        "requests that are tried again by the gateway",
        of_serving(lambda serving: serving.gateway is not None and serving.gateway.retries is not None),
    ),
    _of_serving(
        "serving.gateway.mirror",
        "a copy of the requests to another model",
        of_serving(lambda serving: serving.gateway is not None and serving.gateway.mirror is not None),
    ),
    _of_serving(
        "serving.access",
        "who may ask, and how much",
        of_serving(lambda serving: serving.access is not None),
    ),
    _of_serving(
        "serving.nodes",
        "one server on several nodes",
        of_serving(lambda serving: serving.nodes is not None),
    ),
    _of_serving(
        "serving.adapters",
        "adapters beside their base",
        of_serving(lambda serving: serving.adapters is not None),
    ),
    _of_serving(
        "serving.shared",
        "many models in one server",
        of_serving(lambda serving: serving.shared is not None),
    ),
    _of_serving(
        "serving.explanations",
        "answers explained",
        of_serving(lambda serving: serving.explanations is not None),
    ),
    _of_serving("serving.logs", "a line a request, and a sample of predictions"),
    _of_serving(
        "serving.workers",
        "several processes in a server",
        of_serving(lambda serving: bool(serving.workers)),
    ),
    _of_serving("serving.grpc", "gRPC beside HTTP", of_serving(lambda serving: bool(serving.grpc))),
    _of_serving(
        "serving.tracing",
        "spans of requests, exported by OTLP",
        of_serving(lambda serving: serving.tracing is not None),
    ),
    _of_serving("serving.objectives", "objectives, with alerts and a dashboard"),
    _of_serving("monitoring.drift", "drift of inputs and predictions"),
    _of_serving("serving.tests", "tests of the served model before it is published"),
    _of_serving("environments", "environments that serve otherwise"),
    _of_training("training.resources", "CPU and memory of each worker"),
    _of_training("training.gpus", "GPUs"),
    _of_training("training.workers", "several workers for one model"),
    _of_training("training.retries", "tried again after a failure"),
    _of_training("search", "a search: its algorithms, schedulers and budgets"),
    _of_training("search.time", "an end in time"),
    _of_training("monitoring.retrain.schedule", "training again by the clock"),
    _of_training("training.target", "started, watched and fetched from here"),
    _of_pipeline("data.sources", "data"),
    _of_pipeline("search", "a search: its algorithms, schedulers and budgets"),
    _of_pipeline("training.workers", "several workers for one model", _has_several_workers),
    _of_pipeline("training.retries", "training tried again after a failure"),
    _of_pipeline("evaluation.gates", "gates that stop what is not good enough"),
)
