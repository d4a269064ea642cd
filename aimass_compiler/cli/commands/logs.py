"""Read what a model was asked and what it answered.

Servers record a sample of their predictions (`serving.logs.predictions.sample`), the cluster's collector
brings the records to the store that `logs` of aimass.yaml names, and a job makes tables of them. This reads
both, the newest records first. Columns of the contract are `input_NAME`, answers `output_NAME`; --where takes
a condition over all columns, in SQL.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.record_store import add_store, records_of
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    import pyarrow

    from aimass_compiler.records.query import RecordsWanted

EXIT_CODES = (ExitCode.DISK,)
EXAMPLES = """
  aimass logs churn                              the 20 newest records
  aimass logs churn --env prod --since 7d --where "input_age > 40 AND output_label = 'yes'"
  aimass logs churn --request-id 01J9…           what one caller complains about
  aimass logs churn --since 2026-11-01 --limit 0 --output november.parquet
  aimass logs churn --store /tmp/records         what `aimass serve --records /tmp/records` left
"""

_SHOWN = 20


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument("--env", metavar="ENV", help="only those of an environment")
    parser.add_argument("--since", type=_time, metavar="TIME", help="from a time on, or `7d` ago")
    parser.add_argument("--until", type=_time, metavar="TIME", help="before a time, or until `1h` ago")
    parser.add_argument("--version", metavar="VERSION", help="of one version, as /metrics calls it")
    parser.add_argument("--request-id", metavar="ID", help="of one request")
    parser.add_argument("--caller", metavar="NAME", help="of one caller")
    parser.add_argument("--where", metavar="SQL", help="a condition over the columns, in DuckDB's SQL")
    parser.add_argument(
        "--limit",
        type=_count,
        default=_SHOWN,
        metavar="N",
        help="at most so many; 0 is all (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=("json", "csv", "parquet"),
        help="how they are written (default: as --output ends, else json, one object a line)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write them to a file")
    add_store(parser)
    add_root(parser)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"`{text}` is no count; write 20, or 0 for all")
    return int(text)


def _time(text: str) -> datetime:
    from aimass_compiler import timestamps
    from aimass_compiler.catalog.quantities import Duration

    try:
        return datetime.now(UTC) - timedelta(seconds=Duration.read(text).seconds)
    except ValueError:
        seconds = timestamps.seconds(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(
            f"`{text}` is neither a time such as 2026-11-30T12:00Z nor one ago, such as 7d"
        )
    return datetime.fromtimestamp(seconds, UTC)


def run(arguments: argparse.Namespace) -> int:
    """Read and write them out; answers an ExitCode."""
    from aimass_compiler.programs.stored_files import StoreError
    from aimass_compiler.records.query import RecordsWanted, ask

    project = project_of(arguments)
    form = _form(arguments)
    if form is None:
        terminal.error("Parquet is no text", "name a file: `--output records.parquet`")
        return ExitCode.USAGE
    place = records_of(project, arguments)
    question = RecordsWanted(
        model=place.model,
        namespaces=place.namespaces,
        since=arguments.since,
        until=arguments.until,
        version=arguments.version,
        request_id=arguments.request_id,
        caller=arguments.caller,
        where=arguments.where,
        limit=arguments.limit or None,
    )
    try:
        found = ask(place.store, question)
    except StoreError as failure:
        terminal.error(str(failure), failure.help)
        return ExitCode.FAILED
    if not found.num_rows:
        what = "has no record that matches" if _is_narrowed(question) else "has no record yet"
        print(f"{arguments.model} {what} in {place.store}", file=sys.stderr)
    return _write(found, form, arguments.output)


def _is_narrowed(question: RecordsWanted) -> bool:
    """Whether more is asked for than any record of the model."""
    asked = (question.since, question.until, question.version, question.request_id, question.caller)
    return bool(question.where) or any(each is not None for each in asked)


def _form(arguments: argparse.Namespace) -> str | None:
    """How records are written; None for what a terminal cannot take."""
    ending = "" if arguments.output is None else arguments.output.suffix.lstrip(".")
    form = arguments.format or (ending if ending in ("csv", "parquet") else "json")
    return None if form == "parquet" and arguments.output is None else str(form)


def _write(found: pyarrow.Table, form: str, output: Path | None) -> int:
    try:
        if form == "parquet":
            from pyarrow import parquet

            parquet.write_table(found, output)
            return ExitCode.DONE
        text = _csv(found) if form == "csv" else _lines(found)
        if output is None:
            sys.stdout.write(text)
        else:
            output.write_text(text, encoding="utf-8")
    except OSError as error:
        terminal.error(f"{output} cannot be written: {error.strerror or error}")
        return ExitCode.DISK
    return ExitCode.DONE


def _lines(found: pyarrow.Table) -> str:
    import json

    return "".join(json.dumps(row, default=_plain, ensure_ascii=False) + "\n" for row in found.to_pylist())


def _csv(found: pyarrow.Table) -> str:
    import csv
    import io

    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(found.column_names)
    rows.writerows([_plain(value) for value in row.values()] for row in found.to_pylist())
    return text.getvalue()


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
