"""What pydantic found, told in the words of the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs
from pydantic import ValidationError

from aimass_compiler.catalog import FAMILIES, Kind, family_of, load, names
from aimass_compiler.catalog.quantities import RANGES
from aimass_compiler.diagnostics import (
    Assign,
    Explanation,
    Finding,
    Fix,
    Path,
    did_you_mean,
    respelt,
)
from aimass_compiler.pipeline.model_name import MODEL_NAME
from aimass_compiler.spec.decode import hints
from aimass_compiler.spec.decode.foreign_documents import is_other_version, is_something_else, other_version
from aimass_compiler.spec.decode.hints import begun, renamed, retyped
from aimass_compiler.spec.decode.json_schema_paths import keys_at, percent_at, words_at

if TYPE_CHECKING:
    from aimass_compiler.catalog.quantities import Frozen


EXPLANATIONS = (
    Explanation(
        "AM019",
        "the spec is in another version of the language",
        "`apiVersion` says which version of the language a spec is written in, so that no key changes its "
        "meaning unnoticed. A compiler reads one version: a newer one needs a newer compiler.",
    ),
)


class Mismatch(Struct, frozen=True):
    """One of pydantic's errors: its location by the decoder's steps, and the part of it that was written."""

    type: str
    context: Mapping[str, Any]
    message: str
    location: tuple[str | int, ...]
    path: Path
    value: Any
    #: What the value may be, where it has a wrong type.
    nouns: tuple[str, ...] = ()
    #: How an unquoted value was written: `00123` is read as 123.
    text: str = ""
    #: Words that could stand in the place of a value that has a form of its own, such as a duration.
    words: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The value for people, as it was written."""
        return f"`{self.text[:60]}`" if self.text else _shown(self.value)

    @property
    def shown_words(self) -> tuple[str, ...]:
        """The words that could stand in its place, for people."""
        return tuple(f"`{word}`" for word in self.words)

    @property
    def key(self) -> str:
        """The last step, which a missing or unknown key is."""
        return str(self.location[-1]) if self.location else ""

    @property
    def place(self) -> Path:
        """The path, and the kind that was written as its bare name."""
        unwritten = self.location[len(self.path) : -1]
        return (*self.path, *(step for step in unwritten if isinstance(step, str) and family_of(step)))

    @property
    def name(self) -> str:
        """What the value is called: by its key, below which it may be an item of a list."""
        steps = [step for step in self.path if isinstance(step, str)] or ["the document"]
        name = ".".join(steps[-2:]) if steps[-1] in RANGES else steps[-1]
        place = self.path[-1] if self.path else ""
        return f"item {place + 1} of `{name}`" if isinstance(place, int) else f"`{name}`"


def findings(
    kind: type[Frozen], data: Mapping[str, Any], mismatches: Sequence[Mismatch], file: str
) -> list[Finding]:
    """Every mismatch once, in its own words; what follows from another is left out."""
    if is_other_version(data):
        return [other_version(data, file)]  # everything else may be right in that version
    found, missing = dict[tuple[Path, str], Finding](), set()
    for mismatch in _joined(mismatches):
        finding = _finding(kind, data, mismatch)
        found.setdefault((finding.path, finding.message), replace(finding, file=file))
        if mismatch.type == "missing":
            missing.add((finding.path, finding.message, mismatch.key))
    if is_something_else(data):
        return [finding for finding in found.values() if finding.path in (("apiVersion",), ("kind",))]
    for path, message, key in missing:
        meant = f"did you mean `{key}`?"
        if any(other.path[:-1] == path and other.help.startswith(meant) for other in found.values()):
            del found[path, message]
    return list(found.values())


