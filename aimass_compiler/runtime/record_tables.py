"""`aimass-runtime records STORE`: make tables of what collectors brought, by the clock or once."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs.stored_files import StoreError
from aimass_compiler.records.compaction import compact
from aimass_compiler.records.record_table import require_library


def main(arguments: list[str]) -> int:
    """Make the tables; answers an ExitCode."""
    parsed = _parser().parse_args(arguments)
    store = parsed.store if "://" in parsed.store else f"file://{Path(parsed.store).resolve()}"
    try:
        require_library()
        days = json.loads(parsed.retention.read_text(encoding="utf-8")) if parsed.retention else {}
        done = compact(store, days, datetime.now(UTC))
    except StoreError as failure:
        print(f"records: {failure}\n  help: {failure.help}", file=sys.stderr)
        return int(ExitCode.FAILED)
    except (OSError, ValueError) as error:
        print(f"records: {parsed.retention} cannot be read: {error}", file=sys.stderr)
        return int(ExitCode.DISK)
    print(f"{done.records} records became rows of tables, {done.rejected} were rejected", flush=True)
    return int(ExitCode.DONE)


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
