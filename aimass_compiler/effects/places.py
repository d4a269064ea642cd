"""Where in specs and settings a value that changed was written, as `file:line`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from aimass_compiler.diagnostics import Path
from aimass_compiler.effects.normal import at
from aimass_compiler.spec.document import Document

#: What an environment has from the settings, and where it stands there.
_OF_SETTINGS: Mapping[Path, Path] = {
    (): ("environments", "*"),
    ("namespace",): ("environments", "*", "namespace"),
    ("image_registry",): ("images", "registry"),
}


class Places(Struct, frozen=True):
    """The documents that one model comes from; either may be unknown."""

    spec: Document | None = None
    settings: Document | None = None

    @classmethod
    def of(cls, model: str, documents: Mapping[str, Document], settings_file: str) -> Places:
        """The documents of a model among those that were read."""
        specs = (each for each in documents.values() if at(each.data, "metadata.name") == model)
        return cls(next(specs, None), documents.get(settings_file))

    def setting(self, path: Path) -> str:
        """Where this value of the settings stands, or the nearest above it; "" where it is a default."""
        if self.settings is None or not path or path[0] not in self.settings.data:
            return ""
        return f"{self.settings.file}:{self.settings.place_of(path).line}"

    def line(self, path: Path, *, is_gone: bool = False) -> str:
        """Where the value at this path of a spec stands, or the nearest above it; "" where it is unknown.

        For a value that `is_gone` that is the key of what held it.
        """
        document = self.spec
        if path[:1] == ("environments",) and path[2:3] in _OF_SETTINGS:
            document = self.settings
            path = tuple(path[1] if step == "*" else step for step in _OF_SETTINGS[path[2:3]])
        if document is None or not path or path[0] not in document.data:
            return ""
        place = document.place_of(path[:-1], at_key=True) if is_gone else document.place_of(path)
        return f"{document.file}:{place.line}"
