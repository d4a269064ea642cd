"""The same rows teach the same statistics, to the last bit, wherever they are learnt."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import numpy, polars
from aimass_compiler.engines.local import Local
from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.statistics import Quantiles, Summary, learn
from aimass_compiler.expression.column_types import NUMBER
from aimass_compiler.catalog.task import Task
values = numpy.random.default_rng(0).lognormal(sigma=5, size=300_000)
of = Column("a", NUMBER)
statistics = {name: Summary(of, name) for name in ("mean", "standard_deviation")}
statistics |= {"low": Quantiles(of, (0.1,))}
task = Task(kind="regression", target="y")
print(learn(Local().table([polars.DataFrame({"a": values})]), statistics, task))
"""


def learnt(threads: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_number_of_cores_changes_nothing() -> None:
    assert learnt(1) == learnt(2) == learnt(8)
