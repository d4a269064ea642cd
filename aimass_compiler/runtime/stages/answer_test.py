"""The sixth stage of a language model: the real server on the package: certified, fast, not falling over."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import conventions
from aimass_compiler.catalog.turns import turns_of
from aimass_compiler.runtime.load_test.access_enforcement import access_faults
from aimass_compiler.runtime.load_test.answers import AnswerMeasurements, measure_answers
from aimass_compiler.runtime.load_test.conclusion import require_fit_to_serve, write_service_report
from aimass_compiler.runtime.load_test.protocols import Request
from aimass_compiler.runtime.server.response import RequestError, ServerFailure
from aimass_compiler.runtime.workspace import Workspace, read_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.quantities import Duration
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.access import Access
    from aimass_compiler.pipeline.serving import Limits, Objectives, ServingTests

_MOST_PROMPTS = 200
#: Shares of classes nearer than this may be told apart otherwise by a form with fewer bits.
_TIE = 0.05
_PERCENTILES = (50, 95, 99)


def run(
    task: Task,
    objectives: Objectives,
    tests: ServingTests,
    limits: Limits,
    access: Access | None = None,
    *,
    workspace: Workspace,
    soak: Duration | None = None,
) -> None:
    """Write what was measured; only then a server that is wrong, slow or unstable stops the pipeline.

    Raises StageFailure with everything that was wrong, in numbers.
    """
    package = workspace.folder(artifacts.PACKAGE)
    signature = read_json(package / conventions.SIGNATURE_FILE)
    if not (package / conventions.ONNX_FOLDER).is_dir():
        # An engine that this environment does not have; the certificate is of the weights that it reads.
        write_service_report(workspace, _not_served(signature["version"]), is_soak=False)
        print(f"not served here: {signature['engine']} runs where it is deployed", flush=True)
        return
    is_judged = task.is_classification and not signature["quantized"]  # whose gates say what may differ
    prompts, classes = _evaluated(task, workspace, has_classes=is_judged)
    seconds = (tests.load.duration if soak is None else soak).seconds
    found = measure_answers(package, prompts, limits, seconds, classes=classes, is_soak=soak is not None)
    times = _times(found)
    faults = list(faults_of(found, times, objectives))
    if access is not None and soak is None and prompts:
        body = json.dumps({"messages": prompts[0], "max_tokens": 1}).encode()
        faults += access_faults(package, access, Request(conventions.CHAT_PATH, body))
    report = {"version": signature["version"], **_report(found, times, faults)}
    write_service_report(workspace, report, is_soak=soak is not None)
    _print(found, times)
    require_fit_to_serve(faults, "times were")


def _evaluated(
    task: Task, workspace: Workspace, *, has_classes: bool
) -> tuple[list[list[Any]], list[str | None]]:
    """The prompts of the test split that can be answered, and where wanted the class that each was given."""
    rows = polars.read_parquet(workspace.path(artifacts.rows("test"))).head(_MOST_PROMPTS)
    asked = [list(each.turns) for each in turns_of(rows, task)]
    places = _answerable(workspace.folder(artifacts.PACKAGE), asked)
    known = _classes(workspace) if has_classes else []
    return [asked[place] for place in places], [known[place] for place in places] if has_classes else []


def _not_served(version: str) -> dict[str, Any]:
    measured = _times(AnswerMeasurements())
    efficiency: dict[str, dict[str, float]] = {f"{name}_milliseconds": {} for name in measured}
    return {"version": version, "passed": True, "is_served": False, "efficiency": efficiency, "faults": []}


def _answerable(package: Path, asked: Sequence[Sequence[Mapping[str, str]]]) -> list[int]:
    """The places of prompts that leave room for an answer: others are refused, as callers are told.

    All of them where the package cannot be read, which the server then says itself.
    """
    from aimass_compiler.runtime.language_server.package import read_language_package
    from aimass_compiler.runtime.language_server.text import ChatTemplate, Tokenizer

    try:
        read = read_language_package(package)
    except ServerFailure:
        return list(range(len(asked)))
    tokenizer, template = Tokenizer(read.folder, read.vocabulary), ChatTemplate(read.template)
    room, found = read.signature.context - 1, []
    for place, messages in enumerate(asked):
        with suppress(RequestError):
            if len(tokenizer.ids(template.prompt(messages), room)) <= room:
                found.append(place)
    return found


def _classes(workspace: Workspace) -> list[str | None]:
    """The class that each row of the test split was evaluated with; None where two are nearly as likely."""
    import numpy

    names = read_json(workspace.path(artifacts.SIGNATURE))["output"]["choices"]
    scores = numpy.array(polars.read_parquet(workspace.path(artifacts.PREDICTIONS))["scores"].to_list())
    second, first = numpy.sort(scores, axis=1)[:, -2:].T
    return [
        names[place] if apart > _TIE else None
        for place, apart in zip(scores.argmax(axis=1), first - second, strict=True)
    ]


def _times(found: AnswerMeasurements) -> dict[str, dict[str, float]]:
    """Percentiles, in seconds, of what objectives are about."""
    import numpy

    return {
        name: {
            f"p{percent}": float(numpy.percentile(values, percent)) if values else 0.0
            for percent in _PERCENTILES
        }
        for name, values in (
            ("first_token", found.first_token_seconds),
            ("token", found.token_seconds),
            ("latency", found.answer_seconds),
        )
    }


def faults_of(
    found: AnswerMeasurements, times: Mapping[str, Mapping[str, float]], objectives: Objectives
) -> Iterator[str]:
    """Why the served model must not be released, each with its numbers."""
    if found.wrong:
        yield (
            f"{found.wrong} of {found.asked} certified prompts were answered otherwise, "
            f"log-probabilities up to {found.largest_difference:.2g} off"
        )
    failed = found.failures.total() / max(1, found.requests)
    if failed > 1 - objectives.availability.fraction:
        yield (
            f"{found.failures.total():,} of {found.requests:,} good requests failed ({failed:.2%}), "
            f"where `serving.objectives.availability` is {objectives.availability}"
            + "".join(f"; {count:,} got {what}" for what, count in found.failures.most_common(3))
        )
    for name, measured in times.items():
        wanted = getattr(objectives, name)
        for percentile, seconds in measured.items():
            limit = None if wanted is None else getattr(wanted, percentile)
            if limit is not None and seconds > limit.seconds:
                measured_as = f"{percentile} of `objectives.{name}` is {_milliseconds(seconds)}"
                yield f"{measured_as}, where it may be {limit}"
    yield from found.faults


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g}ms"


def _print(found: AnswerMeasurements, times: Mapping[str, Mapping[str, float]]) -> None:
    off = f"log-probabilities at most {found.largest_difference:.2g} off"
    print(f"{found.asked} certified prompts answered, {off}", flush=True)
    rate = found.tokens / found.seconds if found.seconds else 0.0
    first, token = (times[name]["p95"] for name in ("first_token", "token"))
    print(
        f"{found.requests:,} streams, {rate:,.0f} tokens a second: first token p95 {_milliseconds(first)}, "
        f"further tokens p95 {_milliseconds(token)}",
        flush=True,
    )


def _report(
    found: AnswerMeasurements,
    times: Mapping[str, Mapping[str, float]],
    faults: Sequence[str],
) -> dict[str, Any]:
    per_second = found.seconds or 1.0
    return {
        "passed": not faults,
        "correctness": {
            "rows": found.asked,
            "wrong_rows": found.wrong,
            "largest_difference": found.largest_difference,
        },
        "efficiency": {
            "requests": found.requests,
            "requests_per_second": found.requests / per_second,
            "tokens_per_second": found.tokens / per_second,
            **{
                f"{name}_milliseconds": {percentile: seconds * 1000 for percentile, seconds in each.items()}
                for name, each in times.items()
            },
        },
        "stability": {"failed_requests": found.failures.total(), "faults": len(found.faults)},
        "faults": list(faults),
    }
