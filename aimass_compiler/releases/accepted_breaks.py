"""Breaks of a contract that callers agreed to: `accepts/MODEL.yaml`, each for exactly one break.

    # yaml-language-server: $schema=../schemas/accepts.json
    - break: input-removed:tenure
      reason: the app has not sent it since November

A later break, be it of the same rule, has another name and is not accepted by it. What a break is called is
`impact.contract.Breach.name`; `aimass plan` and `aimass promote` print the entry that accepts it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, Struct, field

from aimass_compiler import conventions

_PLAIN = re.compile(r"[a-z-]+(:[A-Za-z0-9_./=,+-]+)?")


class AcceptedBreak(Struct, frozen=True, forbid_unknown_fields=True):
    """One break, and why callers can live with it."""

    name: Annotated[
        str,
        Meta(
            description="Its rule and what it is about, with the new value where there is one, as "
            "`aimass plan` and `aimass promote` print it.",
            examples=["input-removed:tenure", "input-min-raised:age=18", "task-changed:regression"],
        ),
    ] = field(name="break")
    reason: Annotated[
        str,
        Meta(
            description="Why callers can live with it; it stays in git for those who ask later.",
            examples=["the app has not sent it since November"],
            extra_json_schema={"pattern": r"\S"},
        ),
    ]


class DamagedAcceptance(Exception):  # noqa: N818  # it reads as what is the case
    """A file of accepted breaks that cannot be read; the message names it and says what is wrong."""


def file_of(root: Path, model: str) -> Path:
    """Where the accepted breaks of a model lie."""
    return root / conventions.ACCEPTS_FOLDER / f"{model}.yaml"


def models_of(root: Path) -> list[str]:
    """The models that have such a file, by their paths, sorted."""
    folder = root / conventions.ACCEPTS_FOLDER
    found = (path for pattern in ("*.yaml", "*/*.yaml") for path in folder.glob(pattern))
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in found)


def accepted_breaks(root: Path, model: str) -> dict[str, str]:
    """The reason for each accepted break of a model, by its name. Raises DamagedAcceptance."""
    path = file_of(root, model)
    try:
        return {each.name: each.reason for each in decoded(path.read_bytes())}
    except FileNotFoundError:
        return {}
    except (OSError, DamagedAcceptance) as error:
        shown = path.relative_to(root).as_posix()
        raise DamagedAcceptance(f"{shown} cannot be read: {error}") from None


def decoded(text: bytes) -> list[AcceptedBreak]:
    """The breaks that a file accepts. Raises DamagedAcceptance, which says what is wrong."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
        found = msgspec.convert(document or [], list[AcceptedBreak])
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise DamagedAcceptance(str(error)) from None
    for each in found:
        if not each.reason.strip():
            raise DamagedAcceptance(f"`{each.name}` is accepted without a `reason`")
    return found


def entry(name: str) -> str:
    """What accepts a break, as it is written into the file."""
    written = name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return f"- break: {written}\n  reason: …\n"
