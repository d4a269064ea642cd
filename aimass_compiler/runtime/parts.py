"""The parts of pipeline.json that a stage may see: exactly those that it declares, typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.stages import Stage

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def read_parts(path: Path, stage: Stage) -> dict[str, Any]:
    """The parts by the last word of their key: `data.columns` arrives as `columns`.

    Raises StageFailure when the file is missing, of another format, or edited into something that
    the compiler would not write.
    """
    document = _document(path)
    parts = {}
    for key in stage.reads:
        value: Any = document
        for word in key.split("."):
            value = value.get(word) if isinstance(value, dict) else None  # what is not written is left out
        try:
            parts[key.rpartition(".")[2]] = _adapter(key).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(word) for word in (key, *first["loc"]))
            raise StageFailure(
                ExitCode.USAGE,
                f"{path}: `{where}`: {first['msg']}",
                "compile the spec again: `aimass compile`",
            ) from None
    return parts


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageFailure(
            ExitCode.USAGE, f"{path} does not exist", "compile the spec first: `aimass compile`"
        ) from None
    except (OSError, ValueError) as error:
        raise StageFailure(
            ExitCode.USAGE, f"{path} cannot be read: {error}", "compile the spec again"
        ) from None
    found = document.get("format") if isinstance(document, dict) else None
    if found != conventions.PIPELINE_FORMAT:
        raise StageFailure(
            ExitCode.USAGE,
            f"{path} has format `{found}`, but this version reads `{conventions.PIPELINE_FORMAT}`",
            "compile the spec again with this version",
        )
    return dict(document)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Frozen)


def _adapter(key: str) -> TypeAdapter[Any]:
    owner: type[Frozen] = Pipeline
    field: FieldInfo | None = None
    for word in key.split("."):
        field = owner.model_fields[word]
        owner = next(filter(_is_record, (field.annotation, *get_args(field.annotation))), owner)
    assert field is not None  # noqa: S101  # a key has at least one word
    annotation: Any = field.annotation
    return TypeAdapter(Annotated[(annotation, *field.metadata)] if field.metadata else annotation)