def _joined(mismatches: Sequence[Mismatch]) -> Iterator[Mismatch]:
    """One mismatch for all forms that a value could have had; none where one of the forms came further."""
    wrong_types = [mismatch for mismatch in mismatches if mismatch.type in _NOUNS]
    for mismatch in mismatches:
        depth, is_wrong_type = len(mismatch.path), mismatch.type in _NOUNS
        if (is_wrong_type or mismatch.type == "too_short") and any(
            len(other.path) > depth and other.path[:depth] == mismatch.path for other in mismatches
        ):
            continue  # of a list, pydantic counts the sound items only
        beside = [other for other in mismatches if other.path == mismatch.path]
        is_word = mismatch.type == "literal_error"
        if is_word and any(other.type != mismatch.type for other in beside):
            continue  # the other forms name the words
        words = [word for other in beside if other.type == "literal_error" for word in _allowed(other)]
        alike = dict.fromkeys(_NOUNS[other.type] for other in wrong_types if other.path == mismatch.path)
        yield structs.replace(
            mismatch,
            nouns=tuple(alike) if is_wrong_type else mismatch.nouns,
            words=() if is_word else tuple(words),
        )


def _finding(kind: type[Frozen], data: Mapping[str, Any], mismatch: Mismatch) -> Finding:
    path, last = mismatch.path, mismatch.location[-1:]
    if mismatch.type == "union_tag_invalid" and isinstance(value_at(data, path), Mapping):
        path = (*path, "type")  # which alone is wrong
    if mismatch.type == "missing" and isinstance(mismatch.location[-1], str):
        meaning = keys_at(kind, data, mismatch.location[:-1]).get(mismatch.key, "")
        hint = hints.MISSING.get((*path, *last), f"`{mismatch.key}`: {meaning}" if meaning else "")
        message = f"`{mismatch.key}` is missing{_within(mismatch.place)}"
        fix = begun((*path, *last))
        return Finding("AM101", path, message, help=hint, at_key=bool(path), fix=fix)
    if mismatch.type == "extra_forbidden":
        known = keys_at(kind, data, mismatch.location[:-1])
        hint = did_you_mean(mismatch.key, known)
        if not hint.startswith("did you mean"):
            hint = _other_place(mismatch.key) or hint
        if mismatch.key in words_at(kind, data, path[:-1]):
            hint = f"write it alone: `{path[-2]}: {mismatch.key}`"
        message = f"there is no key `{mismatch.key}`{_within(path[:-1])}"
        fix = renamed(path, mismatch.key, known, value_at(data, path[:-1]))
        return Finding("AM102", path, message, help=hint, at_key=True, fix=fix)
    if mismatch.type == "unknown_kind":
        return _unknown_kind(data, mismatch)
    code, message, hint = _value_message(mismatch)
    if str(mismatch.value).endswith("%") and percent_at(kind, data, mismatch.location):
        hint = f"write {mismatch.value[:-1].strip()}, which is a percentage already"
    known = keys_at(kind, data, mismatch.path)
    if mismatch.type == "literal_error" and isinstance(mismatch.value, str) and mismatch.value in known:
        hint = f"`{mismatch.value}` has keys: `{path[-1]}: {{{mismatch.value}: {{…}}}}`"
    if "model_" in mismatch.type and not hint:
        known = keys_at(kind, data, mismatch.location)
        hint = "its keys are " + ", ".join(f"`{key}`" for key in sorted(known)) if known else ""
    return Finding(code, path, message, help=hint, fix=_value_fix(data, mismatch))


def _value_fix(data: Mapping[str, Any], mismatch: Mismatch) -> Fix | None:
    path, value = mismatch.path, mismatch.value
    if mismatch.type == "union_tag_invalid":
        is_short = isinstance(value_at(data, path), str)
        tag = str(mismatch.context["tag"])
        return respelt(path if is_short else (*path, "type"), tag, _allowed(mismatch))
    if isinstance(value, Mapping) and _is_tunable(mismatch) and len(value) == 1:
        key = next(iter(value))
        return renamed((*path, key), key, RANGES, value)
    meant = mismatch.context.get("meant")
    if meant:
        return Fix(f"write `{meant}`", (Assign(path, meant),))
    return retyped(path, value, mismatch.nouns) or respelt(
        path, value, [*_allowed(mismatch), *mismatch.words]
    )


def _is_tunable(mismatch: Mismatch) -> bool:
    """Whether a range could stand where this value was taken for a plain one."""
    return "value" in mismatch.location[len(mismatch.path) :]


