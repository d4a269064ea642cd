"""Ask a model about rows.

Answers with the same server and the same contract as production: started for the occasion on the
package that `aimass run` left, or one that runs already (--url). Rows are JSON objects by column.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of
from aimass_compiler.cli.packages import package_of, signature_of
from aimass_compiler.conventions import ExitCode

PLACE = 9
EXAMPLES = """
  aimass predict churn --example                 one row that the package brings along
  aimass predict churn --row '{"tenure": 3, …}'  a row of your own: every column that may not be missing
  aimass predict churn rows.jsonl                a file with one JSON object a line
  aimass predict churn --example --url http://churn.ml-dev.svc:8080
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name, or a package folder")
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("file", nargs="?", metavar="FILE", help="JSON lines, or `-` for standard input")
    rows.add_argument("--row", metavar="JSON", help="one row as a JSON object")
    rows.add_argument("--example", action="store_true", help="the example row of the package")
    parser.add_argument("--url", help="a server that runs already (default: start one for this call)")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask and print the answers, one JSON object a line."""
    from aimass_compiler.cluster import server

    needs_package = arguments.example or not arguments.url
    package = package_of(project_of(arguments), arguments.model) if needs_package else None
    rows = _rows(arguments, package)
    try:
        with _server(arguments.url, package) as url:
            answer = server.ask(url, rows)
    except server.ServerError as error:
        terminal.complain(str(error), error.help)
        return ExitCode.FAILED
    if arguments.example:
        print(f"{json.dumps(rows[0], ensure_ascii=False)}", file=sys.stderr)
    for prediction in answer["predictions"]:
        print(json.dumps(prediction, ensure_ascii=False))
    return ExitCode.DONE


def _server(url: str | None, package: Path | None) -> contextlib.AbstractContextManager[str]:
    """The address of the server that was named, or of one on the package for as long as it is needed."""
    from aimass_compiler.cluster import server

    return server.running(package) if package and not url else contextlib.nullcontext(url or "")


def _rows(arguments: argparse.Namespace, package: Path | None) -> list[dict[str, Any]]:
    if arguments.example and package is not None:
        return [dict(signature_of(package)["example"])]
    if arguments.row is not None:
        return [_row(arguments.row, "--row")]
    try:
        text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text(encoding="utf-8")
    except OSError as error:
        raise Unknown(f"`{arguments.file}` cannot be read: {error.strerror}") from None
    except ValueError:
        raise Unknown(f"`{arguments.file}` is not text in UTF-8", "write one JSON object a line") from None
    rows = list(_lines(text, arguments.file))
    if not rows:
        raise Unknown(f"`{arguments.file}` holds no row", "write one JSON object a line")
    return rows


def _lines(text: str, name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield _row(line, f"{name}, line {number}")


def _row(text: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise Unknown(f"{where} is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise Unknown(f'{where} must be a JSON object such as {{"age": 40}}')
    return row
