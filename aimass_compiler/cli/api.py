"""What the command line does, for programs and notebooks: `from aimass_compiler import open_project`.

Methods do what the command of their name does, and answer values instead of printing. What was named and does
not exist raises a HintedError, whose message and `help` are those of the command line.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.cli import selection
from aimass_compiler.diagnostics import Finding, HintedError, has_errors
from aimass_compiler.project import Project
from aimass_compiler.stages import artifacts
from aimass_compiler.stages.result_file import read_result

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow

    from aimass_compiler.compile_cache import CompileCache
    from aimass_compiler.delivery.lineage import VersionLife
    from aimass_compiler.generate import Generated
    from aimass_compiler.plan import FileChange

#: Within which a server that is stopped has written down what it recorded.
_END_SECONDS = 30


class SpecsInvalid(HintedError):  # noqa: N818  # it reads as what is the case
    """Specs have errors, so nothing was written; `findings` are all that was found."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = next(finding for finding in findings if finding.is_error)
        super().__init__(f"{first.file}: {first.message} ({first.code})", first.help or "")


@dataclass(frozen=True)
class ModelResults:
    """What the last run of a model left on this machine; what it did not reach is empty."""

    folder: Path
    """Where it lies: `artifacts/MODEL`."""

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """By split (`train`, `validation`, `test`) and metric."""
        found = self._document(artifacts.METRICS)
        return {split: found[split] for split in conventions.SPLITS if split in found}

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """All of `evaluate/metrics.json`: metrics, slices, intervals, importance and comparisons."""
        return self._document(artifacts.METRICS)

    @property
    def gates(self) -> Sequence[Mapping[str, Any]]:
        """Each gate with `metric`, `condition`, `value`, `passed` and `reason`."""
        gates: list[Mapping[str, Any]] = self._document(artifacts.VERDICT).get("gates", [])
        return gates

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The hyperparameters that were chosen."""
        return dict(self._document(artifacts.BEST).get("parameters", {}))

    @property
    def trials(self) -> Sequence[Mapping[str, Any]]:
        """Every trial of the search with `id`, `status`, `value` and `parameters`."""
        trials: list[Mapping[str, Any]] = self._document(artifacts.TRIALS).get("trials", [])
        return trials

    @property
    def package(self) -> Path:
        """The folder of the package: the model, its contract and its card."""
        return self.folder / artifacts.PACKAGE

    def _document(self, path: str) -> dict[str, Any]:
        return read_result(self.folder / path)

    def _repr_html_(self) -> str:
        """What a notebook shows: metrics, gates, and what was chosen."""
        from aimass_compiler.cli.views.notebook import results_html

        return results_html(self.folder.name, self.metrics, self.gates, self.parameters)


@dataclass(frozen=True)
class ModelProject:
    """A project: a folder with specs, and all that belongs to it."""

    root: Path

    @property
    def models(self) -> list[str]:
        """The models that have a spec, by their paths."""
        return sorted(self._project.models())

    def check(self, *models: str) -> tuple[Finding, ...]:
        """What is wrong with the specs of these models, or of all; nothing is written."""
        from aimass_compiler.compile import Upto, compile_specs

        return compile_specs(self._project, self._specs(models), upto=Upto.CHECK).findings

    def plan(self, *models: str) -> list[FileChange]:
        """The files of `generated/` that compiling would create, update or delete. Raises SpecsInvalid."""
        return _changes(self._generated(models, is_written=False))

    def compile(self, *models: str) -> list[FileChange]:
        """Bring `generated/` in step with these specs, or with all; answers what changed.

        Raises SpecsInvalid; then nothing was written.
        """
        return _changes(self._generated(models, is_written=True))

    def run(self, model: str, *, until: str = "", force: bool = False) -> int:
        """Train, evaluate, package and test what is not up to date; answers the exit code of `aimass run`.

        What the stages say goes to standard output, as their lines come.
        """
        from aimass_compiler.cli import main

        options = [*(["--until", until] if until else []), *(["--force"] if force else [])]
        try:
            return main(["run", self._called(model), "--root", str(self.root), *options])
        except SystemExit as ended:  # of arguments that make no sense, which ends a command and no program
            return int(ended.code or 0)

    def results(self, model: str) -> ModelResults:
        """What the last run of a model left here."""
        return ModelResults(self.root / conventions.ARTIFACTS_FOLDER / self._called(model))

    def predict(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The answers to rows, by the server on the model's package, which is started for it and ends.

        Raises model_server.ServerError with what the server says of rows that it refuses.
        """
        with self.serving(model) as ask:
            return ask(rows)

    @contextlib.contextmanager
    def serving(self, model: str, *, records: str | Path | None = None) -> Iterator[_Ask]:
        """The same for several calls: a function from rows to answers, while the block lasts.

        With `records`, a folder, all that is asked and answered is recorded there, for `logs(…, store=)`.
        """
        from aimass_compiler.programs import model_server

        options = [] if records is None else model_server.recording(Path(records))
        with model_server.running(selection.package_of(self._project, model), options=options) as server:
            yield _Ask(server.url)
            server.terminate()
            server.end(_END_SECONDS)

    def versions(self, model: str) -> tuple[VersionLife, ...]:
        """The versions on record, the last at the end, each with where it ran and why it was rejected."""
        from aimass_compiler.delivery.lineage import lineage

        return lineage(self.root, self._called(model)).versions

    def running(self, model: str) -> dict[str, str]:
        """The version that is released in each environment, by its name."""
        return {
            stay.environment: life.record.name
            for life in self.versions(model)
            for stay in life.stays
            if stay.until is None
        }

    def logs(
        self,
        model: str,
        *,
        environment: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        where: str = "",
        limit: int | None = None,
        store: str = "",
    ) -> pyarrow.Table:
        """Records of predictions, the newest first, from the store of aimass.yaml or the one that is named.

        `where` is a condition over the columns in SQL. Raises programs.stored_files.StoreError.
        """
        from aimass_compiler.cli.record_store import records_of
        from aimass_compiler.records.query import RecordsWanted, ask

        asked = argparse.Namespace(model=model, env=environment or None, store=store or None)
        place = records_of(self._project, asked)
        wanted = RecordsWanted(
            model=place.model,
            namespaces=place.namespaces,
            since=since,
            until=until,
            where=where or None,
            limit=limit,
        )
        return ask(place.store, wanted)

    def report(self, model: str, into: str | Path | None = None) -> Path:
        """Write the report of the model's last run; answers where it is. Raises HintedError."""
        from aimass_compiler.cli.pages.report_file import write_report
        from aimass_compiler.compile import compile_specs

        compiled = compile_specs(self._project, self._specs((model,)))
        if has_errors(compiled.findings):
            raise SpecsInvalid(compiled.findings)
        (pipeline,) = compiled.pipelines.values()
        selection.require_results(self._project, pipeline.path)
        return write_report(self.root, pipeline, None if into is None else Path(into))

    def _repr_html_(self) -> str:
        """What a notebook shows: the models, and what runs where."""
        from aimass_compiler.cli.views.notebook import project_html

        return project_html(self.root.name, {model: self.running(model) for model in self.models})

    @property
    def _project(self) -> Project:
        return Project(self.root)

    def _specs(self, models: Sequence[str]) -> list[Path]:
        return selection.specs_of(self._project, list(models))

    def _called(self, model: str) -> str:
        return self._project.model_of(selection.spec_of(self._project, model))

    def _generated(self, models: Sequence[str], *, is_written: bool) -> Generated:
        from aimass_compiler.generate import GenerateOptions, generate

        options = GenerateOptions(is_written=is_written, prunes_models=not models)
        found = generate(self._project, self._specs(models), options, self._cache(), lambda _: None)
        if found.has_failed:
            raise SpecsInvalid(found.findings)
        return found

    def _cache(self) -> CompileCache:
        from aimass_compiler.compile_cache import open_cache

        return open_cache(str(self.root), is_kept=False)


@dataclass(frozen=True)
class _Ask:
    """Asks a server that runs."""

    url: str

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The answers to rows, in their order."""
        from aimass_compiler.programs import model_server

        return list(model_server.ask(self.url, rows)["predictions"])


def open_project(folder: str | Path = ".") -> ModelProject:
    """The project of a folder, or the nearest one around it. Raises UnknownName where there is no folder."""
    if not Path(folder).is_dir():
        raise selection.UnknownName(f"there is no folder {folder}", "name the project's, or one in it")
    return ModelProject(Project.around(Path(folder)).root)


def _changes(found: Generated) -> list[FileChange]:
    from aimass_compiler.plan import Action

    plan = found.plan
    return [] if plan is None else [each for each in plan.changes if each.action is not Action.UNCHANGED]
