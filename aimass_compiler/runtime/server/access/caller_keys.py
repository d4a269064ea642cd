"""The callers' keys, of which only digests are kept: as a Secret is mounted, one file for each entry."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: A second key of a caller, for the time of a rotation.
_NEXT = ".next"
_HASHED = re.compile(rb"sha256:([0-9a-f]{64})")
#: A shorter key can be guessed.
SHORTEST_KEY = 16
_LARGEST_FILE = 4096


class CallerKeys:
    """Finds whose key it is. `faults` says which entries are no keys, without what they hold."""

    def __init__(self, folder: Path, callers: frozenset[str]) -> None:
        """Read all entries of callers; a caller without one is refused until there is one."""
        self.faults: list[str] = []
        self._by_digest: dict[bytes, tuple[bytes, str]] = {}
        for name in sorted(callers):
            found = [digest for entry in (name, name + _NEXT) if (digest := self._digest(folder / entry))]
            if not found:
                self.faults.append(f"the caller {name} has no key")
            self._by_digest.update({digest: (digest, name) for digest in found})

    def caller_of(self, key: bytes) -> str | None:
        """Whose key it is; None where it is nobody's.

        How long it takes says nothing of a key: digests are compared, and in constant time.
        """
        digest = hashlib.sha256(key).digest()
        known, name = self._by_digest.get(digest, (b"", None))
        return name if hmac.compare_digest(known, digest) else None

    def _digest(self, path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE).strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.faults.append(f"the key {path.name} cannot be read: {error.strerror}")
            return None
        if found := _HASHED.fullmatch(content):
            return bytes.fromhex(found[1].decode())
        if len(content) < SHORTEST_KEY:
            self.faults.append(f"the key {path.name} has fewer than {SHORTEST_KEY} characters")
            return None
        return hashlib.sha256(content).digest()
