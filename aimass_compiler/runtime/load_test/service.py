"""The test of a served model: every row asked, a load held, bad requests sent, and a graceful stop."""

from __future__ import annotations

import http.client
import re
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.programs.model_server import HOST, RunningServer, ServerError, running
from aimass_compiler.runtime.load_test.correctness import AnswerComparison, compare
from aimass_compiler.runtime.load_test.load import Load, LoadPlan, ServiceMeasurements, faults_of, hold, known
from aimass_compiler.runtime.load_test.protocols import PLAIN, ServedSignature, mistakes
from aimass_compiler.runtime.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.quantities import Duration
    from aimass_compiler.pipeline.serving import Limits, ServingTests
    from aimass_compiler.runtime.load_test.protocols import Request


_LOOK_SECONDS = 0.02
#: Connections of a process that dies are reset before it is known to have ended.
_DYING_SECONDS = 1.0
_SEEN_SECONDS = 5.0
_END_SECONDS = 30.0
_IN_FLIGHT = re.compile(rf"^{conventions.METRIC_IN_FLIGHT}\{{[^}}]*\}} 1.0$", re.MULTILINE)
_PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}
#: The share of a soak after which memory is first looked at: caches and arenas have filled by then.
_SETTLED = 0.2
#: Growth that is no leak: allocators keep what they were once given.
_GROWTH_SHARE = 0.1
_GROWTH_BYTES = 16 * 2**20
_MEBIBYTE = 2**20
_SHOWN_FAILURES = 3
#: Rows that are asked again after the load.
_AGAIN = 50


def measure(
    package: Path,
    rows: Sequence[Mapping[str, Any]],
    expected: Sequence[Sequence[float]],
    tests: ServingTests,
    limits: Limits,
    *,
    unit: float = 1.0,
    soak: Duration | None = None,
) -> ServiceMeasurements:
    """Compare the answers to `rows` with `expected`, then hold the load of `tests`, then stop the server.

    How far an answer may be off, and how far one was, is reported in the `unit`.
    With `soak` the load is held that long instead, and the server's memory must not grow meanwhile.
    A server that falls over is among the faults of what was measured until then.
    """
    signature = ServedSignature(read_json(package / conventions.SIGNATURE_FILE))
    test = _ServiceTest(signature, rows, expected, tests, limits, unit)
    try:
        with running(package, _variables(limits)) as server:
            test.run(server, soak)
    except ServerError as death:
        test.faults.append(str(death))
    return test.measured()


def _variables(limits: Limits) -> dict[str, str]:
    """The variables of the environment by which a server has these limits."""
    return {
        conventions.VARIABLE_CONCURRENCY: str(limits.concurrency),
        conventions.VARIABLE_TIMEOUT_SECONDS: f"{limits.timeout.seconds:g}",
        conventions.VARIABLE_BODY_BYTES: str(limits.body.size),
    }


