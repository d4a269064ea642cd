"""Which image serves, and whether a new one has to be trained for though no stage asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aimass_compiler import conventions
from aimass_compiler.effects.normal import at, word
from aimass_compiler.effects.objects import objects
from aimass_compiler.effects.sentences import listed
from aimass_compiler.effects.told import Sign, Told
from aimass_compiler.plan import Files
from aimass_compiler.render.shared import TRAINED_FROM

_FROM = re.compile(rb"^FROM (\S+)", re.MULTILINE)
_PINS = re.compile(rb'echo "([0-9a-f]+)  /build/requirements.txt"')

#: Keys of a spec that change which model is trained, and with it the name of its image; the task's are two.
IMAGE_PARTS = (TRAINED_FROM - {"format", "metadata"}) | {"target", "positive"}
#: The reason that is left where no file tells one.
OF_LOCK = "the compiler changed, and with it the server, or what dvc.lock records of the package"


def image_changes(before: Files, after: Files) -> Iterator[Told]:
    """The image by its names before and after; of one repository only the tags."""
    old, new = _names(before), _names(after)
    if not old or not new or old == new:
        return
    was, now = listed(sorted(old)), listed(sorted(new))
    names = {name.rpartition(":")[0] for name in (*old, *new)}
    if len(names) == 1:
        was, now = (text.removeprefix(f"{min(names)}:") for text in (was, now))
    yield Told(Sign.CHANGED, f"the image changes from {was} to {now}")


def made_anew(before: Files, after: Files, keys: Sequence[str]) -> str:
    """Why an image is needed that no registry has yet, by values that changed (`keys`); empty where none is.

    Where no registry is set, there are no images.
    """
    old, new = _tags(before), _tags(after)
    if not old or not new or old == new:
        return ""
    if any(name.startswith(f"{conventions.NO_REGISTRY}/") for name in _names(after)):
        return ""
    if keys:
        return f"`{keys[0]}` changed" + (f" (and {len(keys) - 1} more)" if len(keys) > 1 else "")
    sides = [files.get(conventions.SERVING_DOCKERFILE, b"") for files in (before, after)]
    for pattern, cause in ((_FROM, "its base image changed"), (_PINS, "the server's packages changed")):
        if pattern.findall(sides[0]) != pattern.findall(sides[1]):
            return cause
    return OF_LOCK


def _names(files: Files) -> set[str]:
    return {name for name, _ in _images(files)}


def _tags(files: Files) -> set[str]:
    return {tag for _, tag in _images(files)}


def _images(files: Files) -> Iterator[tuple[str, str]]:
    for document in objects(files, "Kustomization"):
        images = document.get("images")
        for image in images if isinstance(images, list) else []:
            if name := at(image, "newName") or at(image, "name"):
                tag = word(at(image, "newTag"))
                yield f"{word(name)}:{tag}", tag
