"""This machine's package index, as a pip.conf that a build can read."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.images.building import SENTINEL

if TYPE_CHECKING:
    from pathlib import Path

_SETTING = re.compile(r"^[^.]+\.(?:env:)?\.?(?P<key>[a-z-]+)='(?P<value>.*)'$")
#: What of pip's settings says where wheels come from, beside the indexes; a folder is not there in a build.
_KEYS = ("trusted-host", "proxy", "timeout", "default-timeout")
_CERTIFICATES = "/run/secrets/certificates"


def options(folder: Path) -> list[str]:
    """What `aimass image` must be told, so that a build installs from where this machine's pip does."""
    settings = _settings()
    lines = [f"{key} = {value}" for key, value in settings.items() if "index" in key or key in _KEYS]
    certificates = settings.get("cert")
    path = folder / "pip.conf"
    trusted = [f"cert = {_CERTIFICATES}"] if certificates else []
    path.write_text("\n".join(["[global]", f"# {SENTINEL}", *lines, *trusted, ""]), encoding="utf-8")
    return ["--pip-conf", str(path), *(["--certificates", certificates] if certificates else [])]


def _settings() -> dict[str, str]:
    """pip's settings by name; variables come last, and win."""
    listed = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [
        match
        for line in sorted(told, key=lambda line: line.startswith(":env:"))
        if (match := _SETTING.match(line))
    ]
    return {match["key"]: match["value"] for match in found}
