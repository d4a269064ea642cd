"""Puts what a spec refers to, columns of contracts and shared transforms, into its document.

What comes in stands where it was asked for, so that whatever is wrong with it is shown there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Related, did_you_mean
from aimass_compiler.pipeline.shared_parts import ContractColumn, SharedParts, TableContract
from aimass_compiler.spec.yaml.document import Document, MappingNode, Node, ScalarNode, SequenceNode

EXPLANATIONS = (
    Explanation(
        "AM390",
        "there is no such contract, table or column",
        "`data.contracts` names tables of `contracts/`: `customers` is the table of that name in "
        "`contracts/customers.yaml`, or the only one there; `crm.customers` is one of several in "
        "`contracts/crm.yaml`. Behind it stand the columns that the model reads, or `all`.",
    ),
    Explanation(
        "AM391",
        "a column of a contract has no type of a spec",
        "Numbers, texts of few values, dates and flags have; objects, lists and times of the day do not. A "
        "contract can say how models read such a column: `customProperties: [{property: aimass, value: "
        "{type: series, length: 24}}]`.",
    ),
    Explanation(
        "AM392",
        "a column stands in a contract and in the spec",
        "A column of a shared table is described once, in its contract, so that all models read the same. "
        "Take it out of `data.columns`, or out of the list behind the contract.",
    ),
    Explanation(
        "AM393",
        "there is no such shared list of features",
        "`{shared: NAME}` among the features stands for the transforms of `features/NAME.yaml`.",
    ),
)
EXAMPLES = (
    Example(
        "AM390",
        fails="`data: {contracts: {customers: [tenur]}}`, and the table has a column `tenure`",
        passes="`data: {contracts: {customers: [tenure]}}`",
        of="situation",
    ),
    Example(
        "AM391",
        fails="a column of the contract has `logicalType: object`",
        passes="the contract says how models read it, by `customProperties`",
        of="situation",
    ),
    Example(
        "AM392",
        fails="`columns: {tenure: number}` stands beside `contracts: {customers: [tenure]}`",
        passes="`columns` has what no contract describes",
        of="situation",
    ),
    Example(
        "AM393",
        fails="`features: [{shared: mony}]`, and there is `features/money.yaml`",
        passes="`features: [{shared: money}]`",
        of="situation",
    ),
)
_ALL = "all"
_SHARED = "shared"
_CONTRACTS = ("data", "contracts")


def with_shared_parts(document: Document, shared: SharedParts) -> tuple[Document, list[Finding]]:
    """The document with all that it refers to, and the references that lead nowhere."""
    if document.root is None:
        return document, []
    root, findings = document.root, list[Finding]()
    for splice in (_with_columns, _with_transforms):
        root, found = splice(root, shared, document)
        findings += found
    return (document if root is document.root else replace(document, root=root)), findings


def without_fixes(findings: Sequence[Finding], written: Document, document: Document) -> list[Finding]:
    """The findings about a document with shared parts; what came in is not written here, and has no fix."""
    if written is document:
        return [*findings]
    return [
        replace(found, fix=None) if found.fix and _came_in(found.path, written) else found
        for found in findings
    ]


def _came_in(path: Path, written: Document) -> bool:
    if path[:1] == ("features",):
        return True  # the numbers of all items behind a shared list differ from those in the text
    columns = written.data.get("data", {}).get("columns", {})
    return path[:2] == ("data", "columns") and len(path) > 2 and path[2] not in columns  # noqa: PLR2004  # its name


def _with_columns(
    root: MappingNode, shared: SharedParts, document: Document
) -> tuple[MappingNode, list[Finding]]:
    file = document.file
    data = _value(root, "data")
    asked = _value(data, "contracts")
    if not isinstance(data, MappingNode) or not isinstance(asked, MappingNode):
        return root, []
    own = _value(data, "columns")
    written = own.entries if isinstance(own, MappingNode) else {}
    entries: dict[str, tuple[ScalarNode, Node]] = {}
    findings: list[Finding] = []
    for name, (key, wanted) in asked.entries.items():
        table = shared.table(name)
        if table is None:
            findings.append(_no_table(shared, name, file))
            continue
        contract = shared.contracts[name.partition(".")[0]]
        for column, path, place in _wanted(wanted, table, (*_CONTRACTS, name), key):
            found = table.get(column)
            problem = _problem(column, found, contract, written, path, file)
            findings += problem
            if found and not problem:
                entries[column] = (_scalar(column, place), _node(found.written, place))
    columns = MappingNode(asked.start, asked.end, {**entries, **written})
    key = data.entries["columns"][0] if "columns" in data.entries else data.entries["contracts"][0]
    merged = {**data.entries, "columns": (key, columns)}
    return _with(root, "data", data._replace(entries=merged)), findings


def _no_table(shared: SharedParts, name: str, file: str) -> Finding:
    called, contracts = name.partition(".")[0], shared.contracts
    if called in contracts and not contracts[called].is_sound:
        message = f"`{contracts[called].file}` has errors"
        return Finding("AM390", (*_CONTRACTS, name), message, at_key=True, file=file)
    if called in contracts:
        known = [f"{called}.{table}" for table in contracts[called].tables]
        message = f"`{contracts[called].file}` has no table `{name}`"
    else:
        asked = called or name
        known, message = [*contracts], f"there is no contract `{asked}` in `{conventions.CONTRACTS_FOLDER}/`"
    hint = did_you_mean(name, known)
    return Finding("AM390", (*_CONTRACTS, name), message, help=hint, at_key=True, file=file)


def _wanted(
    wanted: Node, table: Mapping[str, ContractColumn], path: tuple[str | int, ...], key: ScalarNode
) -> Iterator[tuple[str, tuple[str | int, ...], Node]]:
    """The columns that are asked for, with where that is written; other forms are the decoder's matter."""
    if isinstance(wanted, ScalarNode) and wanted.value == _ALL:
        yield from ((column, path, key) for column, found in table.items() if not found.problem)
    if isinstance(wanted, SequenceNode):
        for place, item in enumerate(wanted.items):
            if isinstance(item, ScalarNode) and isinstance(item.value, str):
                yield item.value, (*path, place), item


