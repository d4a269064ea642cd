"""The names, labels and tags that the files of one model share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.settings import Settings

#: Labels as pairs, which unlike a mapping can be part of a key.
Labels = tuple[tuple[str, str], ...]

_TAG_LENGTH = 12
_SHORT_DIGEST = 5
_LABEL_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
#: Keys that Kustomize writes without the quotes that they need, so that what it writes is no manifest.
_NO_TEXT = re.compile(
    r"true|false|null|0x[0-9a-f_]+|0o[0-7_]+|0b[01_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"|[0-9][0-9_]*(\.[0-9_]*)?(e[+-]?[0-9]+)?",
    re.IGNORECASE,
)
_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*"
_LONGEST_DNS_NAME = 253
_RAY_VERSION = re.compile(r":(?P<version>[0-9]+\.[0-9]+\.[0-9]+)(?=[-@]|$)")


def digest(content: bytes) -> str:
    """A short name for content, fit for tags and for the names of Kubernetes objects."""
    return hashlib.sha256(content).hexdigest()[:_TAG_LENGTH]


def canonical(value: Any) -> bytes:
    """The same bytes for the same value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def serving_selector(model: str) -> dict[str, str]:
    """The labels that find the servers; a selector never changes, so it holds nothing that could."""
    return {conventions.LABEL_NAME: model, conventions.LABEL_INSTANCE: model}


def training_labels(model: str) -> dict[str, str]:
    """The labels of everything of a training job; the instance keeps its pods out of the Service."""
    return {conventions.LABEL_NAME: model, conventions.LABEL_INSTANCE: f"{model}-training"}


def component_label(component: str) -> dict[str, str]:
    """The label that says which part of the model an object is of."""
    return {conventions.LABEL_COMPONENT: component}


def model_labels(model: str) -> dict[str, str]:
    """The labels that every object of a model gets beside its selector."""
    return {
        conventions.LABEL_PART_OF: model,
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_MODEL: model,
    }


def served_labels(model: str, own: Labels) -> dict[str, str]:
    """The labels of everything that serves a model: those that select it, the organisation's, and ours."""
    return serving_selector(model) | dict(own) | model_labels(model)


def own_labels(settings: Settings) -> Labels:
    """The labels that the organisation gives every object; they never hide those of ours."""
    return tuple(sorted(settings.labels.items()))


def wanted_labels(settings: Settings) -> Labels:
    """The labels by which the organisation's Prometheus finds what to watch."""
    return tuple(sorted(settings.prometheus.labels.items()))


def annotated(notes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Annotations of what is said, on one line, without control characters: Kustomize writes none."""
    lines = {key: " ".join(text.split()) for key, text in notes.items()}
    found = {key: "".join(filter(str.isprintable, line)) for key, line in lines.items() if line}
    return {"annotations": found} if found else {}


def shortened(model: str, suffix: str, limit: int) -> str:
    """`model` and `suffix` in at most `limit` characters, as a DNS label.

    A name that is cut carries a digest of the whole, so that no two models share one.
    """
    if len(model) + len(suffix) <= limit:
        return model + suffix
    end = f"-{digest(model.encode())[:_SHORT_DIGEST]}{suffix}"
    return model[: limit - len(end)].rstrip("-") + end


def is_label_key(text: str) -> bool:
    """Whether Kubernetes takes the text as the key of a label."""
    prefix, slash, name = text.rpartition("/")
    return re.fullmatch(_LABEL_NAME, name) is not None and (not slash or is_dns_name(prefix))


def stays_text(key: str) -> bool:
    """Whether Kustomize takes the key of a label for text, and not for a number, a flag or a date."""
    return _NO_TEXT.fullmatch(key) is None


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes the text as the value of a label."""
    return not text or re.fullmatch(_LABEL_NAME, text) is not None


def is_dns_label(text: str) -> bool:
    """Whether the text is one label of a DNS name (RFC 1123)."""
    return re.fullmatch(_DNS_LABEL, text) is not None


def is_dns_name(text: str) -> bool:
    """Whether the text is one or several labels with dots between."""
    return len(text) <= _LONGEST_DNS_NAME and re.fullmatch(_DNS_NAME, text) is not None


def ray_version(image: str) -> tuple[int, ...] | None:
    """The version of Ray that an image's tag tells, or None."""
    found = _RAY_VERSION.search(image)
    return tuple(int(part) for part in found["version"].split(".")) if found else None


def kustomization(parts: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A kustomization of the parts that are not empty, in this order."""
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return head | {key: value for key, value in parts if value}


def component(**parts: Any) -> dict[str, Any]:
    """A kustomization that changes those which include it."""
    return {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", **parts}
