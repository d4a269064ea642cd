"""A run: its stages while DVC runs them, then the best trials, metrics, gates, the service, and the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from aimass_compiler import conventions
from aimass_compiler.cli.views.cells import table
from aimass_compiler.cli.views.search_results import search_results, shown
from aimass_compiler.model_path import depth
from aimass_compiler.programs import git
from aimass_compiler.stages import REPEAT, SCORE, STAGES, artifacts
from aimass_compiler.stages.result_file import read_result

if TYPE_CHECKING:
    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.cli.views.run_progress import RunProgress
    from aimass_compiler.pipeline import Pipeline

_RUNNING = re.compile(r"Running stage '(?:.*:)?(?P<name>[\w-]+)'")
_UNCHANGED = re.compile(r"Stage '(?:.*:)?(?P<name>[\w-]+)' didn't change")
_RESTORED = re.compile(r"Stage '(?:.*:)?(?P<name>[\w-]+)' is cached")
#: What DVC says about itself; the summary after the run says what matters of it.
_NOISE = re.compile(
    r"^(> |Updating lock file|Generating lock file|To track the changes|\s*git add|To enable auto staging"
    r"|\s*dvc config|Use `dvc push`|Data and pipelines are up to date|Verifying|WARNING: '.*' is empty"
    r"|WARNING: Process '.*RWLock|ERROR: |Having any troubles|$)"
)

#: So many columns are listed.
_MOST = 5


class StageProgress:
    """Passes on lines, with a heading for each stage and, unless all is to be shown, without DVC's own."""

    def __init__(
        self,
        stream: TextIO,
        artifact: Artifact[Any],
        *,
        is_verbose: bool = False,
        after: Mapping[str, Callable[[], Iterable[str]]] | None = None,
    ) -> None:
        """`after` answers, by stage, what more is to be said once it was run."""
        self.stream: TextIO | RunProgress = stream
        """Where lines go to."""
        self._after = dict(after or {})
        self._running = ""
        self._is_verbose = is_verbose
        self.has_changed = False
        """Whether any stage was run or restored."""
        self.reached: set[str] = set()
        """The stages that were run, restored or up to date."""
        self._summaries = {stage.name: artifact.summary(stage) for stage in (*STAGES, REPEAT, SCORE)}

    def show(self, line: str) -> None:
        """One line of output, as soon as it comes."""
        text = None if _NOISE.match(line) else f"  {line}"
        for pattern, form in self._forms():
            if found := pattern.search(line):
                self.reached.add(found["name"])
                self.has_changed = self.has_changed or pattern is not _UNCHANGED
                self.end()
                self._running = found["name"] if pattern is _RUNNING else ""
                text = form(found["name"])
        text = line if self._is_verbose else text
        if text is not None:
            self.stream.write(f"{text}\n")
            self.stream.flush()

    def end(self) -> None:
        """Say what is to be said of the stage that ran last."""
        more, self._running = self._after.get(self._running), ""
        for line in more() if more is not None else ():
            self.stream.write(f"  {line}\n")

    def _forms(self) -> tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]:
        return (
            (_RUNNING, lambda name: f"▸ {name}: {self._summaries.get(name, '')}"),
            (_UNCHANGED, lambda name: f"✓ {name} is up to date"),
            (
                _RESTORED,
                lambda name: f"✓ {name} was run before with the same data and spec: taken from the cache",
            ),
        )


def results(
    folder: Path, pipeline: Pipeline, reached: Container[str], status: int, *, is_kept: bool = False
) -> str:
    """The results below a model's artifacts; stages that a run did not reach left theirs earlier.

    Of a run that is kept under a name nothing lies where it ran.
    """
    lines: list[str] = []
    if "train" in reached:
        lines += search_results(read_result(folder / artifacts.TRIALS), read_result(folder / artifacts.BEST))
    if "evaluate" in reached:
        lines += _metrics(
            pipeline.task, read_result(folder / artifacts.METRICS), read_result(folder / artifacts.VERDICT)
        )
    if "test" in reached and status == 0:
        lines += _service(pipeline.artifact, read_result(folder / artifacts.SERVICE_REPORT))
        lines += [] if is_kept else _places(pipeline, folder.parents[depth(pipeline.path)])
    return "".join(f"{line}\n" for line in lines)


def _metrics(task: Task, found: Mapping[str, Any], verdict: Mapping[str, Any]) -> Iterator[str]:
    if not found or not verdict:
        return
    from aimass_compiler.catalog.metric import metric_title

    yield ""
    yield "metrics:"
    folds, seeds = found.get("cross_validation", {}), found.get("seeds", {}).get("test", {})
    heads = [*(["cross-validation"] if folds else []), *(["test, by seed"] if seeds else [])]
    rows = [["", *conventions.SPLITS, *heads]]
    rows += [
        [
            metric_title(name, task),
            *(shown(found[split][name]) for split in conventions.SPLITS),
            *(_spread(of_all[name]) for of_all in (folds, seeds) if of_all),
        ]
        for name in found["train"]
    ]
    yield from table(rows)
    gates = ", ".join(
        f"{'✓' if gate['passed'] else '✗'} {gate.get('name', gate['metric'])} {gate['condition']}"
        for gate in verdict["gates"]
    )
    if interval := found.get("interval"):
        yield from _forecast(found["baseline"]["seasonal_naive"], interval)
    if decision := verdict.get("decision"):
        yield f"  labels: {_labels(task, decision)}"
    fits = f"; the model {verdict['fit']['verdict']}" if task.has_target else ""
    yield f"  gates: {gates or 'none'}{fits}"
    if importance := found.get("importance"):
        yield from _importance(importance)