def _within(path: Path) -> str:
    """The mapping that a key belongs to: by its keys, from the last item of a list on."""
    places = [place for place, step in enumerate(path) if isinstance(step, int)]
    words = ".".join(str(step) for step in path[places[-1] + 1 if places else 0 :])
    if words or not places:
        return f" in `{words}`" if words else ""
    return f" in item {int(path[-1]) + 1} of `{'.'.join(str(step) for step in path[:-1])}`"


def _other_place(key: str) -> str:
    family = family_of(key)
    return f"`{key}` is a {FAMILIES[family]}" if family else ""


def _takes(kind: type[Kind], text: str) -> bool:
    """Whether a text alone is a short form of the kind."""
    if kind.short_form is None:
        return False
    try:
        kind.model_validate({kind.short_form: text})
    except ValidationError:
        return False
    return True


def _unknown_kind(data: Mapping[str, Any], mismatch: Mismatch) -> Finding:
    name, family = str(mismatch.context["name"]), str(mismatch.context["family"])
    written = value_at(data, mismatch.path)
    path, message = mismatch.path, f"there is no {FAMILIES[family]} `{name}`"
    elsewhere = family_of(name)
    if isinstance(written, str) and (written != name or "/" in name):
        message = f"`{written}` does not end in the name of a kind of {FAMILIES[family]}"
        able = [known for known in names(family) if _takes(load(family, known), written)]
        hint = "name the kind: " + ", ".join(f"`{{{known}: {written}}}`" for known in able)
        if not able:
            hint = f"known here: {', '.join(f'`{known}`' for known in names(family))}"
        return Finding("AM106", path, message, help=hint)
    if family == "cleaning" and elsewhere == "transforms":
        hint = f"`{name}` changes values, so it belongs to `features`: there it is fitted, and served"
    elif elsewhere is not None:
        hint = f"`{name}` is a {FAMILIES[elsewhere]}"
    elif name.partition(" ")[0] in names(family):
        hint = f"a `:` is missing: `{': '.join(name.split(maxsplit=1))}`"
    else:
        hint = (
            did_you_mean(name, names(family))
            or f"known here: {', '.join(f'`{known}`' for known in names(family))}"
        )
    if isinstance(written, Mapping):
        tags = [key for key, value in written.items() if value == name]
        path = (*path, name) if name in written else (*path, *tags[:1])
    is_key = isinstance(written, Mapping) and name in written
    fix = (
        renamed(path, name, names(family), written)
        if isinstance(written, Mapping) and is_key
        else respelt(path, name, names(family))
    )
    return Finding("AM106", path, message, help=hint, at_key=is_key, fix=fix if elsewhere is None else None)


def value_at(data: Any, path: Path) -> Any:
    """The value at a path that was written."""
    for step in path:
        data = data[step]
    return data


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"`{value[:60]}`" if value else "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"`{json.dumps(value, default=str)[:60]}`"


