"""`aimass-runtime records STORE`: make tables of what collectors brought, by the clock or once."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.records.compaction import compact
from aimass_compiler.records.record_table import require_library
from aimass_compiler.runtime.failure import StageFailure, exit_code


def main(arguments: list[str]) -> int:
    """Make the tables; answers an ExitCode."""
    parsed = _parser().parse_args(arguments)
    return exit_code("records", lambda: _compact(parsed))


def _compact(parsed: argparse.Namespace) -> ExitCode:
    store = parsed.store if "://" in parsed.store else f"file://{Path(parsed.store).resolve()}"
    require_library()
    done = compact(store, _retention(parsed.retention), datetime.now(UTC))
    print(f"{done.records} records became rows of tables, {done.rejected} were rejected", flush=True)
    return ExitCode.DONE


def _retention(file: Path | None) -> dict[str, int]:
    """How many days each model keeps its records, where that is not as usual. Raises StageFailure."""
    if file is None:
        return {}
    try:
        days: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StageFailure(ExitCode.DISK, f"{file} cannot be read: {error}") from None
    return days


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{conventions.RUNTIME_COMMAND} records",
        description="Make tables of the prediction records in a store, and delete those that are too old. "
        "It may be killed at any time, and goes on where it was.",
    )
    parser.add_argument("store", help="`s3://bucket/path`, `gs://…` or a folder")
    parser.add_argument(
        "--retention",
        type=Path,
        metavar="FILE",
        help="JSON: how many days the records of each model are kept",
    )
    return parser
