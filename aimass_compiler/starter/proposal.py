"""From a data file to the text of a spec, in order: read, observe, decide, write."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import jinja2
from pydantic import TypeAdapter, ValidationError

from aimass_compiler import conventions, model_path
from aimass_compiler.catalog.source_choice import PACKED
from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.model_name import ModelName
from aimass_compiler.render.emit import inline
from aimass_compiler.starter import conversation
from aimass_compiler.starter.conversation import CHARACTERS_A_TOKEN, conversations_of
from aimass_compiler.starter.copies import without_copies
from aimass_compiler.starter.data_file import DataFile, Seen, examine
from aimass_compiler.starter.decisions import Draft, InitOptions, decide, guesses, split_reason
from aimass_compiler.starter.forecast import SeriesDraft, series_beside, series_of
from aimass_compiler.starter.leaks import without_leaks
from aimass_compiler.starter.named_images import named_images
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from aimass_compiler.starter.contract import InferredColumn


_WILDCARDS = frozenset("*?[")
#: Wider tables list the names of the target only, and a spec stays one that a person can read.
_MANY_COLUMNS = 500
_LONGEST_PADDED = 50


_NOTHING_WANTED = InitOptions()


class SpecProposal(NamedTuple):
    """The text of a spec, or "" and why there is none."""

    text: str
    findings: list[Finding]
    guesses: list[tuple[str, str]]
    """What was guessed and why, in the words of `aimass init`."""


def propose(
    path: Path, shown_as: str, model: str, wanted: InitOptions = _NOTHING_WANTED, seen: Seen = None
) -> SpecProposal:
    """A commented spec of a model, by its path, that reads the data file.

    `shown_as` is the file's path below the project's root, as the spec will call it; `seen` is given how many
    rows have been read so far.
    """
    try:
        _check_name(model)
        _check_path(shown_as)
        data, observed, rows = examine(path, shown_as, seen)
        if (chat := conversations_of(observed, rows, wanted)) is not None:
            read = data.of(chat.columns.keys())
            text = _filled("conversation", read, shown_as, model, draft=chat, characters=CHARACTERS_A_TOKEN)
            return SpecProposal(text, [], conversation.guesses(chat))
        draft = decide(observed, wanted, named_images(observed, path, shown_as))
        series = series_of(draft, rows) if wanted.task == "forecast" else None
        if series is None:
            draft = without_leaks(without_copies(draft, rows), rows)
        beside = series_beside(draft, rows) if series is None else None
    except UnusableDataError as error:
        finding = Finding(error.code, (), error.message, help=error.hint, file=shown_as)
        return SpecProposal("", [finding], [])
    data = data.of({column.name for column in draft.columns})
    told = [guess for guess in guesses(draft) if series is None or guess[0] not in ("split", "times")]
    told += [] if series is None else [("series", series.reason)]
    told += [] if beside is None else [("series", f"{beside.reason}: `--task forecast` for what comes next")]
    return SpecProposal(_text(draft, data, shown_as, model, series, beside), [], told)


def _check_name(model: str) -> None:
    parts = model.split("/")
    if parts[0] == conventions.FLEET_FOLDER:
        message = f"{inline(parts[0])} is kept for what is made once for all models"
        raise UnusableDataError("AM066", message, "choose another name")
    try:
        for name in parts:
            TypeAdapter(ModelName).validate_python(name)
    except ValidationError:
        proposed = "/".join(filter(None, map(_like_a_name, parts)))
        hint = "write it in at most 40 small letters, digits and hyphens, a letter first"
        hint += f", such as `{proposed}`" if proposed else ""
        raise UnusableDataError("AM066", f"{inline(model)} cannot be the name of a model", hint) from None


def _like_a_name(written: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", written.lower()).lstrip("-0123456789")[:40].rstrip("-")


def _check_path(shown_as: str) -> None:
    parts = PurePosixPath(shown_as)
    if parts.is_absolute() or ".." in parts.parts:
        hint = "copy the file below the project's root, such as into data/"
        raise UnusableDataError("AM066", f"`{shown_as}` lies outside of the project", hint)
    if _WILDCARDS & set(shown_as):
        hint = "rename the file; in a spec these signs match several files"
        raise UnusableDataError("AM066", f"`{shown_as}` has `*`, `?` or `[` in its name", hint)


def _text(
    draft: Draft,
    data: DataFile,
    shown_as: str,
    model: str,
    series: SeriesDraft | None,
    beside: SeriesDraft | None,
) -> str:
    return _filled(
        "starter" if series is None else "forecast",
        data,
        shown_as,
        model,
        draft=draft,
        target=draft.target.column.name,
        split_reason=split_reason(draft),
        contract=_contract(draft, series),
        series=series,
        beside=beside,
        image_source="images" if _source_name(shown_as) != "images" else "files",
    )


def _filled(template: str, data: DataFile, shown_as: str, model: str, **values: object) -> str:
    """The text of a template, with what all of them say of a file and these values."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # not HTML: every value passes the filter `yaml`
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["yaml"] = inline
    source = resources.files(__package__).joinpath(f"{template}.yaml.jinja").read_text(encoding="utf-8")
    text = environment.from_string(source).render(
        api_version=conventions.API_VERSION,
        kind=conventions.KIND,
        schema_file=conventions.SCHEMA_FILE,
        up=model_path.root_from(model),
        shown_as=shown_as,
        model=model,
        name=model_path.name_of(model),
        source_name=_source_name(shown_as),
        source=data.source,
        notes=data.notes,
        **values,
    )
    return text.rstrip() + "\n"


def _source_name(shown_as: str) -> str:
    path = PurePosixPath(shown_as)
    return PurePosixPath(path.stem).stem if path.suffix.lower() in PACKED else path.stem


def _contract(draft: Draft, series: SeriesDraft | None) -> list[str]:
    """A line for each column, the comments below each other."""
    later = frozenset[str]() if series is None else series.known_after
    lines = [(_line(draft, column, later), column.comment) for column in draft.columns]
    width = max((len(line) for line, _ in lines if len(line) <= _LONGEST_PADDED), default=0)
    return [f"{line.ljust(width)}    # {comment}" if comment else line for line, comment in lines]


def _line(draft: Draft, column: InferredColumn, known_after: frozenset[str]) -> str:
    parameters = dict(column.parameters)
    if len(draft.columns) > _MANY_COLUMNS and column.name != draft.target.column.name:
        parameters.pop("values", None)
    if share := draft.missing(column):
        parameters["missing"] = share
    if column.name in known_after:
        parameters["known"] = "after"
    kind = inline({"type": column.type, **parameters}) if parameters else column.type
    return f"{inline(column.name)}: {kind}"


def taken(shown_as: str) -> list[Finding]:
    """That a file is there already."""
    hint = "choose another name, or delete the file first"
    message = f"`{shown_as}` exists already and was left alone"
    return [Finding("AM067", (), message, help=hint, file=shown_as)]


def create(path: Path, text: str, shown_as: str) -> list[Finding]:
    """Write the whole text to a file that does not exist yet, or nothing at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, text.encode())
    except FileExistsError:
        return taken(shown_as)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [Finding("AM067", (), f"`{shown_as}` could not be written: {reason}", file=shown_as)]
    return []


def _create(path: Path, content: bytes) -> None:
    """A link to a finished file appears at once and fails where anything is; a rename would replace it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