_NOUNS = {
    "finite_number": "a finite number",
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
_LENGTHS: dict[str, tuple[str, str, str]] = {
    "too_short": ("at least", "min_length", "item"),
    "too_long": ("at most", "max_length", "item"),
    "string_too_short": ("at least", "min_length", "character"),
    "string_too_long": ("at most", "max_length", "character"),
}


def _value_message(mismatch: Mismatch) -> tuple[str, str, str]:
    """The code, the sentence and the way out."""
    kind, context, value, name = mismatch.type, mismatch.context, mismatch.value, mismatch.name
    if kind in _NOUNS:
        return _type_message(mismatch)
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        end = context[bound] if isinstance(context[bound], str) else f"{context[bound]:g}"
        hint = hints.of_share(value, end) or (hints.of_unit(value, end) if bound == "ge" else "")
        return "AM104", f"{name} must be {word} {end}, not {mismatch.shown}", hint
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", "`")
        hint = _only_guess(value, _allowed(mismatch))
        return "AM105", f"{name} must be {allowed}, not {mismatch.shown}", hint
    if kind == "range_end":
        reason = str(context["reason"]).removeprefix("Input should be ").replace("'", "`")
        reason = reason.replace("a valid integer", "a whole number").replace("a valid number", "a number")
        return "AM104", f"each value of {name} must be {reason}, not `{context['end']}`", ""
    if kind.startswith("union_tag"):
        return _tag_message(mismatch)
    meant = f"did you mean `{context['meant']}`?" if context.get("meant") else _form(mismatch)
    meant = meant or (f"or write {_either(mismatch.shown_words)}" if mismatch.words else "")
    return _lengths_message(mismatch) or ("AM100", mismatch.message.removeprefix("Value error, "), meant)


def _form(mismatch: Mismatch) -> str:
    """The way out where one mapping names several kinds."""
    is_item = bool(mismatch.path) and isinstance(mismatch.path[-1], int)
    if mismatch.type != "kind_form" or not isinstance(mismatch.value, (Mapping, list)):
        return ""
    return hints.of_form(mismatch.value, is_item=is_item)


def _tag_message(mismatch: Mismatch) -> tuple[str, str, str]:
    if mismatch.type == "union_tag_not_found":
        hint = "a column is written as `age: number` or `age: {type: number, min: 0}`"
        return "AM101", f"{mismatch.name} needs a `type`", hint
    tag = str(mismatch.context["tag"])
    return "AM105", f"there is no type `{tag}`", did_you_mean(tag, _allowed(mismatch))


def _allowed(mismatch: Mismatch) -> list[str]:
    """The words that pydantic says are allowed here, such as of `'a', 'b' or 'c'`."""
    expected = str(mismatch.context.get("expected") or mismatch.context.get("expected_tags") or "")
    return re.findall(r"'([^']*)'", expected)


def _type_message(mismatch: Mismatch) -> tuple[str, str, str]:
    name, value = mismatch.name, mismatch.value
    noun = _either((*mismatch.nouns, *mismatch.shown_words))
    keys = list(value) if isinstance(value, Mapping) else []
    if keys and _is_tunable(mismatch):
        hint = (
            _only_guess(keys[0], list(RANGES))
            or "a range is such as `{choice: [4, 6]}` or `{uniform: [1, 9]}`"
        )
        return "AM103", f"{name} must be {noun} or a range, and `{keys[0]}` is no range", hint
    if len(keys) == 1 and keys[0] in RANGES:
        return "AM103", f"{name} cannot be searched: it must be {noun}", ""
    if value is None and not (mismatch.text and "a string" in mismatch.nouns):
        hint = f"write {'`{}`' if mismatch.nouns == ('a mapping',) else 'a value'}, or leave the key out"
        return "AM103", f"{name} has no value, but must be {noun}", hint
    return (
        "AM103",
        f"{name} must be {noun}, not {mismatch.shown}",
        _only_guess(value, list(mismatch.words)) or hints.of_type(value, mismatch.nouns, mismatch.text),
    )


def _either(nouns: Sequence[str]) -> str:
    *others, last = nouns
    return f"{', '.join(others)} or {last}" if others else last


def _lengths_message(mismatch: Mismatch) -> tuple[str, str, str] | None:
    kind, context, name = mismatch.type, mismatch.context, mismatch.name
    if kind == "string_pattern_mismatch":
        hint = f"it must match `{context['pattern']}`"
        if MODEL_NAME in context["pattern"]:
            hint = "lower-case letters, digits and -, at most 40 and a letter first: such as `churn-eu`"
        is_key = name == mismatch.shown
        return (
            "AM108",
            f"nothing can be called {name}" if is_key else f"{name} cannot be {mismatch.shown}",
            hint,
        )
    if kind == "missing":
        return "AM107", f"{name} has {_counted(len(mismatch.value), 'item')}, which is too few", ""
    if kind not in _LENGTHS:
        return None
    word, bound, noun = _LENGTHS[kind]
    found = len(mismatch.value) if isinstance(mismatch.value, Sized) else context.get("actual_length")
    return "AM107", f"{name} must have {word} {_counted(context[bound], noun)}, not {found}", ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _only_guess(value: Any, words: list[str]) -> str:
    hint = did_you_mean(str(value), words)
    return hint if hint.startswith("did you mean") else ""
