"""Keys and policies of the callers of a shared server's models, in a folder for each model.

Keys are written as their digests: the server, which callers reach, has none of them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from typing import TYPE_CHECKING

from aimass_compiler import access_folder
from aimass_compiler.atomic_file import replace_file
from aimass_compiler.runtime.server.access.caller_keys import SHORTEST_KEY

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from aimass_compiler.runtime.server.shared.cluster import Cluster, SharedModel

_FOLDER = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)?")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}")
_HASHED = b"sha256:"


class AccessCopies:
    """The folders of all models that have callers."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._folder, self._cluster = folder, cluster

    def bring(self, listed: SharedModel) -> Path | None:
        """The folder of a model, in step with the cluster; None where anyone may ask.

        Raises ClusterSilent, and what was known stays; where nothing was, the server loads no such model.
        """
        if listed.access is None:
            return None
        root = self._folder / listed.model
        wanted: dict[str, bytes] = {}
        for source in listed.access:
            if _FOLDER.fullmatch(source.folder):
                for name, content in self._cluster.content(source).items():
                    wanted[f"{source.folder}/{name}"] = _kept(source.folder, content)
        found = {path for path in wanted if _FILE.fullmatch(path.rpartition("/")[2])}
        for path in sorted(found):
            bring_file(root / path, wanted[path])
        for file in [each for each in root.rglob("*") if each.is_file()]:
            if str(file.relative_to(root)) not in found:
                file.unlink()
        return root

    def keep(self, models: Collection[str]) -> None:
        """Remove the folders of all other models."""
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in models:
                shutil.rmtree(path, ignore_errors=True)


def _kept(folder: str, content: bytes) -> bytes:
    """An entry as the server is given it."""
    key = content.strip()
    if folder != access_folder.ACCESS_KEYS_FOLDER or key.startswith(_HASHED) or len(key) < SHORTEST_KEY:
        return content
    return _HASHED + hashlib.sha256(key).hexdigest().encode()


def bring_file(path: Path, content: bytes) -> None:
    """Replace a file as a whole, and only where it changes."""
    if not path.exists() or path.read_bytes() != content:
        replace_file(path, content)