class _ServiceTest:
    """One server under test, and what was found of it so far."""

    def __init__(
        self,
        signature: ServedSignature,
        rows: Sequence[Mapping[str, Any]],
        expected: Sequence[Sequence[float]],
        tests: ServingTests,
        limits: Limits,
        unit: float,
    ) -> None:
        self._signature = signature
        self._rows = rows
        self._expected = expected
        self._tests = tests
        self._limits = limits
        self._body_bytes = limits.body.size
        self._unit = unit
        self._comparison = AnswerComparison(tests.tolerance, unit)
        self._load = Load()
        self.faults: list[str] = []

    def run(self, server: RunningServer, soak: Duration | None) -> None:
        """All of the test; raises ServerError when the server does."""
        for part in (self._compare, partial(self._hold, soak), self._compare_again, self._stop):
            try:
                self.faults.extend(part(server))
            except (OSError, http.client.HTTPException) as error:
                server.check(_DYING_SECONDS)
                raise ServerError(f"the server runs but does not answer: {error!r}") from error

    def measured(self) -> ServiceMeasurements:
        """Everything so far in numbers."""
        return ServiceMeasurements(
            rows=len(self._rows),
            wrong_rows=len(self._comparison.wrong),
            largest_difference=self._comparison.largest,
            requests=self._load.requests,
            failed_requests=self._load.failures.total(),
            requests_per_second=self._load.requests_per_second,
            latency_seconds={name: self._load.percentile(at) for name, at in _PERCENTILES.items()},
            failures=dict(self._load.failures.most_common(_SHOWN_FAILURES)),
            faults=tuple(self.faults),
        )

    def _compare(self, server: RunningServer) -> Iterator[str]:
        compare(self._comparison, server.port, self._signature, self._rows, self._expected, self._body_bytes)
        yield from self._comparison.refusals

    def _hold(self, soak: Duration | None, server: RunningServer) -> Iterator[str]:
        plan = LoadPlan(
            port=server.port,
            signature=self._signature,
            known=known(self._signature, self._rows, self._expected),
            mistakes=mistakes(self._signature, self._body_bytes),
            rps=self._tests.load.rps,
            connections=self._limits.concurrency,
            timeout_seconds=self._limits.timeout.seconds,
        )
        if soak is None:
            hold(plan, self._tests.load.duration.seconds, self._load, self._comparison)
        else:
            hold(plan, soak.seconds * _SETTLED, self._load, self._comparison)
            before = server.resident_bytes()
            hold(plan, soak.seconds * (1 - _SETTLED), self._load, self._comparison)
            yield from _growth(before, server.resident_bytes(), soak)
        server.check()
        yield from faults_of(self._load, plan.rps)

    def _compare_again(self, server: RunningServer) -> Iterator[str]:
        """Whether what the server went through has left it as it was."""
        again = AnswerComparison(self._tests.tolerance, self._unit)
        compare(again, server.port, self._signature, self._rows[:_AGAIN], self._expected, self._body_bytes)
        if again.wrong - self._comparison.wrong:
            asked = len(self._rows[:_AGAIN])
            yield f"after the load, {len(again.wrong)} of {asked} rows were answered wrongly"

    def _stop(self, server: RunningServer) -> Iterator[str]:
        request = PLAIN.request(self._signature, [self._signature.example])
        yield from _faults_of_stopping(server, request, self._limits.timeout.seconds)


def _growth(before: float | None, after: float | None, soak: Duration) -> Iterator[str]:
    if before is None or after is None:
        return  # this system does not report it
    if after - before > max(_GROWTH_BYTES, before * _GROWTH_SHARE):
        yield (
            f"the server's memory grew from {before / _MEBIBYTE:.0f} to {after / _MEBIBYTE:.0f} MiB "
            f"in the last {1 - _SETTLED:.0%} of {soak}"
        )


def _faults_of_stopping(server: RunningServer, request: Request, timeout_seconds: float) -> Iterator[str]:
    """Ask it to stop while half of a request has arrived; what went wrong, in sentences."""
    with socket.create_connection((HOST, server.port), _END_SECONDS) as connection:
        started = time.monotonic()
        connection.sendall(request.wire[:-1])
        if not _comes_true(lambda: bool(_IN_FLIGHT.search(server.get(conventions.METRICS_PATH)[1]))):
            yield f"{conventions.METRIC_IN_FLIGHT} never reported a request that was in flight"
        server.terminate()
        if not _comes_true(lambda: server.get(conventions.READY_PATH)[0] == http.client.SERVICE_UNAVAILABLE):
            yield "the server was still ready after SIGTERM"
        connection.sendall(request.wire[-1:])
        response = http.client.HTTPResponse(connection)
        response.begin()
        # Where the limit is shorter than all of this, the server was right to give up.
        is_late = time.monotonic() - started > timeout_seconds
        if response.status != http.client.OK and not is_late:
            yield f"a request in flight at SIGTERM was answered {response.status}, not 200"
    fault = server.end(_END_SECONDS)
    if fault:
        yield fault


def _comes_true(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + _SEEN_SECONDS
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
