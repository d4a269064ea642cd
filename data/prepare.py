"""Write the example data sets beside this file, the same bytes on every run: `python data/prepare.py`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import churn
import demand
import reviews
import scikit_learn
import tickets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Data set → what writes its files: file name → content.
DATA_SETS: dict[str, Callable[[], Mapping[str, bytes]]] = {
    "breast_cancer": scikit_learn.breast_cancer,
    "churn": churn.churn,
    "demand": demand.demand,
    "diabetes": scikit_learn.diabetes,
    "digits": scikit_learn.digits,
    "reviews": reviews.reviews,
    "tickets": tickets.tickets,
}


def main(arguments: list[str] | None = None) -> int:
    """Write the named data sets, or all."""
    parsed = _parser().parse_args(arguments)
    unknown = sorted(set(parsed.names) - set(DATA_SETS))
    if unknown:
        print(f"there is no data set `{unknown[0]}`; known are {', '.join(DATA_SETS)}", file=sys.stderr)
        return 2
    parsed.folder.mkdir(parents=True, exist_ok=True)
    for name in parsed.names or DATA_SETS:
        for file, content in DATA_SETS[name]().items():
            path = Path(os.path.normpath(parsed.folder / file))
            _write(path, content)
            print(f"{path}: {len(content):,} bytes")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python data/prepare.py", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which of {', '.join(DATA_SETS)} (default: all)"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent, help="where to (default: beside this file)"
    )
    return parser


def _write(path: Path, content: bytes) -> None:
    """The whole file or the previous one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
