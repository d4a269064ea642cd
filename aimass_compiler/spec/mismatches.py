"""What pydantic found, told in the words of the language."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog import FAMILIES, family_of, names
from aimass_compiler.diagnostics import Finding, Path, did_you_mean
from aimass_compiler.explanations import Explanation
from aimass_compiler.values import Frozen

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EXPLANATIONS = (
    Explanation("AM100", "a value does not fit", "The value is not what this key holds; the message says what is."),
    Explanation("AM101", "a required key is missing", "The key has no default that could be right for everybody, so it must be written."),
    Explanation("AM102", "there is no such key", "The language has no key of this name at this place. Keys are never ignored: a misspelt one would silently mean its default."),
    Explanation("AM103", "a value has the wrong type", "Numbers, flags and strings are never guessed from one another: `\"5\"` is not 5 and `\"yes\"` is not true."),
    Explanation("AM104", "a number is out of range", "The value is outside of what the key allows."),
    Explanation("AM105", "not one of the values that are allowed", "The key takes one of a few words."),
    Explanation("AM106", "there is no such kind", "Sources, cleaning steps, splits, transforms, models, metrics and optimizers are chosen by name; `aimass explain` lists them."),
    Explanation("AM107", "a list has the wrong length", "The key needs fewer or more items."),
    Explanation("AM108", "a name is not spelt as names are", "The name becomes part of folders, DNS names and Kubernetes objects, which allow few characters."),
)


def told(kind: type[Frozen], error: ErrorDetails, path: Path, file: str) -> Finding:
    """The finding for one of pydantic's errors."""
    last = error["loc"][-1] if error["loc"] else ""
    if error["type"] == "missing":
        message = f"`{last}` is missing" + (f" in `{_dotted(path)}`" if path else "")
        return Finding("AM101", path, message, help=_example(kind, path, str(last)), file=file, at_key=bool(path))
    if error["type"] == "extra_forbidden":
        known = known_keys(kind, path[:-1])
        hint = did_you_mean(str(last), known) or _other_place(str(last))
        return Finding("AM102", path, f"there is no key `{last}`{_inside(path)}", help=hint, file=file, at_key=True)
    if error["type"] == "unknown_kind":
        return _unknown_kind(error, path, file)
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "the document")
    code, message, hint = _value_told(error, f"`{name}`")
    return Finding(code, path, message, help=hint, file=file)


def _dotted(path: Path) -> str:
    return ".".join(str(step) for step in path)


def _inside(path: Path) -> str:
    return f" in `{_dotted(path[:-1])}`" if len(path) > 1 else ""


def _other_place(key: str) -> str:
    family = family_of(key)
    return f"`{key}` is a {FAMILIES[family]}" if family else ""


def _unknown_kind(error: ErrorDetails, path: Path, file: str) -> Finding:
    context = error.get("ctx", {})
    name, family = str(context["name"]), str(context["family"])
    elsewhere = family_of(name)
    if family == "cleaning" and elsewhere == "transforms":
        hint = f"`{name}` changes values, so it belongs to `features`, where it is learnt on the training split and served"
    elif elsewhere is not None:
        hint = f"`{name}` is a {FAMILIES[elsewhere]}"
    else:
        hint = did_you_mean(name, names(family)) or f"known here: {', '.join(names(family))}"
    return Finding("AM106", path, f"there is no {FAMILIES[family]} `{name}`", help=hint, file=file, at_key=True)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"`{value[:60]}`"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"`{json.dumps(value, default=str)[:60]}`"


_NOUNS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "left out",
}
_BOUNDS: dict[str, tuple[str, str]] = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def _value_told(error: ErrorDetails, name: str) -> tuple[str, str, str]:
    """The code, the sentence and the way out."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in _NOUNS:
        quoted = " (take away the quotes)" if isinstance(value, str) and _reads_as_number(value) else ""
        return "AM103", f"{name} must be {_NOUNS[kind]}, not {_shown(value)}{quoted}", ""
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return "AM104", f"{name} must be {word} {context[bound]}, not {_shown(value)}", ""
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", "`")
        words = [word.strip("` ") for part in allowed.split(" or ") for word in part.split(",")]
        return "AM105", f"{name} must be {allowed}, not {_shown(value)}", _only_guess(value, words)
    if kind == "union_tag_invalid":
        words = [word.strip(" '") for word in str(context["expected_tags"]).split(",")]
        return "AM105", f"there is no type `{context['tag']}`", did_you_mean(str(context["tag"]), words)
    if kind == "union_tag_not_found":
        return "AM101", f"{name} needs a `type`", "a column is written as `age: number` or `age: {type: number, min: 0}`"
    return _lengths_told(error, name) or ("AM100", _sentence(error["msg"]), "")


def _lengths_told(error: ErrorDetails, name: str) -> tuple[str, str, str] | None:
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "too_short":
        return "AM107", f"{name} needs at least {context['min_length']} items, not {context['actual_length']}", ""
    if kind == "too_long":
        return "AM107", f"{name} may have at most {context['max_length']} items, not {context.get('actual_length')}", ""
    if kind == "string_pattern_mismatch":
        hint = "lower-case letters, digits and -, beginning with a letter, at most 40 characters: such as `churn-eu`"
        return "AM108", f"{name} cannot be {_shown(value)}", hint
    return None


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input should be ")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _only_guess(value: Any, words: list[str]) -> str:
    hint = did_you_mean(str(value), words)
    return hint if hint.startswith("did you mean") else ""


_EXAMPLES = {
    "apiVersion": "begin the file with `apiVersion: aimass/v1`",
    "kind": "the second line is `kind: Model`",
    "metadata": "name the model: `metadata: {name: churn}`",
    "name": "a name such as `churn`",
    "data": "say where the rows come from: `data: {sources: {…}, columns: {…}}`",
    "sources": "such as `sources: {customers: data/customers.csv}`",
    "columns": "declare each column: `columns: {age: number, plan: category}`; `aimass init` writes them from a file",
    "target": "name the column that is predicted: `target: churned`",
}


def _example(kind: type[Frozen], path: Path, key: str) -> str:
    del kind, path
    return _EXAMPLES.get(key, "")


def known_keys(kind: type[Frozen], path: Path) -> set[str]:
    """The keys that the language has at a place, read from the JSON Schema."""
    schema = kind.model_json_schema(by_alias=True)
    here: list[Mapping[str, Any]] = list(_branches(schema, schema))
    for step in path:
        here = [deeper for branch in here for deeper in _steps(schema, branch, step)]
    return {key for branch in here for key in branch.get("properties", {})}


def _branches(root: Mapping[str, Any], schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield from _branches(root, root["$defs"][schema["$ref"].rpartition("/")[2]])
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _branches(root, branch)
    yield schema


def _steps(root: Mapping[str, Any], branch: Mapping[str, Any], step: str | int) -> Iterator[Mapping[str, Any]]:
    if isinstance(step, int):
        yield from _branches(root, branch.get("items"))
    else:
        deeper: Callable[[Any], Iterator[Mapping[str, Any]]] = lambda schema: _branches(root, schema)  # noqa: E731
        yield from deeper(branch.get("properties", {}).get(step, branch.get("additionalProperties")))
