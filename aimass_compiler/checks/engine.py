"""What only a language model's serving has stands in the spec of one, and its engine can do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.language_engine import ENGINES, engine_named
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import is_written, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.serving import Serving

NEEDS = ("model", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM430",
        "only language models are served so",
        "An engine, a context and times of tokens are of models that write text, token by token. All others "
        "are answered by one pass through `model.onnx`, whose time `objectives.latency` promises and whose "
        "room `limits` says.",
    ),
    Explanation(
        "AM433",
        "the engine cannot do this",
        "Adapters beside their base, servers that span several nodes, and the options below `vllm` are of "
        "vLLM. The engine `onnx` runs one whole model on the CPUs of one node. Where an environment has an "
        "`accelerator`, vLLM is the default there. A package for vLLM alone (`serving: {engine: vllm}`) has "
        "no graph, so no environment can serve it by `onnx`.",
    ),
    Explanation(
        "AM434",
        "these two ways to divide requests exclude each other",
        "During a canary the route says which share of the requests each version gets. With an "
        "`endpoint_picker` the route leads to one pool of servers, of which the picker chooses, and servers "
        "that span several nodes are a LeaderWorkerSet, which Argo Rollouts does not run.",
    ),
    Explanation(
        "AM435",
        "vLLM does not keep this",
        "vLLM bounds how many requests there are and how many tokens each has. It knows no largest body, "
        "logs no sample of predictions, and is watched by the times of tokens, not of whole answers. Limit "
        "bodies at the gateway. `limits.timeout` is kept by the route, and says how long a server that stops "
        "finishes what it has begun.",
    ),
)
_GATEWAY = """\
environments:
  prod:
    serving:
      engine: vllm
      gateway: {host: tickets.example.com, endpoint_picker: {name: tickets-picker}}
"""
EXAMPLES = (
    Example(
        "AM430",
        fails="serving: {engine: vllm}",
        passes="serving: {limits: {concurrency: 32}}",
    ),
    Example(
        "AM433",
        fails="serving: {engine: onnx, vllm: {eager: true}}",
        passes="serving: {engine: vllm, vllm: {eager: true}}",
        of="language",
    ),
    Example(
        "AM433",
        fails="serving: {engine: vllm}\nenvironments: {dev: {serving: {engine: onnx}}}",
        passes="serving: {engine: onnx}\nenvironments: {prod: {serving: {engine: vllm}}}",
        of="language",
    ),
    Example(
        "AM434",
        fails=f"{_GATEWAY}      rollout: {{canary: [10, 100]}}\n",
        passes=_GATEWAY,
        of="language",
    ),
    Example(
        "AM435",
        fails="serving: {engine: vllm, limits: {body: 64Ki}}",
        passes="serving: {engine: vllm, limits: {concurrency: 16}}",
        of="language",
    ),
)
_KEYS = (
    "engine",
    "context",
    "concurrent",
    "structured_output",
    "adapter_of",
    "adapters",
    "nodes",
    "vllm",
    "objectives.first_token",
    "objectives.token",
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys that are of other models or engines, and those that exclude each other."""
    if not pipeline.first_model.artifact.engines:
        yield from _of_language_models(pipeline)
        return
    yield from _without_graph(pipeline)
    for path, serving in written(pipeline, "serving"):
        yield from _of_engine(pipeline, path, serving)
        yield from _divided(path, serving)


def _of_language_models(pipeline: Pipeline) -> Iterator[Finding]:
    for key in _KEYS:
        for path, value in written(pipeline, f"serving.{key}"):
            if value is not None and is_written(pipeline, path):
                message = f"`{path[-1]}` is of language models, and this is none"
                yield Finding("AM430", path, message, help="leave it out", at_key=True)


def _of_engine(pipeline: Pipeline, path: Path, serving: Serving) -> Iterator[Finding]:
    engine = engine_named(serving.engine)
    theirs = [key for each in ENGINES.values() if each != engine for key in each.own_keys]
    for key in theirs if serving.engine is not None else ():
        place = (*path, key)
        is_of_all = path[0] != "environments" and _is_accelerated_anywhere(pipeline)
        if getattr(serving, key) is not None and is_written(pipeline, place) and not is_of_all:
            message = f"the engine `{engine.name}` knows no `{key}`"
            yield Finding("AM433", place, message, help=f"write `engine: {_of_key(key)}`", at_key=True)
    for part, hint in engine.not_kept.items() if serving.engine is not None else ():
        place = (*path, *part.split("."))
        if is_written(pipeline, place) and path[0] != "environments":
            yield Finding(
                "AM435", place, f"vLLM has no `{part}`", help=hint, severity=Severity.WARNING, at_key=True
            )


def _of_key(key: str) -> str:
    """The engine that knows a key."""
    return next(name for name, each in ENGINES.items() if key in each.own_keys)


def _without_graph(pipeline: Pipeline) -> Iterator[Finding]:
    """Environments that ask for a graph that is not packaged where vLLM serves by default."""
    for name, here in pipeline.environments.items():
        usual, engine = engine_named(pipeline.serving.engine), engine_named(here.serving.engine)
        if engine.is_ours and not usual.is_ours:
            message = f"the package has no graph that {name} could serve: `serving` says `engine: vllm`"
            hint = "write `engine: onnx` there, and `engine: vllm` in the environments that have it"
            yield Finding("AM433", ("environments", name, "serving", "engine"), message, help=hint)


def _is_accelerated_anywhere(pipeline: Pipeline) -> bool:
    """Whether some environment has vLLM by default, so that its keys are meant for that one."""
    return any(each.accelerator is not None for each in pipeline.environments.values())


def _divided(path: Path, serving: Serving) -> Iterator[Finding]:
    has_picker = serving.gateway is not None and serving.gateway.endpoint_picker is not None
    for is_there, other in ((has_picker, "gateway.endpoint_picker"), (serving.nodes is not None, "nodes")):
        if serving.rollout.canary and is_there:
            message = f"a canary and `{other}` exclude each other"
            hint = "leave one of them out, in this environment at least"
            yield Finding("AM434", (*path, "rollout", "canary"), message, help=hint)
