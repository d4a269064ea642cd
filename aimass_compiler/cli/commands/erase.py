"""Erase the records of a person, or of a request, for good.

Says of whom by a column that the contract marks with `pii: hash`, an id or an input: its value is hashed with
the key that the servers have (AIMASS_RECORD_KEY), and every record with this hash is deleted from the tables,
in all environments. Records that still come in from before are erased when tables are made of them. What was
erased stays on record below erasures/ of the store, by the hash alone.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aimass_compiler import record_names
from aimass_compiler.cli import terminal
from aimass_compiler.cli.record_store import add_store, records_of
from aimass_compiler.cli.selection import UnknownName, add_root, project_of, spec_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXAMPLES = """
  aimass erase churn --key customer_id=4711      all records of a customer
  aimass erase churn --request-id 01J9…          those of one request
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--key", metavar="COLUMN=VALUE", help="a column with `pii: hash`, and whose records go")
    of.add_argument("--request-id", metavar="ID", help="the name of a request")
    add_store(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Erase; answers an ExitCode."""
    from aimass_compiler.programs.stored_files import StoreError
    from aimass_compiler.records.erasure import erase
    from aimass_compiler.records.record_table import require_library

    project = project_of(arguments)
    place = records_of(project, arguments)
    column, value = "request_id", arguments.request_id
    if arguments.key is not None:
        column, value = _hashed(project, arguments)
    try:
        require_library()
        done = erase(place.store, place.model, column, value, datetime.now(UTC))
    except StoreError as failure:
        terminal.error(str(failure), failure.help)
        return ExitCode.FAILED
    print(f"erased {done.rows} records of {arguments.model}; what still comes in from before goes as well")
    return ExitCode.DONE


def _hashed(project: Project, arguments: argparse.Namespace) -> tuple[str, str]:
    """The column of the records, and what stands there. Raises UnknownName."""
    from aimass_compiler.keyed_hash import keyed_hash

    name, separator, value = arguments.key.partition("=")
    if not separator or not value:
        raise UnknownName(f"`{arguments.key}` says no value", "write it like `--key customer_id=4711`")
    hashed = _hashed_columns(project, arguments.model)
    if name not in hashed:
        known = ", ".join(hashed) or "none is, so records can be erased by --request-id only"
        raise UnknownName(f"`{name}` is no column with `pii: hash`", f"those are: {known}")
    key = os.environ.get(record_names.VARIABLE_RECORD_KEY, "")
    if not key:
        hint = f"set {record_names.VARIABLE_RECORD_KEY} to what the servers hash with"
        raise UnknownName("records can only be found with the key that they were hashed with", hint)
    return f"input_{name}", keyed_hash(key.encode(), name, value)


def _hashed_columns(project: Project, model: str) -> list[str]:
    from aimass_compiler.compile import Upto, compile_specs

    checked = compile_specs(project, [spec_of(project, model)], upto=Upto.CHECK)
    columns = {
        name: each for pipeline in checked.pipelines.values() for name, each in pipeline.data.columns.items()
    }
    return [name for name, column in columns.items() if column.pii == record_names.HASHED]
