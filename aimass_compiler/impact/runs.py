"""The runs of a model: the one that is here, and those that DVC keeps as experiments, with what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Path as KeyPath
from aimass_compiler.impact.edits import edits, shown
from aimass_compiler.impact.models import Normal, Unreadable, at, mapping, normal
from aimass_compiler.programs import dvc, experiments, git
from aimass_compiler.programs.experiments import Experiment
from aimass_compiler.stages import STAGES, artifacts

#: What the run is called whose results are below artifacts/.
HERE = "here"
_READ = (artifacts.METRICS, artifacts.VERDICT, artifacts.BEST)
#: Parts of a pipeline that repeat what is in another one.
_DERIVED = ("retraining", "repetition")


class KeptRun(Struct, frozen=True):
    """One run of a model: what it was run with, and what came of it."""

    name: str
    pipeline: Normal
    """The spec with all defaults."""
    results: Mapping[str, Any]
    """What stages left as JSON, by its place below the model's artifacts; without what is not here."""
    experiment: Experiment | None = None
    """None of the run that is here."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """By split, `train`, `validation` and `test`, and what else was measured."""
        return mapping(self.results.get(artifacts.METRICS))

    @property
    def missed(self) -> list[str]:
        """The gates that it missed, in words."""
        gates = mapping(self.results.get(artifacts.VERDICT)).get("gates") or ()
        return [gate["reason"] for gate in gates if not gate["passed"]]

    @property
    def found(self) -> dict[str, Any]:
        """The values that a search found, of the parameters that were ranges, by their keys."""
        best = mapping(self.results.get(artifacts.BEST))
        written = at(self.pipeline, f"model.{best.get('model')}")
        return {
            f"model.{best['model']}.{key}": value
            for key, value in mapping(best.get("parameters")).items()
            if isinstance(mapping(written).get(key), Mapping) and not isinstance(value, Mapping)
        }


def runs(root: Path, model: str) -> list[KeptRun]:
    """The run that is here, if any, and behind it all experiments with this model, the oldest first.

    Raises GitError.
    """
    kept = experiments.experiments(root) if git.head(root) else []
    found = [run for each in kept if (run := _of_experiment(root, model, each))]
    here = _here(root, model)
    return [*([here] if here else []), *found]


def _here(root: Path, model: str) -> KeptRun | None:
    folder = root / conventions.ARTIFACTS_FOLDER / model
    results = {path: json.loads((folder / path).read_bytes()) for path in _READ if (folder / path).is_file()}
    pipeline = root / conventions.GENERATED_FOLDER / model / conventions.PIPELINE_FILE
    if not results or not pipeline.is_file():
        return None
    return KeptRun(HERE, normal(pipeline.read_bytes()), results)


def _of_experiment(root: Path, model: str, experiment: Experiment) -> KeptRun | None:
    """None where the experiment is one with other models."""
    folder = f"{conventions.GENERATED_FOLDER}/{model}"
    paths = [f"{folder}/{name}" for name in (conventions.PIPELINE_FILE, conventions.DVC_LOCK)]
    files = git.files_at(experiment.commit, root, paths)
    if len(files) < len(paths):
        return None
    if not experiment.message.startswith(f"aimass run {model} "):
        before = git.files_at(experiment.baseline, root, paths)
        if experiment.message.startswith("aimass run ") or files == before:
            return None
    pipeline, lock = (files[path] for path in paths)
    try:
        return KeptRun(experiment.name, normal(pipeline), dict(_results(root, model, lock)), experiment)
    except Unreadable:
        return None  # of another version of the compiler


def _results(root: Path, model: str, lock: bytes) -> Iterator[tuple[str, Any]]:
    """What DVC's cache holds of the results that a dvc.lock records."""
    stages = mapping(mapping(yaml.load(lock, getattr(yaml, "CSafeLoader", yaml.SafeLoader))).get("stages"))  # noqa: S506  # a safe one
    outs = [out for stage in stages.values() for out in stage.get("outs") or ()]
    hashes = {out["path"]: str(out.get("md5", "")) for out in outs}
    cache = dvc.cache_folder(root) / "files" / "md5"
    for path in _READ:
        md5 = hashes.get(f"{conventions.ARTIFACTS_FOLDER}/{model}/{path}")
        file = cache / md5[:2] / md5[2:] if md5 else None
        if file and file.is_file():
            yield path, json.loads(file.read_bytes())


def differing(found: Sequence[KeptRun]) -> dict[str, list[Any]]:
    """The parameters that stages read and that differ between runs, by key, with the value of each run.

    A value that a search found counts, not the range that it was found in; None where a run has no such key.
    """
    if not found:
        return {}
    first, *others = [_read(run) for run in found]
    paths: dict[KeyPath, None] = {}
    for other in others:
        paths |= dict.fromkeys(edit.path for edit in edits(first, other))
    kept = [path for path in paths if not any(path[:length] in paths for length in range(1, len(path)))]
    return {shown(path): [_value(_read(run), path) for run in found] for path in kept}


def _read(run: KeptRun) -> dict[str, Any]:
    """The parts of a pipeline that stages read, with what a search found in the place of ranges."""
    names = dict.fromkeys(key.partition(".")[0] for stage in STAGES for key in stage.reads)
    read = {name: run.pipeline[name] for name in names if name in run.pipeline and name not in _DERIVED}
    best = mapping(run.results.get(artifacts.BEST))
    if "one_of" in mapping(read.get("model")) and best:  # the model that the search chose, for all of them
        own = {key: value for key, value in best["parameters"].items() if "." not in key}
        read = read | {"model": {best["model"]: own}}
    for key, value in run.found.items():
        model, kind, parameter = key.split(".", 2)
        read = read | {model: {kind: {**read[model][kind], parameter: value}}}
    return read


def _value(node: Any, path: KeyPath) -> Any:
    for step in path:
        try:
            node = node[step]
        except (LookupError, TypeError):
            return None
    return node


def measured(found: Iterable[KeptRun], split: str) -> list[str]:
    """The metrics that any of the runs has on a split, in their order."""
    return list(dict.fromkeys(name for run in found for name in mapping(run.metrics.get(split))))