def _labels(task: Task, decision: Mapping[str, Any]) -> str:
    """From which probability on labels are given."""
    if task.is_multilabel:
        limits = zip(task.classes, decision["threshold"], strict=True)
        return ", ".join(f"{name} from a probability of {limit} on" for name, limit in limits)
    of = "probability" if task.has_target else "score"
    return f"{decision['positive']} from a {of} of {decision['threshold']} on"


def _importance(found: Mapping[str, Any]) -> Iterator[str]:
    """The columns that the model rests on most."""
    yield ""
    yield f"columns that it rests on (what shuffling one costs {found['metric']} on the validation split):"
    most = list(found["columns"].items())[:_MOST]
    yield from table([[name, f"{shown(each['mean'])} ± {shown(each['deviation'])}"] for name, each in most])


def _forecast(naive: Mapping[str, Any], interval: Mapping[str, Any]) -> Iterator[str]:
    """The baseline beside the metrics above, and how many of the true values the intervals hold."""
    measured = ", ".join(f"{name} {shown(value)}" for name, value in naive["test"].items())
    yield f"  the seasonal naive forecast has on the test split: {measured}"
    yield (
        f"  intervals of {interval['level']:.3g} hold {interval['coverage']['test']:.3g} "
        "of the true values of the test split"
    )


def _spread(found: Mapping[str, float | None]) -> str:
    from aimass_compiler.catalog.metric import with_deviation

    return with_deviation(shown(found["mean"]), found["std"])


def _service(artifact: Artifact[Any], report: Mapping[str, Any]) -> Iterator[str]:
    if not report:
        return
    yield ""
    yield "service:"
    if not report.get("is_served", True):
        yield "  not asked here: what serves it runs where it is deployed"
        return
    correctness, efficiency = report["correctness"], report["efficiency"]
    largest, rate = correctness["largest_difference"], efficiency["requests_per_second"]
    yield f"  {correctness['rows']:,} {artifact.proven}, at most {largest:.1g} off"
    latency = _times(efficiency["latency_milliseconds"])
    yield f"  {efficiency['requests']:,} requests at {rate:.0f} a second: {latency}"
    for part in ("first_token", "token"):
        if times := efficiency.get(f"{part}_milliseconds"):
            yield f"  {part.replace('_', ' ')}: {_times(times)}"


def _times(percentiles: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2g} ms" for name, value in percentiles.items())


def _committed(root: Path, model: str) -> list[str]:
    """What git is to have of a run: what was written, what ran for it, and which data it ran with."""
    from aimass_compiler.impact.consistency import tracked_data

    tracked = tracked_data(root, model)
    beside = dict.fromkeys(f"{path.rpartition('/')[0]}/.gitignore".lstrip("/") for path in tracked)
    ignoring = dict.fromkeys([*beside, ".gitignore"])
    there = [path for path in ignoring if (root / path).exists()]
    return [conventions.SPECS_FOLDER, conventions.GENERATED_FOLDER, *tracked, ".dvc", *there]


def _places(pipeline: Pipeline, root: Path) -> Iterator[str]:
    name = pipeline.path
    overlays = f"{conventions.GENERATED_FOLDER}/{name}/overlays"
    folder = f"{conventions.ARTIFACTS_FOLDER}/{name}"
    yield ""
    yield "where things are:"
    yield from table(
        [
            ["model", f"{folder}/{next(pipeline.artifact.places([artifacts.PACKAGED_MODEL]))}"],
            ["model card", f"{folder}/{artifacts.MODEL_CARD}"],
            ["manifests", f"{overlays}/{{{','.join(pipeline.environments)}}}"],
        ]
    )
    yield ""
    yield "what to try next:"
    yield from table(
        [
            [f"aimass serve {name}", f"serve it on port {conventions.PORT}"],
            [f"aimass predict {name} --example", "ask it about one row"],
            [f"aimass explain {name}", "the spec with every default and where it comes from"],
            *([] if git.ignores(".", root) is not None else [["git init", "keep all of it in git"]]),
            [f"git add {' '.join(_committed(root, name))}", "commit what was declared, and what ran for it"],
            [f"aimass publish {name}", "then make it a version, with its images in the registry"],
            [
                f"aimass promote {name} --to {next(iter(pipeline.environments))}",
                "release that version, so that it is deployed",
            ],
        ]
    )
