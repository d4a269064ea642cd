"""The keys of the language by their paths: what each means, and what may stand below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import isclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.descriptions import descriptions
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.pipeline.policy import Policy
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.team import Team
from aimass_compiler.spec.decode.model_spec import ModelSpec

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

#: Where the keys of each file begin, by what people call the file.
ROOTS: Mapping[str, type[Frozen]] = {
    "spec": ModelSpec,
    SETTINGS_FILE: Settings,
    "team": Team,
    "policy": Policy,
}
#: What stands in a path for a name that people choose, such as an environment's.
NAME = "NAME"


class Key(Struct, frozen=True):
    """One key, as its file has it."""

    file: str
    """Which of ROOTS."""
    path: str
    """Its path from there, with NAME for names; empty for the file itself."""
    meaning: str
    default: Any = None
    """What it is where nobody writes it; a record is not told again."""
    is_required: bool = False
    records: tuple[type[Frozen], ...] = ()
    """What its value consists of: one record, or several of which one is chosen."""
    family: str = ""
    """The family of kinds that its value is one of, or a list of."""
    words: tuple[Any, ...] = ()
    """The only values that it may have; where it has names, those of the names' values."""
    instead: tuple[Any, ...] = ()
    """Words that may stand where names could."""
    only: tuple[str, ...] = ()
    """The types of column, or of whatever else has several, that have it; empty where all do."""
    has_names: bool = False
    """Whether names of people's own stand between it and the keys below."""


def keys_at(path: str) -> list[Key]:
    """What a path means, in each file that has it; any word stands for a name. Empty where none has it.

    It may begin with one of ROOTS, whose key is then meant: `team.quota`.
    """
    root = next((file for file in ROOTS if path == file or path.startswith(f"{file}.")), "")
    files = [root] if root else list(ROOTS)
    words = [word for word in path.removeprefix(root).split(".") if word]
    found = [_file(file) for file in files]
    for word in words:
        found = [below for key in found for below in keys_below(key) if _last(below) in (word, NAME)]
    return found


def keys_below(key: Key) -> list[Key]:
    """The keys that its value may have."""
    if key.has_names:
        path = _joined(key.path, NAME)
        return [replace(key, path=path, default=None, is_required=False, has_names=False)]
    found: dict[str, Key] = {}
    for record in key.records:
        meanings = descriptions(record)
        for name, field in record.model_fields.items():
            path = _joined(key.path, field.alias or name)
            each = _key(key.file, path, meanings.get(name, ""), field)
            before = found.get(path, replace(each, words=(), only=()))
            types = _types(record) if len(key.records) > 1 else ()
            words = tuple(dict.fromkeys([*before.words, *each.words]))
            found[path] = replace(each, words=words, only=(*before.only, *types))
    every = len(key.records)
    return [replace(each, only=()) if len(each.only) == every else each for each in found.values()]


def paths() -> Iterator[str]:
    """Every path of the language, those of a file from the top down."""
    waiting = [_file(file) for file in ROOTS]
    while waiting:
        below = [each for key in waiting for each in keys_below(key)]
        yield from (key.path for key in below)
        waiting = below


def _types(record: type[Frozen]) -> tuple[str, ...]:
    """What `type` says where a record of this kind is meant."""
    field = record.model_fields.get("type")
    return tuple(map(str, get_args(field.annotation))) if field else ()


def _file(file: str) -> Key:
    record = ROOTS[file]
    return Key(file, "", (record.__doc__ or "").strip(), records=(record,))


def _key(file: str, path: str, meaning: str, field: FieldInfo) -> Key:
    key = Key(
        file,
        path,
        meaning,
        default=None if field.is_required() else field.get_default(call_default_factory=True),
        is_required=field.is_required(),
    )
    return _with_value(key, field.annotation, field.metadata)


def _with_value(key: Key, annotation: Any, metadata: object = ()) -> Key:
    """The key with what its type says may stand behind it."""
    families = [each.family for each in _tuple(metadata) if isinstance(each, OneOf)]
    if families:
        return replace(key, family=families[0])
    if isclass(annotation) and issubclass(annotation, Frozen):
        return replace(key, records=tuple(dict.fromkeys([*key.records, annotation])))
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return replace(key, words=(*key.words, *inside))
    if hasattr(annotation, "__metadata__"):
        return _with_value(key, inside[0], annotation.__metadata__)
    if isclass(origin) and issubclass(origin, Mapping):
        return _with_value(replace(key, has_names=True), inside[1])
    for each in inside:
        key = _with_value(key, each)
    if key.has_names and (words := _literals(inside)):
        key = replace(key, words=tuple(word for word in key.words if word not in words), instead=words)
    return key


def _literals(alternatives: tuple[Any, ...]) -> tuple[Any, ...]:
    """The words among the types that a value may have."""
    return tuple(word for each in alternatives if get_origin(each) is Literal for word in get_args(each))


def _tuple(metadata: object) -> tuple[object, ...]:
    return tuple(metadata) if isinstance(metadata, (list, tuple)) else ()


def _joined(path: str, word: str) -> str:
    return f"{path}.{word}" if path else word


def _last(key: Key) -> str:
    return key.path.rpartition(".")[2]
