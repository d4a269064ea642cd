"""The lease of a model in an environment: whoever holds it changes things there, the others wait."""

from __future__ import annotations

import getpass
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from aimass_compiler import conventions, model_path
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import Changed, ClusterError, Missing, Unreachable
from aimass_compiler.kubernetes.inventory import name_of
from aimass_compiler.kubernetes.objects import Object, ObjectKey
from aimass_compiler.kubernetes.transport import Report

#: A holder that has not renewed it for so long is taken for dead, as client-go does.
SECONDS = 15
_RENEW_SECONDS = 4
_LOOK_SECONDS = 1.0
_TRIES = 10
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class ModelLockedError(ClusterError):  # it reads as what is the case
    """Another run works on the model."""

    exit_code = ExitCode.LOCKED


class Lease:
    """A lease while it is held. It is renewed by a thread; `check` tells whether it still is ours."""

    def __init__(self, connection: Connection, namespace: str, model: str, environment: str) -> None:
        self._connection = connection
        self._about = f"`{model}` in {environment}"
        self._key = ObjectKey("coordination.k8s.io", "Lease", namespace, name_of(model, environment))
        self._labels = {
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            conventions.LABEL_MODEL: model_path.name_of(model),
            conventions.LABEL_ENVIRONMENT: environment,
        }
        self._holder = f"{whoami()} ({uuid.uuid4().hex[:8]})"
        self._document: Object = {}
        self._lost_to = ""
        self._is_over = threading.Event()

    def acquire(self, timeout: float, report: Report) -> None:
        """Wait until nobody else holds it. Raises ModelLockedError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        waits_for = ""
        while (holder := self._try()) != "":
            if time.monotonic() >= deadline:
                raise ModelLockedError(
                    f"{holder} works on {self._about}, and did not end within {timeout:.0f} s",
                    "wait for it; --lock-timeout waits longer",
                )
            if holder != waits_for:
                report(f"{holder} works on {self._about}; waiting for it")
                waits_for = holder
            time.sleep(_LOOK_SECONDS + random.random() / 4)  # noqa: S311  # so that two do not look in step

    def _try(self) -> str:
        """Take it if it is free; answers the holder if it is not.

        It is asked for first: who has no right to it is refused before anything is made.
        """
        try:
            found = self._connection.get(self._key)
            if found is None:
                self._document = self._connection.create(self._wanted({})).document
                return ""
            holder = self._holder_of(found)
            if holder not in {"", self._holder}:
                return holder
            self._document = self._connection.replace(self._wanted(found)).document
        except (Changed, Missing):  # somebody was faster
            return self._try()
        return ""

    def _holder_of(self, found: Object) -> str:
        """Who holds it, or nothing where that run has ended without giving it back."""
        spec = found.get("spec") or {}
        holder, renewed = spec.get("holderIdentity") or "", spec.get("renewTime")
        if not holder or not renewed:
            return ""
        ends = datetime.fromisoformat(renewed) + timedelta(
            seconds=int(spec.get("leaseDurationSeconds") or SECONDS)
        )
        return "" if self._connection.now() > ends else str(holder)

    def _wanted(self, found: Object) -> dict[str, Any]:
        """The lease with us as its holder, from now on by the cluster's own clock."""
        now = self._connection.now().strftime(_MICRO_TIME)
        old: Mapping[str, Any] = found.get("spec") or {}
        is_ours = old.get("holderIdentity") == self._holder
        metadata = {"name": self._key.name, "namespace": self._key.namespace, "labels": self._labels}
        if found:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": self._holder,
                "leaseDurationSeconds": SECONDS,
                "acquireTime": old.get("acquireTime", now) if is_ours else now,
                "renewTime": now,
                "leaseTransitions": int(old.get("leaseTransitions") or 0)
                + (0 if is_ours or not found else 1),
            },
        }

    def keep(self) -> None:
        """Renew it until it is given back, or lost; what cannot be reached is tried again."""
        while not self._is_over.wait(_RENEW_SECONDS):
            with suppress(ClusterError):
                self._renew()
            if self._lost_to:
                return

    def _renew(self) -> None:
        try:
            self._document = self._connection.replace(self._wanted(self._document)).document
        except (Changed, Missing):
            found = self._connection.get(self._key)
            holder = (found or {}).get("spec", {}).get("holderIdentity") or "a run that deleted the lease"
            if found is not None and holder == self._holder:
                self._document = found  # our own renewal, whose answer did not reach us
            else:
                self._lost_to = holder

    def check(self) -> None:
        """Raises ModelLockedError where another run took over: to roll back, or as we were not heard of."""
        if self._lost_to:
            raise ModelLockedError(
                f"{self._lost_to} took over {self._about}",
                "run it again; what was done stays, and nothing was lost",
            )

    def confirm(self) -> None:
        """The same, as the cluster has it now: before something is changed. Raises ClusterError, too."""
        if not self._lost_to:
            self._renew()
        self.check()

    def take_over(self) -> None:
        """Take it from whoever holds it; that run stops before it changes anything more.

        Where nobody holds it, nothing is taken: to create it is a right of its own. Raises ClusterError.
        """
        for last in range(_TRIES):
            found = self._connection.get(self._key)
            if found is None or not self._holder_of(found):
                return
            try:
                self._document = self._connection.replace(self._wanted(found)).document
            except Missing:
                return
            except Changed:  # it was renewed in that moment
                if last == _TRIES - 1:
                    raise
            else:
                return

    def release(self) -> None:
        """Leave it to the next, without a right to delete it; where that fails, it expires."""
        self.stop()
        with suppress(ClusterError):
            found = self._connection.get(self._key)
            if found is not None and found["spec"].get("holderIdentity") == self._holder:
                self._connection.replace({**found, "spec": {**found["spec"], "holderIdentity": ""}})

    def give_back(self) -> None:
        """Delete it, so that nobody waits; where that fails, it expires."""
        self.stop()
        with suppress(ClusterError):
            if not self._connection.delete(self._document, is_as_read=True):
                found = self._connection.get(self._key)  # it was renewed in that moment, or lost
                if found is not None and found["spec"].get("holderIdentity") == self._holder:
                    self._connection.delete(found, is_as_read=True)

    def stop(self) -> None:
        """Renew it no longer."""
        self._is_over.set()


@contextmanager
def leased(
    connection: Connection, namespace: str, model: str, environment: str, *, timeout: float, report: Report
) -> Iterator[Lease]:
    """Hold the lease of a model while a block runs. Raises ModelLockedError, and ClusterError."""
    hold = Lease(connection, namespace, model, environment)
    hold.acquire(timeout, report)
    renewing = threading.Thread(target=hold.keep, daemon=True)
    renewing.start()
    try:
        yield hold
    except Unreachable:
        hold.stop()  # nobody would hear that it is given back
        raise
    except BaseException:
        hold.give_back()
        raise
    hold.give_back()


def whoami() -> str:
    """Who runs this, as others should see it: a workflow's run by its address, or a person at a machine."""
    variables = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(variable, "") for variable in variables)
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    try:
        person = getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        person = f"user {os.getuid()}"
    return f"{person}@{socket.gethostname()}"
