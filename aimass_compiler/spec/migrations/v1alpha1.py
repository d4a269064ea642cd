"""aimass/v1alpha1, the language before its first release, to aimass/v1.

- All but `apiVersion`, `kind` and `metadata` stood below `spec`, as in Kubernetes' own objects; it says
  nothing, and costs every line two columns.
- `search.samples` is `search.trials`: Ray Tune and Optuna call them so, and rows are sampled, too.
- `serving.scale` is `serving.replicas`, as Kubernetes calls them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Assign, Edit, Fix, Rename
from aimass_compiler.spec.document import MappingNode
from aimass_compiler.spec.edits import applied, replacements
from aimass_compiler.spec.entries import behind_line, entry_at, is_in_brackets, line_start
from aimass_compiler.spec.reader import parse

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.spec.document import Document

_RENAMED: dict[Path, str] = {
    ("spec", "search", "samples"): "trials",
    ("spec", "serving", "scale"): "replicas",
}


def migrated(document: Document) -> str | None:
    """The same spec in aimass/v1; None where `spec` is not written as a block, or something is an alias."""
    edits: list[Edit] = [Assign(("apiVersion",), "aimass/v1")]
    found = entry_at(document.root, ("spec", "environments"))
    names = found.value.entries if found and isinstance(found.value, MappingNode) else ()
    overrides: dict[Path, str] = {
        ("spec", "environments", name, "serving", "scale"): "replicas" for name in names
    }
    for path, name in (_RENAMED | overrides).items():
        if entry_at(document.root, path):
            edits.append(Rename(path, name))
    changes = replacements(document, Fix("", tuple(edits)))
    return None if changes is None else _lifted(parse(applied(document.text, changes), document.file)[0])


def _lifted(document: Document) -> str | None:
    """What stands below `spec`, one level up; comments move along."""
    found, text = entry_at(document.root, ("spec",)), document.text
    if found is None or found.key is None:
        return text if "spec" not in document.data else None
    inner = found.value
    if not isinstance(inner, MappingNode) or is_in_brackets(text, inner) or not inner.entries:
        return None
    width = inner.start - line_start(text, inner.start)
    remark = text[found.key.end :].split("\n", 1)[0].lstrip(" :\r")
    end = _end(text, found.end, width)
    lines = text[behind_line(text, found.key.end) : end].splitlines(keepends=True)
    lifted = [line[min(width, len(line) - len(line.lstrip(" "))) :] for line in lines]
    if remark and not remark.startswith("#"):
        return None
    above = f"{remark}\n" if remark else ""
    return text[: found.key.start] + above + "".join(lifted) + text[end:]


def _end(text: str, end: int, width: int) -> int:
    """Behind the last line below `spec`, with the comments that are indented as far."""
    remark = re.compile(rf" {{{width},}}#")
    place = behind_line(text, end)
    while remark.match(text, place):
        place = behind_line(text, place)
    return place
