"""What a source says of single columns, it says of columns that are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Rename, certainly_meant, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data",)
EXPLANATIONS = (
    Explanation(
        "AM285",
        "a source says how a column is written that is not read",
        "Keys such as `signs`, `dates` and `missing` say how some columns of a file are written. Only "
        "columns that `data.columns` declares, and keys of joins, are read, so what is said of another one "
        "does nothing: mostly its name is misspelt.",
    ),
)


def _source(keys: str) -> str:
    return f"data: {{sources: {{customers: {{csv: {{path: data/customers.csv, {keys}}}}}}}}}"


EXAMPLES = (
    Example("AM285", fails=_source("signs: {charge: $}"), passes=_source("signs: {charges: $}")),
    Example(
        "AM285",
        fails=_source("missing: {income: [NA]}"),
        passes=_source("missing: {charges: [NA], plan: [-]}"),
    ),
    Example(
        "AM285",
        fails=_source("decimal: {Charges: ','}"),
        passes=_source("decimal: {charges: ','}, quote: '\"'"),
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Names below the keys of sources that are neither declared nor joined on."""
    data = pipeline.data
    for source_name, source in data.sources.items():
        read = data.wanted(source_name)
        named = [(path, *named) for path, part in source.parts() for named in part.columns_named()]
        for place, key, name in named:
            if name in read:
                continue
            path = ("data", "sources", source_name, *place, key, name)
            meant = certainly_meant(name, read)
            fix = Fix(f"write `{meant}`", (Rename(path, meant),)) if meant else None
            hint = did_you_mean(name, read) or "declare it in `data.columns`, or take it out here"
            message = f"`{key}` names a column `{name}`, which is neither declared nor joined on"
            yield Finding("AM285", path, message, help=hint, fix=fix, at_key=True)
