"""The `.dvc` file that git has in place of data that DVC tracks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

#: What follows the path of the data.
DVC_SUFFIX = ".dvc"


def dvc_note(root: Path, path: str) -> bytes | None:
    """What the file beside a path holds; None where there is none."""
    try:
        return (root / f"{path}{DVC_SUFFIX}").read_bytes()
    except (OSError, ValueError):
        return None


def tracked_md5(content: bytes) -> str:
    """The hash of the data that a .dvc file names; nothing where it names none that DVC itself keeps."""
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ""
    outs = document.get("outs") if isinstance(document, Mapping) else None
    first = outs[0] if isinstance(outs, list) and outs else None
    return str(first.get("md5", "")) if isinstance(first, Mapping) else ""
