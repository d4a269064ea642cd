"""Parity, suites and quantisation belong to language models, and a scheme to the engine that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._catalog import metric_of, metrics_for, suits
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove, Severity, did_you_mean

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
        "`int8` and `int4` are built by onnxruntime-genai for `serving: {engine: onnx}`, which runs on CPUs. "
        "`w8a8` and `fp8` are weights that llmcompressor makes for vLLM; this version makes none of these, "
        "so they are refused rather than served as they were trained. An environment with vLLM serves the "
        "weights as they were trained, too.",
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
        passes="quantize: {scheme: int8}",
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
_OF_VLLM = ("w8a8", "fp8")


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
    path, engine = ("quantize", "scheme"), pipeline.serving.engine or "onnx"
    if how.scheme in _OF_VLLM:
        message = f"`{how.scheme}` is for vLLM, and this version quantises for the engine `onnx` alone"
        hint = "write `int8` or `int4` with `serving: {engine: onnx}`"
        yield Finding("AM417", path, message, help=hint)
    elif engine != "onnx":
        message = (
            f"`{how.scheme}` is for the engine `onnx`, and `{engine}` serves the weights as they were trained"
        )
        yield Finding("AM417", path, message, help="leave `quantize` out, or write `serving: {engine: onnx}`")
    else:
        yield from _unquantized(how, pipeline)


def _unquantized(how: Quantization, pipeline: Pipeline) -> Iterator[Finding]:
    """Environments whose engine reads the weights in place of the graph."""
    for name, here in pipeline.environments.items():
        if here.serving.engine not in (None, "onnx"):
            engine = here.serving.engine
            message = f"`{how.scheme}` is not served in {name}: `{engine}` reads the weights as trained"
            hint = f"write `environments: {{{name}: {{serving: {{engine: onnx}}}}}}`, or leave `quantize` out"
            yield Finding("AM417", ("quantize", "scheme"), message, help=hint, severity=Severity.WARNING)


def _gates(how: Quantization, pipeline: Pipeline) -> Iterator[Finding]:
    for place, gate in enumerate(how.gates):
        metric, path = metric_of(gate.metric), ("quantize", "gates", place, "metric")
        if metric is None or not suits(metric, pipeline.task):
            known = metrics_for(pipeline.task)
            message = f"`{gate.metric}` is no metric of what this model answers"
            yield Finding("AM418", path, message, help=did_you_mean(gate.metric, known))
