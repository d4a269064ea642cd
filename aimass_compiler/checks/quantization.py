"""Parity, suites and quantisation belong to language models, and a scheme to the engine that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.catalog.quantization_scheme import SCHEMES
from aimass_compiler.checks._catalog import metric_of, metrics_for, suits
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove, Severity, did_you_mean
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.quantization import Quantization

NEEDS = ("data", "target", "model", "evaluation", "quantize", "serving", "environments", "settings")
EXPLANATIONS = (
    Explanation(
        "AM410",
        "the key is for language models",
        "`quantize`, `evaluation.parity` and `evaluation.suites` say how a language model is made smaller, "
        "certified and tried with tasks; other models are one ONNX graph, which is held to what was trained "
        "row by row.",
    ),
    Explanation(
        "AM417",
        "the engine does not read weights of this scheme",
        "`int8` and `int4` are built by onnxruntime-genai for `serving: {engine: onnx}`, which runs on CPUs; "
        "an environment with vLLM serves the weights as they were trained. `w8a8` and `fp8` are written in "
        "the format of compressed-tensors for `serving: {engine: vllm}`, which computes with them in 16 "
        "bits: it has no kernels for `float32` there. `w8a8` is served on CPUs, too; `fp8` on accelerators "
        "that have it (NVIDIA's since Ada and Hopper, AMD's MI300), and no CPU does. Adapters are served "
        "beside weights as they were trained.",
    ),
    Explanation(
        "AM418",
        "a gate of quantisation names no metric that judges the model",
        "It says how much worse one metric of the test split may get, such as "
        "`{metric: exact_match, loses: 0.01}`.",
    ),
)
EXAMPLES = (
    Example("AM410", fails="quantize: {scheme: int8}", passes="model: logistic_regression"),
    Example(
        "AM417",
        fails="quantize: {scheme: w8a8}",
        passes="quantize: {scheme: w8a8}\nserving: {engine: vllm}",
        of="language",
    ),
    Example(
        "AM417",
        fails="quantize: {scheme: fp8}\nserving: {engine: vllm}",
        passes="quantize: {scheme: w8a8}\nserving: {engine: vllm}",
        of="language",
    ),
    Example(
        "AM417",
        fails="quantize: {scheme: w8a8}\nserving: {engine: vllm, vllm: {dtype: float32}}",
        passes="quantize: {scheme: w8a8}\nserving: {engine: vllm, vllm: {dtype: bfloat16}}",
        of="language",
    ),
    Example(
        "AM417",
        fails="quantize: {scheme: int8}\nenvironments: {prod: {serving: {engine: vllm}}}",
        passes="quantize: {scheme: int8}\nenvironments: {prod: {serving: {engine: onnx}}}",
        of="language",
    ),
    Example(
        "AM418",
        fails="quantize: {scheme: int8, gates: [{metric: accuracy, loses: 0.1}]}",
        passes="quantize: {scheme: int8, gates: [{metric: rouge_l, loses: 0.1}]}",
        of="language",
    ),
)
#: Keys of what is served with adapters beside it, or as one.
_ADAPTING = ("adapter_of", "adapters")
#: What vLLM may be told of how weights are quantised, where the package says it, too.
_AS_PACKAGED = "compressed-tensors"


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys that other models have no use for; of language models, schemes and gates that cannot be."""
    if pipeline.task.conversation is None:
        for path, written in _of_language_models(pipeline).items():
            if written is not None:
                message = f"`{path[-1]}` is for language models, and `{pipeline.first_model.kind}` is none"
                fix = Fix("", (Remove(path),))
                yield Finding("AM410", path, message, help="leave it out", fix=fix, at_key=True)
        return
    if pipeline.quantize is not None:
        yield from _scheme(pipeline.quantize, pipeline)
        yield from _gates(pipeline.quantize, pipeline)


def _of_language_models(pipeline: Pipeline) -> dict[tuple[str, ...], object]:
    return {
        ("quantize",): pipeline.quantize,
        ("evaluation", "parity"): pipeline.evaluation.parity,
        ("evaluation", "suites"): pipeline.evaluation.suites or None,
    }


def _scheme(how: Quantization, pipeline: Pipeline) -> Iterator[Finding]:
    path, engine = ("quantize", "scheme"), engine_named(pipeline.serving.engine).name
    adapting = next((key for key in _ADAPTING if getattr(pipeline.serving, key) is not None), None)
    if adapting is not None:
        message = f"`{how.scheme}` is for a model that is served alone, and `{adapting}` is of adapters"
        yield Finding("AM417", path, message, help=f"leave `quantize` or `{adapting}` out")
    elif not how.is_served_by(engine):
        message = (
            f"`{how.scheme}` is read by `{how.how.engine.name}`, and the package is for the engine `{engine}`"
        )
        fitting = " or ".join(f"`{name}`" for name, each in SCHEMES.items() if each.engine.name == engine)
        hint = f"write `serving: {{engine: {how.how.engine.name}}}`, or {fitting}"
        yield Finding("AM417", path, message, help=hint)
    else:
        yield from _unquantized(how, pipeline)
        yield from _uncomputed(how, pipeline)


def _unquantized(how: Quantization, pipeline: Pipeline) -> Iterator[Finding]:
    """Environments whose engine reads the weights in place of the graph."""
    for name, here in pipeline.environments.items():
        engine = here.serving.engine
        if how.how.engine.is_ours and not engine_named(engine).is_ours:
            message = f"`{how.scheme}` is not served in {name}: `{engine}` reads the weights as trained"
            hint = f"write `environments: {{{name}: {{serving: {{engine: onnx}}}}}}`, or leave `quantize` out"
            yield Finding("AM417", ("quantize", "scheme"), message, help=hint, severity=Severity.WARNING)


def _uncomputed(how: Quantization, pipeline: Pipeline) -> Iterator[Finding]:
    """Where there is nothing that computes with such weights."""
    for path, options in written(pipeline, "serving.vllm") if not how.how.engine.is_ours else ():
        if options is not None and options.dtype == "float32":
            message = f"vLLM computes with `{how.scheme}` in 16 bits, and has no kernels for `float32`"
            yield Finding("AM417", (*path, "dtype"), message, help="write `dtype: bfloat16`, or leave it out")
        if options is not None and options.quantization not in (None, _AS_PACKAGED):
            message = f"the package says how weights are quantised, which is not `{options.quantization}`"
            yield Finding("AM417", (*path, "quantization"), message, help="leave it out")
    without = [name for name, here in pipeline.environments.items() if here.accelerator is None]
    if how.how.needs_accelerator and without:
        places = " and ".join(without)
        message = f"`{how.scheme}` is computed with by accelerators alone, and there is none in {places}"
        hint = f"write `environments: {{{without[0]}: {{accelerator: …}}}}`, or `scheme: w8a8`"
        yield Finding("AM417", ("quantize", "scheme"), message, help=hint)


def _gates(how: Quantization, pipeline: Pipeline) -> Iterator[Finding]:
    for place, gate in enumerate(how.gates):
        metric, path = metric_of(gate.metric), ("quantize", "gates", place, "metric")
        if metric is None or not suits(metric, pipeline.task):
            known = metrics_for(pipeline.task)
            message = f"`{gate.metric}` is no metric of what this model answers"
            yield Finding("AM418", path, message, help=did_you_mean(gate.metric, known))
