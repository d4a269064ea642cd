"""A JSON file that a stage left, for who shows or judges it: what is not there is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_result(file: Path) -> dict[str, Any]:
    """The record in a JSON file; empty where there is none, or the file cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
