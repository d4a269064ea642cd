"""Documents that are no spec of this version of the language, by their first lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding, nearest


def is_other_version(data: Mapping[str, Any]) -> bool:
    """Whether `apiVersion` names a version of ours that is not read here."""
    written = data.get("apiVersion")
    return isinstance(written, str) and written.startswith("aimass/") and written != conventions.API_VERSION


def other_version(data: Mapping[str, Any], file: str) -> Finding:
    """The one finding about a spec of another version."""
    version = conventions.API_VERSION
    message = f"this compiler reads `{version}`, not `{data['apiVersion']}`"
    hint = f"write `{version}`, or update aimass-compile if a newer version is meant"
    return Finding("AM019", ("apiVersion",), message, help=hint, file=file)


def is_something_else(data: Mapping[str, Any]) -> bool:
    """Whether the file describes no model at all, such as a manifest of Kubernetes that got here."""
    version, kind = data.get("apiVersion"), data.get("kind")
    is_ours = isinstance(version, str) and version.startswith(conventions.API_VERSION.partition("/")[0])
    is_other = isinstance(version, str) and isinstance(kind, str) and not nearest(kind, (conventions.KIND,))
    return is_other and not is_ours
