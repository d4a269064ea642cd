"""What one server accepts, it can hold, and a request fits into it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import first_written, is_written, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.serving import Serving

NEEDS = ("data", "target", "serving.limits", "serving.resources")
EXPLANATIONS = (
    Explanation(
        "AM302",
        "the requests in flight do not fit into the server's memory",
        "A request's body is in memory while it arrives. As many as `limits.concurrency` has room for, each "
        "as large as `limits.body` allows, are more than `resources.memory`, so that the node ends the "
        "server under load. Raise the memory, or lower one of the limits.",
    ),
    Explanation(
        "AM303",
        "no request fits into the largest body that is accepted",
        "A single row, written as short as any of the server's formats allows, is larger than `limits.body`: "
        "every request would be answered 413.",
    ),
    Explanation(
        "AM304",
        "one server asks for a whole machine",
        "A model of this kind answers with a part of one core and some hundreds of megabytes. So much is "
        "mostly a unit that was meant otherwise: `cpu: 500` are 500 cores, `cpu: 500m` half a core.",
    ),
    Explanation(
        "AM305",
        "the time limit is shorter than the server can measure",
        "The server looks for requests that ran out of time in steps of a twentieth of the limit, and its "
        "clock ticks in milliseconds. Below 10 ms a limit is kept by chance.",
    ),
)
EXAMPLES = (
    Example(
        "AM302",
        fails="serving: {limits: {concurrency: 64, body: 32Mi}}",
        passes="serving: {limits: {concurrency: 8, body: 32Mi}}",
    ),
    Example(
        "AM303",
        fails="data: {columns: {photo: {type: image, shape: [3, 1024, 1024]}}}\n"
        "model: cnn\nfeatures: [drop: [tenure, charges, plan]]",
        passes="data: {columns: {photo: {type: image, shape: [3, 1024, 1024]}}}\n"
        "model: cnn\nfeatures: [drop: [tenure, charges, plan]]\n"
        "serving: {limits: {body: 32Mi, concurrency: 8}}",
    ),
    Example("AM304", fails="serving: {resources: {cpu: 500}}", passes="serving: {resources: {cpu: 500m}}"),
    Example(
        "AM305",
        fails="serving: {limits: {timeout: 2ms}, objectives: {latency: {p99: 1ms}}}",
        passes="serving: {limits: {timeout: 2s}, objectives: {latency: {p99: 1ms}}}",
    ),
)
_MANY_CORES = 64
_MUCH_MEMORY = 2**38
_SHORTEST_TIMEOUT = 0.01
#: A number takes at least a digit and a comma in JSON, and four bytes as a binary tensor.
_LEAST_BYTES = 2


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Limits that a server cannot keep, and sizes that cannot be meant."""
    kept: dict[str, Finding] = {}
    for path, serving in written(pipeline, "serving"):
        for finding in _of_server(pipeline, path, serving):
            kept.setdefault(finding.message, finding)  # once, where environments share it
    yield from kept.values()
    yield from _bodies(pipeline)


def _of_server(pipeline: Pipeline, path: Path, serving: Serving) -> Iterator[Finding]:
    limits, memory = serving.limits, serving.resources.memory
    if limits.concurrency * limits.body.size > memory.size:
        message = f"{limits.concurrency} requests of {limits.body} do not fit into {memory} of memory"
        hint = "raise `resources.memory`, or lower `limits.concurrency` or `limits.body`"
        where = first_written(pipeline, (*path, "limits"), (*path, "resources", "memory"))
        yield Finding("AM302", where, message, help=hint, severity=Severity.WARNING)
    yield from _large(path, serving)
    if limits.timeout.seconds < _SHORTEST_TIMEOUT:
        message = f"`timeout` is {limits.timeout}, which the server cannot measure"
        where = (*path, "limits", "timeout")
        yield Finding("AM305", where, message, help="write `10ms` or more", severity=Severity.WARNING)


def _large(path: Path, serving: Serving) -> Iterator[Finding]:
    cpu, memory = serving.resources.cpu, serving.resources.memory
    if cpu.amount >= _MANY_CORES:
        message, hint = f"one server asks for {cpu} cores", f"did you mean `{cpu}m`, thousandths of one core?"
        where = (*path, "resources", "cpu")
        yield Finding("AM304", where, message, help=hint, severity=Severity.WARNING)
    if memory.size >= _MUCH_MEMORY:
        message = f"one server asks for {memory} of memory"
        where = (*path, "resources", "memory")
        yield Finding("AM304", where, message, help="write it like `512Mi`", severity=Severity.WARNING)


def _bodies(pipeline: Pipeline) -> Iterator[Finding]:
    images = {name: kind.shape for name, kind in pipeline.flow.sources.items() if kind.shape}
    for name, shape in images.items():
        least = _LEAST_BYTES * math.prod(shape)
        for path, body in written(pipeline, "serving.limits.body"):
            if least > body.size:
                size = " x ".join(map(str, shape))
                noun = pipeline.flow.sources[name]
                message = f"{noun} of {size} takes {least:,} bytes or more, but `body` is {body}"
                hint = f"raise `serving.limits.body`: JSON takes up to {8 * least // 2**20 + 1}Mi"
                if is_written(pipeline, path):
                    yield Finding("AM303", path, message, help=hint, related=(declared(name),))
                else:
                    yield Finding("AM303", ("data", "columns", name), message, help=hint, at_key=True)