def _problem(
    column: str,
    found: ContractColumn | None,
    contract: TableContract,
    written: Mapping[str, object],
    path: tuple[str | int, ...],
    file: str,
) -> list[Finding]:
    """Why a column of a contract cannot be read; nothing where it can."""
    if found is None:
        known = [name for table in contract.tables.values() for name in table]
        message, hint = f"`{contract.file}` has no column `{column}`", did_you_mean(column, known)
        return [Finding("AM390", path, message, help=hint, file=file)]
    if found.problem:
        return [Finding("AM391", path, f"`{column}` of `{contract.file}`: {found.problem}", file=file)]
    if column in written:
        message = f"`{column}` is described by `{contract.file}` already"
        here = Related(("data", "columns", column), "and here again", at_key=True)
        hint = "describe it in one place"
        return [Finding("AM392", path, message, help=hint, related=(here,), file=file)]
    return []


def _with_transforms(
    root: MappingNode, shared: SharedParts, document: Document
) -> tuple[MappingNode, list[Finding]]:
    listed = _value(root, "features")
    if not isinstance(listed, SequenceNode):
        return root, []
    items: list[Node] = []
    findings: list[Finding] = []
    for item in listed.items:
        name = _shared_name(item)
        if name is None:
            items.append(item)
        elif isinstance(name, str) and name in shared.feature_lists and shared.feature_lists[name].is_sound:
            items += [_node(each, item) for each in shared.feature_lists[name].transforms]
        else:
            message, hint = _no_list(shared, name)
            place = document.place_between(item.start, item.end)
            findings.append(
                Finding("AM393", ("features",), message, help=hint, place=place, file=document.file)
            )
    if len(items) == len(listed.items) and all(a is b for a, b in zip(items, listed.items, strict=True)):
        return root, []
    return _with(root, "features", listed._replace(items=tuple(items))), findings


def _no_list(shared: SharedParts, name: object) -> tuple[str, str]:
    """Why a list of features has no transforms, and the hint."""
    if not isinstance(name, str) or not name:
        return "`shared` takes the name of one list", "write a separate line `- shared: NAME` for each"
    if name in shared.feature_lists:
        return f"`{shared.feature_lists[name].file}` has errors", ""
    message = f"there is no `{conventions.FEATURES_FOLDER}/{name}.yaml`"
    return message, did_you_mean(name, shared.feature_lists)


def _shared_name(item: Node) -> object:
    """The name of the list that an item stands for, whatever was written; None where it is a transform."""
    if not isinstance(item, MappingNode) or [*item.entries] != [_SHARED]:
        return None
    named = item.entries[_SHARED][1]
    return (named.value if isinstance(named, ScalarNode) else named) or ""


def _value(node: Node | None, key: str) -> Node | None:
    return node.entries[key][1] if isinstance(node, MappingNode) and key in node.entries else None


def _with(root: MappingNode, key: str, value: Node) -> MappingNode:
    return root._replace(entries={**root.entries, key: (root.entries[key][0], value)})


def _node(value: Any, place: Node) -> Node:
    """Plain data as nodes, all of them at one place."""
    if isinstance(value, Mapping):
        entries = {str(key): (_scalar(str(key), place), _node(each, place)) for key, each in value.items()}
        return MappingNode(place.start, place.end, entries)
    if isinstance(value, (list, tuple)):
        return SequenceNode(place.start, place.end, tuple(_node(each, place) for each in value))
    return _scalar(value, place)


def _scalar(value: Any, place: Node) -> ScalarNode:
    return ScalarNode(place.start, place.end, value, is_written=False)
