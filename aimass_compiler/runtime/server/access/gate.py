"""The gate before a model: who asks, whether that caller may ask now, and what it has spent."""

from __future__ import annotations

import hmac
import math
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler import access_folder
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.access.budget import REQUESTS, CallerBudget, budget_of
from aimass_compiler.runtime.server.access.caller_keys import CallerKeys
from aimass_compiler.runtime.server.access.caller_policy import CallerPolicy, PolicyFault, read_policy
from aimass_compiler.runtime.server.access.caller_tokens import CallerTokens
from aimass_compiler.runtime.server.access.client_certificate import spiffe_id
from aimass_compiler.runtime.server.response import RequestError, ServerFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.settings import ServerSettings

Headers = dict[bytes, bytes]
ADMITTED, LIMITED = "admitted", "limited"
_KEY = access_folder.KEY_HEADER.encode()
_GATEWAY = access_folder.GATEWAY_HEADER.encode()
_BEARER = b"bearer "
#: How often mounted files are looked at; the kubelet itself brings changes within a minute.
_LOOK_SECONDS = 1.0
_LOOPBACK = ("127.", "::1")
_CHALLENGE = ((b"www-authenticate", b'Bearer realm="model"'),)


class AdmittedRequest(NamedTuple):
    """An admitted request: whose it is, and which budgets pay for it."""

    caller: str
    budgets: Sequence[CallerBudget]
    spent: Counter[tuple[str, str]]

    def spend(self, unit: str, count: int) -> None:
        """Charge what the request took."""
        self.spent[self.caller, unit] += count
        for budget in self.budgets:
            if budget.unit == unit:
                budget.spend(count, time.monotonic(), time.time())

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """What the caller is told of its budgets.

        Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
        """
        return limit_headers(self.budgets, time.monotonic(), time.time())


def limit_headers(
    budgets: Sequence[CallerBudget], monotonic: float, wall: float
) -> tuple[tuple[bytes, bytes], ...]:
    """The policy and the state of these budgets; none where there are none."""
    if not budgets:
        return ()
    state = b", ".join([budget.left(monotonic, wall) for budget in budgets])
    return (b"ratelimit-policy", b", ".join([budget.policy for budget in budgets])), (b"ratelimit", state)


