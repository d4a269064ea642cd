"""`python -m aimass_compiler.runtime.shadow MODEL`: hold a candidate against real requests; `aimass retrain`
calls it."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.character_set import print_everywhere
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import name_of
from aimass_compiler.records.query import RecordsWanted, ask
from aimass_compiler.runtime.failure import StageFailure, exit_code
from aimass_compiler.runtime.parts import read_parts
from aimass_compiler.runtime.production.judged_rows import usable
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.shadow.pairs import compared, latencies
from aimass_compiler.runtime.shadow.replay import NotRecorded, replayed
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json
from aimass_compiler.stages import COMPARE, artifacts

if TYPE_CHECKING:
    import polars

    from aimass_compiler.catalog.task import Task

#: How far back requests are looked at, and how many rows.
_DAYS, _MOST = 7, 20_000


def main(arguments: list[str] | None = None) -> int:
    """Write what was found; answers an ExitCode."""
    print_everywhere()
    parser = argparse.ArgumentParser(prog="python -m aimass_compiler.runtime.shadow", description=__doc__)
    parser.add_argument("model", help="the model's name: its folder below generated/")
    parser.add_argument("namespace", help="where requests are from")
    parser.add_argument("--store", required=True, help="the store of records")
    parser.add_argument("--mirrored-by", action="append", default=[], help="a model that mirrors to this one")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: here)")
    parsed = parser.parse_args(arguments)
    return exit_code("shadow", lambda: _write(parsed, Workspace(parsed.root.resolve(), parsed.model)))


def _write(parsed: argparse.Namespace, workspace: Workspace) -> ExitCode:
    parts = read_parts(workspace.generated / conventions.PIPELINE_FILE, COMPARE)
    best = read_json(workspace.path(artifacts.BEST))
    task: Task = parts["task"].naming(best.get("classes", parts["task"].classes))
    about = task, parts["evaluation"].slices, parts["columns"]
    name, found = name_of(parsed.model), dict[str, Any]()
    own = _records(parsed, name, task)
    if own.height:
        found["recorded"] = _recorded(own, workspace.folder(artifacts.PACKAGE), about)
    for other in parsed.mirrored_by:
        theirs = _records(parsed, other, task)
        if theirs.height and own.height:
            mirrored = compared(theirs, own, *about)
            times = {"released": latencies(theirs), "candidate": latencies(own)}
            found.setdefault("mirrored", {})[other] = mirrored | {"seconds": times}
    write_json(workspace.path(artifacts.SHADOW), {"namespace": parsed.namespace, "days": _DAYS, **found})
    return ExitCode.DONE


def _records(parsed: argparse.Namespace, model: str, task: Task) -> polars.DataFrame:
    """The latest rows that its last version answered, newest first."""
    since = datetime.now(UTC) - timedelta(days=_DAYS)
    wanted = RecordsWanted(model=model, namespaces=(parsed.namespace,), since=since, limit=_MOST)
    table = usable(ask(parsed.store, wanted), task)
    return table.filter(table["version"] == table["version"][0]) if table.height else table


def _recorded(own: polars.DataFrame, package: Path, about: tuple[Any, Any, Any]) -> dict[str, Any]:
    """The candidate on the inputs that the released model answered."""
    version = {"version": own["version"][0], "asked": own.height}
    try:
        return version | compared(own, replayed(package, own), *about)
    except NotRecorded as obstacle:
        return version | {"obstacle": str(obstacle)}
    except ServerFailure as failure:
        raise StageFailure(failure.code, failure.message) from None


if __name__ == "__main__":
    sys.exit(main())
