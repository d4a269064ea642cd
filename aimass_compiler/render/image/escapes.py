"""How text from a spec becomes part of a Dockerfile without becoming an instruction.

Source: https://docs.docker.com/reference/dockerfile/#label and the reference grammar of
https://github.com/distribution/reference
"""

from __future__ import annotations

import re

from aimass_compiler.conventions import DIGEST_PATTERN

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
_NAME = rf"{_HOST}{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE = re.compile(
    rf"{_NAME}(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?P<digest>{DIGEST_PATTERN}))?"
)
_REPOSITORY = re.compile(_NAME)
#: No image has this name: a finding has the reason, and nothing of the text reaches the file.
_UNUSABLE = "invalid.example/not-an-image"


def is_reference(text: str) -> bool:
    """Whether the text names an image, with or without tag and digest."""
    return _REFERENCE.fullmatch(text) is not None


def is_pinned(text: str) -> bool:
    """Whether a reference names a version: a digest, or a tag that is not `latest`."""
    found = _REFERENCE.fullmatch(text)
    return found is not None and (found["digest"] is not None or found["tag"] not in (None, "latest"))


def is_repository(text: str) -> bool:
    """Whether the text names a place for images, without tag and digest."""
    return _REPOSITORY.fullmatch(text) is not None


def reference(text: str) -> str:
    """The text where it names an image; never anything that continues the instruction."""
    return text if is_reference(text) else _UNUSABLE
