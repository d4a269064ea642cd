"""The package of a language model: its forms, the proof that they agree, and what says so."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler.catalog.base_model import BaseError
from aimass_compiler.catalog.turns import turns_of
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.evaluation import Parity
from aimass_compiler.runtime.evaluation.gates import GateResult
from aimass_compiler.runtime.evaluation.measures import finite, metrics_named, shown
from aimass_compiler.runtime.evaluation.predictions import predict_rows
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.packaging.golden_answers import golden_answers
from aimass_compiler.runtime.packaging.language_card import language_card
from aimass_compiler.runtime.packaging.manifest import write_documents
from aimass_compiler.runtime.packaging.parity_certificate import CertifiedRow, Form, certify
from aimass_compiler.runtime.workspace import Workspace, read_json, replacing_all
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.artifacts.language_model import LanguageModelFiles
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.catalog.text_engine import TextEngine
    from aimass_compiler.catalog.turns import Turns
    from aimass_compiler.pipeline.quantization import Quantization
    from aimass_compiler.runtime.packaging.parity_certificate import Certificate


@dataclass(frozen=True)
class RequestedPackage:
    """What is packaged, and how near its forms must be."""

    name: str
    task: Task
    artifact: LanguageModelFiles
    parity: Parity
    quantize: Quantization | None


def write_language_package(
    name: str,
    task: Task,
    artifact: LanguageModelFiles,
    parity: Parity | None,
    quantize: Quantization | None,
    workspace: Workspace,
) -> None:
    """Write weights, graph, certificate and what says what they are.

    Raises StageFailure where forms of the model differ, or quantisation costs more than its gates allow; then
    nothing is packaged.
    """
    wanted = RequestedPackage(name, task, artifact, parity or Parity.default(), quantize)
    folder = workspace.folder(artifacts.PACKAGE)
    rows = polars.read_parquet(workspace.path(artifacts.rows("test")))
    report = read_json(workspace.path(artifacts.METRICS)) | read_json(workspace.path(artifacts.VERDICT))
    for stale in artifact.unused(folder):
        shutil.rmtree(stale)
    with replacing_all(folder, artifact.packaged) as made:
        _make_forms(wanted, made, workspace)
        certificate = _certified(wanted, made, rows, workspace)
        report |= _quantized(wanted, made, rows, report)
        best = read_json(workspace.path(artifacts.BEST))
        known = {"version": artifact.version(made), "trained_at": best["trained_at"]}
        engine = _engine(wanted, made, workspace)
        signature = _signature(wanted, known, engine.stop_ids, rows, workspace)
        fitting = _fitting(wanted, rows, workspace)
        golden = golden_answers(engine, fitting, wanted.parity.log_probability, _context(wanted.task))
        document = certificate.document()
    documents = {
        artifacts.SIGNATURE: signature,
        artifacts.GOLDEN: golden,
        artifacts.PARITY: document,
        artifacts.REACHED: known | report | {"parity": document},
    }
    licence = artifact.licence(workspace.folder("train"))
    features = read_json(workspace.path(artifacts.FEATURES)) | {"licence": licence}
    text = language_card(signature, wanted.task, report, best, features, document, rows.height)
    write_documents(documents, text, workspace)
    print(certificate.statement, flush=True)
    print(f"version {known['version']}, {artifact.size(folder):,} bytes", flush=True)


def _engine(wanted: RequestedPackage, made: Path, workspace: Workspace) -> TextEngine:
    """The form of the package that is served."""
    if wanted.artifact.has_graph or wanted.quantize:
        return wanted.artifact.packaged_engine(made)
    return wanted.artifact.merged_engine(made, workspace.folder("train"))


def _make_forms(wanted: RequestedPackage, made: Path, workspace: Workspace) -> None:
    """Merge, and build the graph that serves. Raises StageFailure."""
    from aimass_compiler.catalog.artifacts._weights import code_in

    trained, features = workspace.folder("train"), workspace.folder("features")
    try:
        wanted.artifact.package(trained, features, wanted.task, made)
        wanted.artifact.build(made, None if wanted.quantize is None else wanted.quantize.scheme, features)
    except (BaseError, RuntimeError) as error:
        hint = error.help if isinstance(error, BaseError) else wanted.artifact.without_form
        raise StageFailure(ExitCode.FAILED, str(error), hint) from None
    found = code_in(made)
    if found:
        raise StageFailure(
            ExitCode.FAILED,
            f"the package has files that run code when they are read: {', '.join(found)}",
            "choose a base of an architecture that transformers has, with safetensors",
        )


def _certified(
    wanted: RequestedPackage, made: Path, rows: polars.DataFrame, workspace: Workspace
) -> Certificate:
    """Ask every form about rows of the test split. Raises StageFailure where they differ."""
    artifact, tolerance = wanted.artifact, wanted.parity.log_probability
    trained, tokenizing = workspace.folder("train"), artifact.tokenizing(workspace.folder("train"))
    conversations = _fitting(wanted, rows, workspace)
    asked = [
        CertifiedRow(place, conversations[place].turns, tokenizing.encoded(conversations[place])[1])
        for place in spread(len(conversations), wanted.parity.rows)
    ]
    learned, whole = artifact.learned_engine(trained), artifact.trained_engine(trained)
    forms = [] if learned is None else [Form(whole, mean=wanted.parity.narrow_base)]
    forms.append(Form(artifact.merged_engine(made, trained), largest=tolerance))
    if artifact.has_graph or wanted.quantize:
        rough = None if wanted.quantize is None else wanted.quantize.log_probability
        engine = artifact.packaged_engine(made)
        forms.append(Form(engine, tolerance if rough is None else None, rough))
    found = certify(asked, learned or whole, forms, artifact.asked_elsewhere)
    if found.problems:
        raise StageFailure(
            ExitCode.FAILED,
            "the forms of the model do not agree, so nothing is packaged:\n"
            + "\n".join(f"  {problem}" for problem in found.problems),
            "tolerances are `evaluation.parity` and `quantize.log_probability`; other tokens or ends are "
            "a fault of the base's tokenizer, chat template or generation_config.json",
        )
    return found


def _context(task: Task) -> int | None:
    return None if task.conversation is None else task.conversation.sequence_length


def _fitting(wanted: RequestedPackage, rows: polars.DataFrame, workspace: Workspace) -> list[Turns]:
    """The rows whose prompt and answer are no longer than the context. Raises StageFailure for none."""
    tokenizing, room = wanted.artifact.tokenizing(workspace.folder("train")), _context(wanted.task)
    found = [
        each
        for each in turns_of(rows, wanted.task)
        if room is None or sum(map(len, tokenizing.encoded(each))) <= room
    ]
    if not found:
        raise StageFailure(
            ExitCode.FAILED,
            f"no row of the test split fits into `sequence_length` ({room}), so nothing can be certified",
            "make `sequence_length` as long as the stage `features` says",
        )
    return found


def spread(count: int, most: int) -> list[int]:
    """Places of so many rows at most, evenly among all of them."""
    wanted = min(count, most)
    return [place * count // wanted for place in range(wanted)]


def _quantized(
    wanted: RequestedPackage, made: Path, rows: polars.DataFrame, report: Mapping[str, Any]
) -> dict[str, Any]:
    """The metrics of the quantised model on the test split, held to its gates. Raises StageFailure."""
    if wanted.quantize is None:
        return {}
    task, how = wanted.task, wanted.quantize
    scored = predict_rows(wanted.artifact.responder(made, (), task), task, rows, "test")
    metrics = metrics_named(dict.fromkeys((*report["test"], *(gate.metric for gate in how.gates))))
    after = {name: finite(scored.measured(metric, task)) for name, metric in metrics.items()}
    judged = []
    for gate in how.gates:
        metric, before, now = metrics[gate.metric], report["test"].get(gate.metric), after[gate.metric]
        condition = f"loses {gate.loses:g} by {how.scheme}"
        if before is None or now is None:
            lost, reason = None, f"{gate.metric} is not defined both before {how.scheme} and after it"
        else:
            lost = before - now if metric.greater_is_better else now - before
            reason = (
                f"{gate.metric} on the test split is {shown(now)} in {how.scheme}, {shown(before)} before"
            )
        passed = lost is not None and lost <= gate.loses
        reason += "" if passed or lost is None else f"; at most {gate.loses:g} may be lost"
        judged.append(GateResult(gate.metric, metric.title(task), "test", condition, now, passed, reason))
    missed = [each.reason for each in judged if not each.passed]
    if missed:
        raise StageFailure(
            ExitCode.GATE,
            "quantisation costs too much, so nothing is packaged:\n"
            + "\n".join(f"  {each}" for each in missed),
            "choose a scheme of more bits, or leave `quantize` out",
        )
    gates = [*report["gates"], *map(asdict, judged)]
    return {"quantized": {"scheme": how.scheme, "test": after}, "gates": gates}


def _signature(
    wanted: RequestedPackage,
    known: Mapping[str, str],
    stop_ids: Sequence[int],
    rows: polars.DataFrame,
    workspace: Workspace,
) -> dict[str, Any]:
    """What a package accepts and answers, as servers and callers read it."""
    features, task = read_json(workspace.path(artifacts.FEATURES)), wanted.task
    inputs = features["inputs"]
    choice = {"kind": "choice", "choices": list(task.classes)}
    return {
        "format": wanted.artifact.package_format,
        "model": wanted.name,
        **known,
        "task": task.served_as,
        "base": features["base"],
        "context": _context(task),
        "tokenizer": features["tokenizer"],
        "template": features["template"],
        "inputs": inputs,
        "output": choice if task.is_classification else {"kind": "text"},
        "stop_ids": list(stop_ids),
        "engine": wanted.artifact.engine,
        "quantized": None if wanted.quantize is None else wanted.quantize.scheme,
        "example": _example(rows, [place["name"] for place in inputs], task),
    }


def _example(rows: polars.DataFrame, names: Sequence[str], task: Task) -> dict[str, Any]:
    """What callers send of the first row: of a conversation that is the target, all but its answer."""
    (row,) = rows.select(names).head(1).to_dicts()
    return {name: value[:-1] if name == task.target else value for name, value in row.items()}
