"""Ask a model about rows.

Answers with the same server and the same contract as production: started for the occasion on the
package that `aimass run` left, or one that runs already (--url). Rows are JSON objects by column.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, package_of, project_of, signature_of
from aimass_compiler.conventions import (
    EXPLAIN_PATH,
    LANGUAGE_PACKAGE_FORMAT,
    PREDICT_PATH,
    REFERENCE_FILE,
    VARIABLE_EXPLAINED_ROWS,
    VARIABLE_TIMEOUT_SECONDS,
)
from aimass_compiler.exit_codes import ExitCode

EXAMPLES = """
  aimass predict churn --example                 one row that the package brings along
  aimass predict churn --row '{"tenure": 3, …}'  a row of your own: every column that may not be missing
  aimass predict churn rows.jsonl                a file with one JSON object a line
  aimass predict churn --example --explain       which columns moved the answer, and by how much
  aimass predict churn --example --url http://churn.ml-dev.svc:8080
  aimass predict tickets --row '{"prompt": "I was charged twice"}'   a language model: its answer, as it comes
"""

#: Of a server that one person asks: more rows, and more time than callers have.
_PATIENT = {VARIABLE_EXPLAINED_ROWS: "1000", VARIABLE_TIMEOUT_SECONDS: "30"}
_ONE_A_LINE = 'write one JSON object a line, such as {"age": 40}'


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name, or a package folder")
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("file", nargs="?", metavar="FILE", help="JSON lines, or `-` for standard input")
    rows.add_argument("--row", metavar="JSON", help="one row as a JSON object")
    rows.add_argument("--example", action="store_true", help="the example row of the package")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say which columns moved each answer (needs serving.explanations)",
    )
    parser.add_argument("--url", help="a server that runs already (default: start one for this call)")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask and print the answers, one JSON object a line."""
    from aimass_compiler.programs import model_server

    needs_package = arguments.example or not arguments.url
    package = package_of(project_of(arguments), arguments.model) if needs_package else None
    rows = _rows(arguments, package)
    if arguments.explain and package is not None and not _can_explain(package):
        hint = f"add `serving: {{explanations: {{}}}}` to its spec, then `aimass run {arguments.model}`"
        raise UnknownName(f"the package of `{arguments.model}` has no rows to explain with", hint)
    is_text = _is_text(arguments.url, package)
    if arguments.explain and is_text:
        raise UnknownName(f"`{arguments.model}` answers with words, which no columns explain")
    try:
        with _server(arguments.url, package, _PATIENT if arguments.explain or is_text else {}) as url:
            if is_text:
                if arguments.example:
                    print(json.dumps(rows[0], ensure_ascii=False), file=sys.stderr)
                return _talk(url, rows, package)
            answer = model_server.ask(url, rows, EXPLAIN_PATH if arguments.explain else PREDICT_PATH)
    except model_server.ServerEnded as ended:
        terminal.error(ended.reason or str(ended))
        return ExitCode.FAILED
    except model_server.ServerError as error:
        terminal.error(str(error), error.help)
        return ExitCode.FAILED
    if arguments.example:
        print(f"{json.dumps(rows[0], ensure_ascii=False)}", file=sys.stderr)
    for prediction in answer["predictions"]:
        print(json.dumps(prediction, ensure_ascii=False))
    return ExitCode.DONE


def _is_text(url: str | None, package: Path | None) -> bool:
    """Whether the model answers with words; a damaged package is left to its server."""
    from aimass_compiler.programs import model_server

    if package is None:
        return model_server.is_of_text(url or "")
    try:
        return bool(signature_of(package)["format"] == LANGUAGE_PACKAGE_FORMAT)
    except UnknownName:
        return False


def _talk(url: str, rows: Sequence[Mapping[str, Any]], package: Path | None) -> int:
    """Print each row's answer as one JSON object; on a terminal, a single one as it is being written."""
    from aimass_compiler.catalog.turns import prompt_of
    from aimass_compiler.programs import model_server

    columns = [] if package is None else [column["name"] for column in signature_of(package)["inputs"]]
    for row in rows:
        lacking = next((name for name in columns if name not in row), None)
        if lacking is not None:
            raise UnknownName(f"the row has no `{lacking}`", f"known here: {', '.join(columns)}")
        turns = prompt_of({name: row[name] for name in columns or row})
        pieces = model_server.stream(url, turns)
        if len(rows) == 1 and sys.stdout.isatty():
            for piece in pieces:
                print(piece, end="", flush=True)
            print()
        else:
            print(json.dumps({"answer": "".join(pieces)}, ensure_ascii=False))
    return ExitCode.DONE


def _can_explain(package: Path) -> bool:
    """Whether a package has the background that explanations need."""
    try:
        return "background" in json.loads((package / REFERENCE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # the server says what is wrong with it


@contextlib.contextmanager
def _server(url: str | None, package: Path | None, variables: Mapping[str, str]) -> Iterator[str]:
    """The URL of the server that was named, or of one on the package for as long as it is needed."""
    from aimass_compiler.programs import model_server

    if url or package is None:
        yield url or ""
        return
    with model_server.running(package, variables) as server:
        yield server.url


def _rows(arguments: argparse.Namespace, package: Path | None) -> list[dict[str, Any]]:
    if arguments.example and package is not None:
        return [dict(signature_of(package)["example"])]
    if arguments.row is not None:
        return [_row(arguments.row, "--row")]
    try:
        text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text(encoding="utf-8")
    except OSError as error:
        raise UnknownName(f"`{arguments.file}` cannot be read: {error.strerror}") from None
    except ValueError:
        raise UnknownName(f"`{arguments.file}` is not text in UTF-8", _ONE_A_LINE) from None
    rows = list(_lines(text, arguments.file))
    if not rows:
        raise UnknownName(f"`{arguments.file}` holds no row", _ONE_A_LINE)
    return rows


def _lines(text: str, name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield _row(line, f"{name}, line {number}")


def _row(text: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise UnknownName(f"{where} is not JSON: {error}", _ONE_A_LINE) from None
    if not isinstance(row, dict):
        raise UnknownName(f'{where} must be a JSON object such as {{"age": 40}}')
    return row
