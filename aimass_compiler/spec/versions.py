"""What to do about a spec that is written in another version of the language."""

from __future__ import annotations

from typing import Any

from aimass_compiler.conventions import API_VERSION
from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation

EXPLANATIONS = (
    Explanation(
        "AM019",
        "the spec is in another version of the language",
        "`apiVersion` says which version a spec is written in, so that no key changes its meaning unseen. "
        "`aimass migrate` brings older specs to the version that this compiler reads, comments kept. A newer "
        "version needs a newer compiler. docs/versions.md lists what each version changed.",
    ),
)

#: Older versions, which `aimass migrate` knows; a test holds this to its chain.
OLDER = ("aimass/v1alpha1",)


def other_version(value: Any, file: str) -> Finding | None:
    """What to tell where `apiVersion` names a version of ours that is not read here."""
    if not isinstance(value, str) or not value.startswith("aimass/") or value == API_VERSION:
        return None
    if value in OLDER:
        message, hint = f"this is `{value}`, and this compiler reads `{API_VERSION}`", "run `aimass migrate`"
    else:
        message = f"this compiler does not know `{value}`, it reads `{API_VERSION}`"
        hint = "a newer aimass-compile may read it; update it, if the version is meant"
    return Finding("AM019", ("apiVersion",), message, help=hint, file=file)
