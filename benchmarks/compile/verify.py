"""Whether two tools did the same work: the same objects, and the same values in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: kind, namespace, name: what an object is called.
Key = tuple[str, str, str]
Objects = dict[Key, dict[str, Any]]

# aimass-compile puts a hash of the spec into the tag.
_IMAGE_TAG = re.compile(r"(registry\.example\.com/[a-z0-9/-]+):[a-z0-9.-]+$")
#: Where a service says how it runs; a difference here is other work, whatever else is equal.
_MAIN_FIELDS = {
    "Deployment": ("spec.template.spec.containers", "spec.template.spec.terminationGracePeriodSeconds"),
    "HorizontalPodAutoscaler": ("spec.minReplicas", "spec.maxReplicas", "spec.metrics"),
    "PodDisruptionBudget": ("spec.maxUnavailable",),
    "ConfigMap": ("data",),
    "Service": ("spec.ports", "spec.selector"),
    "PrometheusRule": ("spec.groups",),
}


@dataclass(frozen=True)
class Comparison:
    """How one tool's objects compare with the reference: what is missing, too many, or different."""

    expected: int
    missing: tuple[Key, ...]
    surplus: tuple[Key, ...]
    different: tuple[tuple[Key, str], ...]
    main_different: tuple[tuple[Key, str], ...]

    @property
    def is_same_work(self) -> bool:
        """Whether every object is there and says the same in its main fields."""
        return bool(self.expected) and not (self.missing or self.surplus or self.main_different)

    def sentence(self) -> str:
        """The comparison in words, with the first difference where there is one."""
        if self.missing or self.surplus:
            first = (self.missing or self.surplus)[0]
            return (
                f"NOT THE SAME WORK: {len(self.missing)} objects missing, {len(self.surplus)} too many "
                f"(first: {'/'.join(first)})"
            )
        equal = self.expected - len(self.different)
        if not self.different:
            return f"all {self.expected} objects equal"
        where = self.main_different or self.different
        verdict = "NOT THE SAME WORK: " if self.main_different else ""
        key, path = where[0]
        return f"{verdict}{equal} of {self.expected} objects equal (first: {'/'.join(key)} {path})"


def compare(reference: Objects, found: Objects) -> Comparison:
    """The objects of a tool against those of the reference."""
    different, main = [], []
    for key in sorted(reference.keys() & found.keys()):
        paths = list(_differences(reference[key], found[key], ""))
        if paths:
            different.append((key, paths[0]))
        main += [(key, path) for path in paths if path.startswith(_MAIN_FIELDS.get(key[0], ()))][:1]
    return Comparison(
        expected=len(reference),
        missing=tuple(sorted(reference.keys() - found.keys())),
        surplus=tuple(sorted(found.keys() - reference.keys())),
        different=tuple(different),
        main_different=tuple(main),
    )


def objects(texts: Iterable[str]) -> Objects:
    """The objects of YAML or JSON texts, without what is the form of one tool only."""
    found: Objects = {}
    for text in texts:
        for document in _documents(text):
            value = _normal(document)
            metadata = value["metadata"]
            key = (value["kind"], metadata.get("namespace", ""), metadata["name"])
            if key in found:
                raise ValueError(f"{'/'.join(key)} comes twice")
            found[key] = value
    return found


def _documents(text: str) -> Iterator[dict[str, Any]]:
    for document in [json.loads(text)] if text[:1] in "[{" else yaml.load_all(text, yaml.CSafeLoader):
        if isinstance(document, list):
            yield from document
        elif document:
            yield document


def _normal(value: Any) -> Any:
    """Without the hashes in tags; a dashboard, which is JSON in a string, as its value."""
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith("{") and value.rstrip().endswith("}") and '"panels"' in value:
        return json.loads(value)
    # How a PromQL expression is laid out in lines is the writer's; so is the newline at a text's end.
    text = re.sub(r"\s+", " ", value).strip()
    return _IMAGE_TAG.sub(r"\1", text)


def _differences(wanted: Any, found: Any, path: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys(), key=str):
            if key not in wanted or key not in found:
                yield f"{path}.{key}".lstrip(".")
            else:
                yield from _differences(wanted[key], found[key], f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(one, other, f"{path}[{place}]")
    elif wanted != found:
        yield path.lstrip(".")
