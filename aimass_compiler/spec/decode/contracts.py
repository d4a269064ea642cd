"""Contracts of shared tables, and shared lists of transforms, from their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, did_you_mean, has_errors
from aimass_compiler.pipeline.shared_parts import ContractColumn, FeatureList, SharedParts, TableContract
from aimass_compiler.project import Project, is_spec
from aimass_compiler.spec.decode.contract_columns import LOGICAL_TYPES, column_of
from aimass_compiler.spec.decode.decoder import written_path
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import read_text

if TYPE_CHECKING:
    from open_data_contract_standard.model import SchemaObject, SchemaProperty

EXPLANATIONS = (
    Explanation(
        "AM388",
        "a data contract is not what the standard says",
        "Contracts of tables that several models read stand in `contracts/`, in the Open Data Contract "
        "Standard, version 3, which catalogs and tools of data engineers read, too. The compiler reads the "
        "tables in `schema`, and of each column its type, limits, values, description and how many values "
        "may be missing; all else is kept for others. Specs name a file without its ending, so "
        "no two may differ in that alone.",
    ),
    Explanation(
        "AM389",
        "a shared list of features is no list",
        "A file of `features/` has one key, `features`, with transforms as a spec has them: "
        "`features: [{standardize: [age, tenure]}, {one_hot: plan}]`. No two files "
        "differ in their endings alone.",
    ),
)
EXAMPLES = (
    Example(
        "AM388",
        fails="`contracts/customers.yaml` is no data contract: it has `kind: Model`",
        passes="it has `apiVersion: v3.1.0` and `kind: DataContract`",
        of="situation",
    ),
    Example(
        "AM389",
        fails="`features/money.yaml` has `log: charges`",
        passes="it has `features: [{log: charges}]`",
        of="situation",
    ),
)
_KIND = "DataContract"
_VERSION = "v3."

#: A path in a file.
Keys = tuple[str | int, ...]
#: The documents that were read, by their files.
Documents = dict[str, Document]


def read_shared_parts(
    project: Project, texts: Mapping[Path, bytes]
) -> tuple[SharedParts, Documents, list[Finding]]:
    """What models share, the documents that it stands in, and what is wrong with them."""
    contracts, documents, findings = _contracts(project, texts)
    lists, more, wrong = _feature_lists(project, texts)
    return SharedParts(contracts, lists), {**documents, **more}, [*findings, *wrong]


def _contracts(
    project: Project, texts: Mapping[Path, bytes]
) -> tuple[dict[str, TableContract], Documents, list[Finding]]:
    """The contracts by the names of their files, their documents, and what is wrong with them."""
    found: dict[str, TableContract] = {}
    documents: Documents = {}
    findings: list[Finding] = []
    for path in _files(project.root / conventions.CONTRACTS_FOLDER, texts):
        shown, name = path.relative_to(project.root).as_posix(), path.stem.removesuffix(".odcs")
        if name in found:
            findings.append(_twice("AM388", shown, found[name].file))
            continue
        documents[shown], problems = read_text(path, shown, texts)
        tables, version, more = ({}, "", []) if has_errors(problems) else _tables(documents[shown])
        findings += [*problems, *more]
        is_sound = not has_errors([*problems, *more])
        found[name] = TableContract(shown, version, tables, is_sound=is_sound)
    return found, documents, findings


def _feature_lists(
    project: Project, texts: Mapping[Path, bytes]
) -> tuple[dict[str, FeatureList], Documents, list[Finding]]:
    """The shared lists of transforms by the names of their files, their documents, and what is wrong."""
    found: dict[str, FeatureList] = {}
    documents: Documents = {}
    findings: list[Finding] = []
    for path in _files(project.root / conventions.FEATURES_FOLDER, texts):
        shown = path.relative_to(project.root).as_posix()
        if path.stem in found:
            findings.append(_twice("AM389", shown, found[path.stem].file))
            continue
        document, problems = read_text(path, shown, texts)
        documents[shown] = document
        findings += problems
        listed = document.data.get("features")
        if isinstance(listed, list) and listed and len(document.data) == 1:
            found[path.stem] = FeatureList(shown, tuple(listed), is_sound=not has_errors(problems))
            continue
        found[path.stem] = FeatureList(shown, (), is_sound=False)
        if not has_errors(problems):
            hint = "write `features:` and below it transforms, as in a spec"
            findings.append(Finding("AM389", (), f"`{shown}` is no list of features", help=hint, file=shown))
    return found, documents, findings


def _twice(code: str, file: str, first: str) -> Finding:
    message = f"`{file}` has the name of `{first}`, by which specs ask for both"
    return Finding(code, (), message, help="keep one of them, or rename it", file=file)


def _files(folder: Path, texts: Mapping[Path, bytes]) -> list[Path]:
    typed = (path for path in texts if path.parent == folder)
    return sorted({path for path in (*folder.glob("*"), *typed) if is_spec(path.name)})


def _tables(document: Document) -> tuple[dict[str, dict[str, ContractColumn]], str, list[Finding]]:
    """The columns of the tables, the contract's version, and what is wrong with it."""
    # Here, because few projects have contracts.
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    file, data = document.file, document.data
    if data.get("kind") != _KIND or not str(data.get("apiVersion", "")).startswith(_VERSION):
        message = f"`{file}` is no data contract of version 3"
        hint = f"it starts with `apiVersion: v3.1.0` and `kind: {_KIND}`"
        return {}, "", [Finding("AM388", (), message, help=hint, file=file)]
    try:
        read = OpenDataContractStandard.model_validate(data)
    except ValidationError as error:
        first = {written_path(data, line["loc"]): line for line in reversed(error.errors(include_url=False))}
        wrong = [
            (path, f"the standard has something else here: {line['msg']}") for path, line in first.items()
        ]
        return {}, "", [Finding("AM388", path, message, file=file) for path, message in reversed(wrong)]
    tables = {
        table.name or "": {each.name or "": column_of(each) for each in table.properties or ()}
        for table in read.schema_ or ()
    }
    return tables, str(read.version or ""), list(_unfit(read.schema_ or (), file))