class AccessGate:
    """Admits callers; follows the folder that says who they are, without a restart.

    What is wrong with a change of the folder is logged, and what was known before it stays in force.
    """

    def __init__(self, folder: Path, log: EventLog, workers: int = 1) -> None:
        """Read who may ask, as one of the `workers` of a server. Raises ServerFailure where it cannot be."""
        self._workers = workers
        self.requests: Counter[tuple[str, str]] = Counter()
        """By caller and outcome."""
        self.spent: Counter[tuple[str, str]] = Counter()
        """By caller and unit."""
        self.unknown: Counter[int] = Counter()
        """Requests of unknown callers, by the status that refused them."""
        self.folder = folder
        self._log = log
        self._stamp = _stamp(folder)
        self._looked = time.monotonic()
        self._budgets: dict[str, tuple[object, tuple[CallerBudget, ...]]] = {}
        try:
            self._follow()
        except PolicyFault as fault:
            raise ServerFailure(ExitCode.USAGE, str(fault)) from fault

    @property
    def callers(self) -> Sequence[str]:
        """All who may ask."""
        return sorted(self._policy.limits)

    def admit(self, headers: Headers, peer: str) -> AdmittedRequest:
        """Let a caller in and charge one request.

        Raises RequestError (401, 403, 429, 503) where it may not ask, or not yet.
        """
        caller = self.identify(headers, peer)
        budgets = self._budgets[caller][1]
        now, wall = time.monotonic(), time.time()
        for budget in budgets:
            if wait := budget.wait(now, wall):
                self.requests[caller, LIMITED] += 1
                raise _limited(caller, budget, budgets, wait)
        for budget in budgets:
            if budget.unit == REQUESTS:
                budget.spend(1, now, wall)
        self.requests[caller, ADMITTED] += 1
        return AdmittedRequest(caller, budgets, self.spent)

    def identify(self, headers: Headers, peer: str) -> str:
        """Whose request it is; raises RequestError (401, 403, 503) where that is no caller."""
        now = time.monotonic()
        if now > self._looked + _LOOK_SECONDS:
            self._looked = now
            self._look()
        try:
            return self._identified(headers, peer)
        except RequestError as error:
            self.unknown[error.status] += 1
            raise

    def _identified(self, headers: Headers, peer: str) -> str:
        key, bearer = headers.get(_KEY), headers.get(b"authorization", b"")
        if key is None and bearer[: len(_BEARER)].lower() == _BEARER:
            key = bearer[len(_BEARER) :].strip()
            # Keys may look like anything, but a token has exactly two dots.
            if self._tokens is not None and key.count(b".") == 2 and self._keys.caller_of(key) is None:  # noqa: PLR2004  # as said
                return self._tokens.caller_of(key, time.time())
        if key is not None:
            caller = self._keys.caller_of(key)
            if caller is None:
                raise RequestError(401, "the key is not known here", headers=_CHALLENGE)
            return caller
        return self._certified(headers, peer)

    def _certified(self, headers: Headers, peer: str) -> str:
        identity = spiffe_id(headers) if self._is_trusted(headers, peer) else None
        if identity is None:
            header = access_folder.KEY_HEADER
            message = f"who asks is not known: send a key as `{header}` or `Authorization: Bearer`"
            raise RequestError(401, message, headers=_CHALLENGE)
        caller = self._policy.certificates.get(identity)
        if caller is None:
            raise RequestError(403, "the certificate is good, but it belongs to no caller of this model")
        return caller

    def _is_trusted(self, headers: Headers, peer: str) -> bool:
        """Whether who sent the request is the proxy that verified its client's certificate."""
        if self._policy.trusted == "gateway":
            given = headers.get(_GATEWAY, b"")
            return bool(self._credential) and hmac.compare_digest(given, self._credential)
        return self._policy.trusted == "sidecar" and peer.startswith(_LOOPBACK)

    def _look(self) -> None:
        stamp = _stamp(self.folder)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._follow()
            self._log.event("access", {"callers": len(self._policy.limits)})
        except PolicyFault as fault:
            self._log.event("access", {"error": str(fault)}, "error")

    def _follow(self) -> None:
        policy: CallerPolicy = read_policy(self.folder / access_folder.ACCESS_FILE)
        try:
            budgets = {name: self._budgets_of(name, policy) for name in policy.limits}
        except (LookupError, TypeError, ValueError) as error:
            raise PolicyFault(f"{self.folder / access_folder.ACCESS_FILE}: {error}") from error
        self._keys = CallerKeys(self.folder / access_folder.ACCESS_KEYS_FOLDER, policy.keyed)
        for fault in self._keys.faults:
            self._log.event("access", {"error": fault}, "error")
        self._tokens: CallerTokens | None = None
        if policy.issuers:
            folder = self.folder / access_folder.ACCESS_ISSUERS_FOLDER
            self._tokens = CallerTokens(policy.issuers, folder, self._note_issuer)
        self._credential = _content(self.folder / access_folder.ACCESS_CREDENTIAL)
        self._budgets, self._policy = budgets, policy

    def _budgets_of(self, name: str, policy: CallerPolicy) -> tuple[object, tuple[CallerBudget, ...]]:
        """What was spent stays spent where the limits stay."""
        key = (policy.limits[name], policy.replicas)
        before = self._budgets.get(name)
        if before is not None and before[0] == key:
            return before
        sharing = policy.replicas * self._workers
        return key, tuple(budget_of(limit, sharing) for limit in policy.limits[name])

    def _note_issuer(self, issuer: str, why: str) -> None:
        self._log.event("access", {"error": f"the keys of issuer {issuer}: {why}"}, "error")


def gate_of(settings: ServerSettings, log: EventLog, before: AccessGate | None = None) -> AccessGate | None:
    """What admits callers to a model; None where anyone may ask.

    The gate before it keeps its counts where it follows the same folder: a release gives no caller a new
    quota. Raises ServerFailure where the folder cannot be read.
    """
    if settings.access is None:
        return None
    if before is not None and before.folder == settings.access:
        return before
    return AccessGate(settings.access, log, settings.workers)


def _limited(caller: str, budget: CallerBudget, budgets: Sequence[CallerBudget], wait: float) -> RequestError:
    seconds = max(1, math.ceil(wait))
    message = f"`{caller}` has used up its {budget.unit}; try again in {seconds} s"
    headers = limit_headers(budgets, time.monotonic(), time.time())
    return RequestError(429, message, retry_after_seconds=seconds, headers=headers, caller=caller)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file does: of mounted volumes, the link that all files of a version lie behind."""
    return tuple(sorted(_stamps(folder)))


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    try:
        found = list(os.scandir(folder))
    except OSError:
        return
    for entry in found:
        try:
            status = entry.stat()
        except OSError:
            continue
        yield entry.path, status.st_mtime_ns, status.st_ino
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _stamps(folder / entry.name)
