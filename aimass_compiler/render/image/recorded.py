"""The digests of pushed images that aimass.yaml has on record, each for one tag."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimass_compiler.pipeline.settings import Images

_RECORD = re.compile(r"(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})@(?P<digest>sha256:[0-9a-f]{64})")


def recorded_tag(text: str) -> str | None:
    """The tag that a record is about, where it is one."""
    found = _RECORD.fullmatch(text)
    return found["tag"] if found else None


def recorded(images: Images, name: str, tag: str) -> str | None:
    """The digest of an image, where one is on record for this tag."""
    found = _RECORD.fullmatch(images.digests.get(name, ""))
    return found["digest"] if found and found["tag"] == tag else None
