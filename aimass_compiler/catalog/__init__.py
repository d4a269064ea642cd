"""Everything a spec can name: one file per kind, found by its file name and imported when it is named."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from aimass_compiler.catalog.quantities import Frozen

#: family folder → what one of its members is called in messages.
FAMILIES = {
    "sources": "source",
    "cleaning": "cleaning step",
    "splits": "split",
    "transforms": "transform",
    "models": "model",
    "metrics": "metric",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "augmentations": "augmentation",
    "adapters": "adapter",
    "policies": "rule",
}


#: The words of a JSON Schema that say which values are allowed.
_MEANING = frozenset(
    {"$ref", "anyOf", "oneOf", "type", "items", "enum", "const", "minimum", "maximum", "minItems", "pattern"}
)
_PYDANTIC_ERRORS = frozenset(get_args(core_schema.ErrorType))


class Kind(Frozen):
    """One of several kinds that a spec chooses by name; the name is that of the file."""

    @property
    def kind(self) -> str:
        return name_of(type(self))


@cache
def names(family: str) -> tuple[str, ...]:
    """The kinds of a family, sorted: the files of its folder."""
    folder = Path(__file__).parent / family
    found = {path.stem for path in folder.glob("[a-z]*.py")}
    found |= {path.parent.name for path in folder.glob("[a-z]*/__init__.py")}
    return tuple(sorted(found))


@cache
def load(family: str, name: str) -> type[Kind]:
    """The class that a kind's file defines.

    Raises LookupError when the family has no such kind.
    """
    if name not in names(family):
        raise LookupError(name)
    module = import_module(f"{__name__}.{family}.{name}")
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Kind) and value.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        raise TypeError(f"catalog/{family}/{name}.py must define exactly one kind, not {len(kinds)}")
    return kinds[0]


def name_of(kind: type[Kind]) -> str:
    """What a spec calls this kind."""
    return kind.__module__.rpartition(".")[2]


def family_of(name: str) -> str | None:
    """The first family that has a kind of this name."""
    return next((family for family in FAMILIES if name in names(family)), None)


class OneOf:
    """Annotates a field that holds one kind of a family.

    Written as `{bucket: {column: age}}`, or in short as `{bucket: age}` or `bucket`. With `tag="by"`
    the name is one of the keys instead: `{by: hash, key: id}`.
    """

    def __init__(self, family: str, tag: str | None = None, without: str = "") -> None:
        self.family = family
        self.tagged_by = tag
        self._without = without

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(self._write),
            metadata={"pydantic_js_functions": [self._json_schema]},
        )

    def _read(self, value: Any) -> Kind:
        if isinstance(value, Kind):
            return value
        name, parameters = self._name_and_parameters(value)
        if name == self._without and name in names(self.family):
            raise PydanticCustomError(
                "nested_kind",
                "a `{name}` does not stand within another one; list its parts here",
                {"name": name},
            )
        try:
            kind = load(self.family, name if name != self._without else "")
        except LookupError:
            raise self._unknown(name) from None
        try:
            return kind.model_validate(kind.expand(parameters), by_alias=True, by_name=False)
        except ValidationError as error:
            raise _below(error, name if self.tagged_by is None else None) from None

    def _name_and_parameters(self, value: Any) -> tuple[str, Any]:
        if isinstance(value, str):
            return value, {}
        if self.tagged_by is None and isinstance(value, dict) and len(value) == 1:
            name, parameters = next(iter(value.items()))
            return str(name), {} if parameters is None else parameters
        if (
            self.tagged_by is not None
            and isinstance(value, dict)
            and isinstance(value.get(self.tagged_by), str)
        ):
            return value[self.tagged_by], {key: part for key, part in value.items() if key != self.tagged_by}
        noun = FAMILIES[self.family]
        form = f"{{{self.tagged_by}: NAME, …}}" if self.tagged_by else "{NAME: …}"
        raise PydanticCustomError(
            "kind_form",
            "a {noun} is written as {form}; {count}",
            {"noun": noun, "form": f"`{form}`", "count": _what_is_there(value)},
        )

    def _unknown(self, name: str) -> PydanticCustomError:
        return PydanticCustomError(
            "unknown_kind",
            "there is no {noun} `{name}`",
            {"noun": FAMILIES[self.family], "name": name, "family": self.family},
        )

    def _write(self, value: Kind) -> dict[str, Any]:
        parameters = value.model_dump(mode="json")
        return {self.tagged_by: value.kind, **parameters} if self.tagged_by else {value.kind: parameters}

    def _json_schema(self, schema: Any, handler: Any) -> dict[str, Any]:
        del schema
        if self.tagged_by is None:
            return _schema_by_key(self.family, handler, self._without)
        return _schema_by_tag(self.family, self.tagged_by, handler)


def _what_is_there(value: Any) -> str:
    if isinstance(value, dict):
        return f"this mapping has {len(value)} keys: " + ", ".join(f"`{key}`" for key in list(value)[:5])
    return "this is a list" if isinstance(value, list) else f"this is `{value}`"


def _below(error: ValidationError, name: str | None) -> ValidationError:
    """The same errors, one step deeper in the document."""
    details: list[InitErrorDetails] = []
    for line in error.errors(include_url=False):
        where = line["loc"] if name is None else (name, *line["loc"])
        context = line.get("ctx", {})
        own = line["type"] not in _PYDANTIC_ERRORS
        details.append(
            InitErrorDetails(
                type=PydanticCustomError(line["type"], line["msg"], context) if own else line["type"],
                loc=where,
                input=line["input"],
                ctx=context,
            )
        )
    return ValidationError.from_exception_data(error.title, details)


def _schema_by_key(family: str, handler: Any, without: str = "") -> dict[str, Any]:
    """One object whose single key is the kind: editors complete it better than a `oneOf`."""
    one: dict[str, Any] = {
        "type": "object",
        "properties": {
            name: _parameters_schema(load(family, name), handler) for name in names(family) if name != without
        },
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"enum": _bare(family)}, one]}


def _parameters_schema(kind: type[Kind], handler: Any) -> dict[str, Any]:
    """What may stand behind a kind's name: its parameters, the one that it has in short, or nothing."""
    long = handler(kind.__pydantic_core_schema__)
    forms: list[dict[str, Any]] = [long, {"type": "null"}]
    if kind.short_form is not None:
        fields = handler.resolve_ref_schema(long)["properties"]
        alias = kind.model_fields[kind.short_form].alias
        forms.append(
            {key: value for key, value in fields[alias or kind.short_form].items() if key in _MEANING}
        )
    return {"anyOf": forms, "description": _summary(kind)}


def _schema_by_tag(family: str, tag: str, handler: Any) -> dict[str, Any]:
    """One object for each kind, with the kind's name among its parameters."""
    branches = []
    for name in names(family):
        kind = load(family, name)
        long = handler.resolve_ref_schema(handler(kind.__pydantic_core_schema__))
        tagged = {
            "properties": {tag: {"const": name}, **long.get("properties", {})},
            "required": [tag, *long.get("required", ())],
            "description": _summary(kind),
        }
        branches.append({**long, **tagged})
    return {"anyOf": [{"enum": _bare(family)}, *branches]}


def _bare(family: str) -> list[str]:
    """The kinds that can do without parameters, so that the name alone will do."""
    kinds = {name: load(family, name).model_fields.values() for name in names(family)}
    return [name for name, fields in kinds.items() if not any(field.is_required() for field in fields)]


def _summary(kind: type[Kind]) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]
