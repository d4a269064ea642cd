"""The documents of several files, of which those that nobody asks for are never read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import read_document


class Documents(Mapping[str, Document]):
    """By file: those that were read, and further ones that are read when they are asked for."""

    def __init__(self, read: Mapping[str, Document], unread: Mapping[str, Path]) -> None:
        self._read = dict(read)
        self._unread = {file: path for file, path in unread.items() if file not in read}

    def __getitem__(self, file: str) -> Document:
        if file not in self._read:
            self._read[file] = read_document(self._unread[file], file)[0]
        return self._read[file]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._read, *self._unread]))

    def __len__(self) -> int:
        return len({*self._read, *self._unread})

    def __contains__(self, file: object) -> bool:
        return file in self._read or file in self._unread
