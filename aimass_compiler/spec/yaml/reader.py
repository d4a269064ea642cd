"""A YAML file into a document: plain data, the place of every value, and what is wrong with the text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler.conflict_markers import first_marker
from aimass_compiler.conventions import API_VERSION, ORGANISATION_FOLDERS
from aimass_compiler.diagnostics import Explanation, Finding, has_errors
from aimass_compiler.spec.yaml.composer import compose
from aimass_compiler.spec.yaml.document import Document, MappingNode, Node, ScalarNode
from aimass_compiler.spec.yaml.source_text import bytes_of, text_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

EXPLANATIONS = (
    Explanation(
        "AM015",
        "the file is empty",
        "There is nothing in the file, or only comments. The smallest spec has the keys `apiVersion`, "
        "`kind`, `metadata`, `data` and `target`.",
    ),
    Explanation(
        "AM016",
        "the file is not a mapping",
        "A spec consists of keys and values: `key: value`. A list or a single value at the top says nothing "
        "about what it describes.",
    ),
    Explanation(
        "AM022",
        "a merge left conflict markers in a file",
        "Git could not merge both sides of a file, and wrote both into it, between lines of `<<<<<<<`, "
        "`=======` and `>>>>>>>`. In a spec, `aimass.yaml` or a `.dvc` file only a person can say what is "
        "right: keep that, and delete the lines with the markers. Generated files need no one: `aimass "
        "compile` rewrites them, and removes from `dvc.lock` the stages that both sides changed, which the "
        "next `aimass run` takes from DVC's cache or runs.",
    ),
)

#: What was read, and what is wrong with its text.
Read = tuple[Document, list[Finding]]


def read_document(path: pathlib.Path, shown_as: str, *, may_be_empty: bool = False) -> Read:
    """The document in a file, named in findings as `shown_as`; never raises."""
    content, findings = bytes_of(path, shown_as)
    if findings:
        return Document(shown_as), findings
    return parse(content, shown_as, may_be_empty=may_be_empty)


def read_text(
    path: pathlib.Path,
    shown_as: str,
    texts: Mapping[pathlib.Path, bytes],
    *,
    may_be_empty: bool = False,
) -> Read:
    """The document in a file, or in its text among `texts`, which counts in the place of what is on disk."""
    if path in texts:
        return parse(texts[path], shown_as, may_be_empty=may_be_empty)
    return read_document(path, shown_as, may_be_empty=may_be_empty)


def parse(content: bytes | str, file: str, *, may_be_empty: bool = False) -> Read:
    """The document in a text, and every problem that one run can find; never raises."""
    text, findings = text_of(content, file)
    if text is None:
        return Document(file), findings
    document = Document(file, text)
    if marker := first_marker(text):
        return document, [*findings, _in_conflict(document, marker)]
    root, found = compose(document)
    known = {finding.place for finding in findings}
    findings += [finding for finding in found if finding.place not in known]
    if isinstance(root, MappingNode):
        return replace(document, root=root), findings
    if has_errors(findings):
        return document, findings
    if may_be_empty and _is_empty(root):
        return replace(document, root=MappingNode(0, 0, {})), findings
    return document, [*findings, _no_mapping(document, root)]


def _in_conflict(document: Document, marker: tuple[int, int]) -> Finding:
    hint = "keep what is right of both sides, and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`"
    message = f"a merge left conflict markers in `{document.file}`"
    return Finding("AM022", (), message, help=hint, file=document.file, place=document.place_between(*marker))


def _is_empty(root: Node | None) -> bool:
    return root is None or (isinstance(root, ScalarNode) and root.value is None)


def _no_mapping(document: Document, root: Node | None) -> Finding:
    if root is None or _is_empty(root):
        is_spec = document.file.partition("/")[0] not in ORGANISATION_FOLDERS
        hint = f"start with `apiVersion: {API_VERSION}`" if is_spec else "write it, or delete the file"
        return Finding("AM015", (), f"`{document.file}` is empty", help=hint, file=document.file)
    kind = "one value" if isinstance(root, ScalarNode) else "a list"
    place = document.place_between(root.start, root.end)
    hint = (
        "is there a space missing after a `:`?" if isinstance(root, ScalarNode) else "remove the leading `- `"
    )
    message = f"`{document.file}` holds {kind}, not keys and values"
    return Finding("AM016", (), message, help=hint, file=document.file, place=place)
