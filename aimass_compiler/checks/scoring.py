"""A table is scored by a model of rows, into a folder that nothing else is in."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.catalog import servers
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.scoring import Scoring

NEEDS = ("scoring", "model", "environments")
EXPLANATIONS = (
    Explanation(
        "AM590",
        "nothing scores tables with this model",
        "`scoring` runs the ONNX graph of a model of rows. A language model answers prompts one by one, at "
        "its server: ask it for a whole table by its own API, which answers as many at once as it has room "
        "for.",
    ),
    Explanation(
        "AM591",
        "predictions would lie among other files",
        "A run replaces the folder of `scoring.into` as a whole, so it must be a separate one: not a folder "
        "of specs or settings, or that the compiler or DVC writes, and neither above nor below a table that "
        "is read, here or for training.",
    ),
    Explanation(
        "AM592",
        "a key is called as what is predicted",
        "The columns of `scoring.key` stand beside those of the answer, which are called as `/predict` calls "
        "them, and `row` and `model_version`. Two columns of one file cannot have one name.",
    ),
    Explanation(
        "AM593",
        "environments hand over predictions in one folder",
        "Each environment scores with what is released there, so their predictions differ, and who reads the "
        "folder could not separate them. Write `scoring` for the environment whose predictions are used, "
        "or another `into` for each.",
    ),
)
_TABLE = "scoring: {source: new.parquet, into: scores"
_DAILY = '{source: "s3://lake/new.parquet", into: "s3://lake/%s", schedule: "@daily"}'
EXAMPLES = (
    Example("AM590", fails=_TABLE + "}", passes="scoring: null", of="language"),
    Example("AM591", fails=_TABLE.replace("scores", "generated/scores") + "}", passes=_TABLE + "}"),
    Example("AM592", fails=_TABLE + ", key: [label]}", passes=_TABLE + ", key: [customer]}"),
    Example(
        "AM593",
        fails="scoring: " + _DAILY % "scores",
        passes="environments: {prod: {scoring: " + _DAILY % "scores" + "}}",
    ),
)
_OWN = frozenset(
    (
        conventions.GENERATED_FOLDER,
        conventions.ARTIFACTS_FOLDER,
        conventions.SPECS_FOLDER,
        conventions.VERSIONS_FOLDER,
        conventions.RELEASES_FOLDER,
        conventions.GITHUB_FOLDER,
        conventions.ACCEPTS_FOLDER,
        conventions.SETTINGS_FILE,
        *conventions.ORGANISATION_FOLDERS,
        ".git",
        ".dvc",
    )
)
#: What stands beside the key, whatever the task is.
_COLUMNS = frozenset(
    (
        "row",
        "model_version",
        "probability",
        conventions.LABEL_OUTPUT,
        conventions.LABELS_OUTPUT,
        conventions.PROBABILITIES_OUTPUT,
        *conventions.FORECAST_OUTPUTS,
    )
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Tables that cannot be scored, or not into this folder."""
    written: list[tuple[Path, Scoring]] = []
    if pipeline.scoring is not None:
        written.append((("scoring",), pipeline.scoring))
    for name, here in pipeline.environments.items():
        if here.scoring is not None and here.scoring != pipeline.scoring:
            written.append((("environments", name, "scoring"), here.scoring))
    read = [file for source in pipeline.data.sources.values() for file in source.dependencies()]
    for path, scoring in written:
        if pipeline.artifact.server is not servers.ROWS:
            message = f"`{pipeline.name}` answers with words, and no table of them is made"
            yield Finding("AM590", path, message, help="leave `scoring` out", at_key=True)
        yield from _folder(path, scoring, read)
        yield from _key(path, scoring)
    yield from _shared(pipeline)


def _folder(path: Path, scoring: Scoring, learned: Sequence[str]) -> Iterator[Finding]:
    if not scoring.is_kept_here:
        return
    into = PurePosixPath(scoring.into)
    hint = "write a separate folder, such as `scores`"
    if into.parts[0] in _OWN:
        message = f"`{into.parts[0]}` is what others write, and `{into}` is replaced as a whole"
        yield Finding("AM591", (*path, "into"), message, help=hint)
    for read in map(PurePosixPath, dict.fromkeys((*scoring.source.dependencies(), *learned))):
        if read.is_relative_to(into) or into.is_relative_to(read):
            message = f"`{into}` is replaced as a whole, and `{read}` is read"
            yield Finding("AM591", (*path, "into"), message, help=hint)


def _key(path: Path, scoring: Scoring) -> Iterator[Finding]:
    for place, name in enumerate(scoring.key):
        if name in _COLUMNS:
            message = f"`{name}` is a column of the predictions, and cannot be one of the key"
            hint = "rename it where the table is made, or name rows by another column"
            yield Finding("AM592", (*path, "key", place), message, help=hint)


def _shared(pipeline: Pipeline) -> Iterator[Finding]:
    """Environments that score by the clock into one folder."""
    places: dict[str, list[str]] = {}
    for name, here in pipeline.environments.items():
        if here.scoring is not None and here.scoring.schedule is not None and not here.scoring.is_kept_here:
            places.setdefault(here.scoring.into, []).append(name)
    for into, (first, *others) in places.items():
        if others:
            *all_but_last, last = (f"`{name}`" for name in (first, *others))
            message = f"{', '.join(all_but_last)} and {last} hand over their predictions in `{into}`"
            example = f"environments: {{{others[-1]}: {{scoring: …}}}}"
            own = pipeline.environments[others[0]].scoring != pipeline.scoring
            path: Path = ("environments", others[0], "scoring", "into") if own else ("scoring", "into")
            hint = f"write it for one of them: `{example}`"
            yield Finding("AM593", path, message, help=hint, severity=Severity.WARNING)