def _unfit(tables: list[SchemaObject] | tuple[()], file: str) -> Iterator[Finding]:
    """Tables and columns that nobody can ask for, or whose values nobody can tell."""
    known = set[str]()
    for place, table in enumerate(tables):
        path = ("schema", place)
        if not table.name:
            yield Finding("AM388", path, "the table has no `name`", file=file)
        elif table.name in known:
            yield Finding("AM388", (*path, "name"), f"there are two tables `{table.name}`", file=file)
        known.add(table.name or "")
        yield from _unfit_columns(table.properties or (), (*path, "properties"), file)


def _unfit_columns(columns: Sequence[SchemaProperty], above: Keys, file: str) -> Iterator[Finding]:
    known = set[str]()
    for number, column in enumerate(columns):
        path, logical = (*above, number), column.logicalType or LOGICAL_TYPES[0]
        if not column.name:
            yield Finding("AM388", path, "the column has no `name`", file=file)
        elif column.name in known:
            yield Finding("AM388", (*path, "name"), f"there are two columns `{column.name}`", file=file)
        known.add(column.name or "")
        if logical not in LOGICAL_TYPES:
            message, hint = f"there is no `logicalType: {logical}`", did_you_mean(logical, LOGICAL_TYPES)
            yield Finding("AM388", (*path, "logicalType"), message, help=hint, file=file)
        for place, rule in enumerate(column.quality or ()):
            listed = (rule.arguments or {}).get("validValues", [""])
            if not isinstance(listed, list) or not listed or any(isinstance(x, (dict, list)) for x in listed):
                message, hint = "`validValues` is no list of values", "write `validValues: [basic, pro]`"
                yield Finding("AM388", (*path, "quality", place), message, help=hint, file=file)
