"""A connection to a cluster: objects are read, listed, applied, created, replaced and deleted."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cluster.failures import Changed, Missing
from aimass_compiler.cluster.kinds import KindMissing, Kinds, Resource, discover
from aimass_compiler.cluster.objects import Object, ObjectKey, group_and_version, key_of
from aimass_compiler.cluster.transport import Answer, Tell, Transport, transport

_CREATED = 201
#: The API server gives up an apply that others overtake; the next try mostly gets through.
_TRIES_OF_CHANGED = 6
#: Source: https://kubernetes.io/docs/reference/using-api/server-side-apply
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Merged:
    """An object as the API server has it after something was written."""

    document: dict[str, Any]
    is_new: bool


class Connection:
    """One cluster; threads may share it. Every method raises ClusterError."""

    def __init__(self, way: Transport) -> None:
        self._way = way
        self._kinds: Kinds | None = None
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return self._way.address

    def get(self, key: ObjectKey, version: str = "") -> dict[str, Any] | None:
        """The object, or None where there is none."""
        path = self.resource(key.group, key.kind, version).path(key.namespace, key.name)
        try:
            return self._way.request("GET", path, about=str(key)).document
        except Missing:
            return None

    def list(
        self,
        group: str,
        kind: str,
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """The objects of a kind with all these labels and fields, of a namespace or the whole cluster."""
        resource = self.resource(group, kind)
        query = {"labelSelector": _selector(labels), "fieldSelector": _selector(fields)}
        found: list[dict[str, Any]] = []
        while True:
            asked = {name: value for name, value in query.items() if value} | {"limit": "500"}
            about = f"the list of {resource.plural}"
            document = self._way.request("GET", resource.path(namespace), about=about, query=asked).document
            common = {"apiVersion": resource.api_version, "kind": kind}  # which items of a list leave out
            found += [common | item for item in document["items"]]
            query["continue"] = document["metadata"].get("continue", "")
            if not query["continue"]:
                return found

    def apply(
        self,
        document: Object,
        *,
        force: bool = False,
        is_dry_run: bool = False,
        manager: str = conventions.MANAGER,
    ) -> Merged:
        """Bring an object to what is declared, by server-side apply in our name.

        Raises Conflict where somebody else manages a field with another value, unless `force`d.
        """
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        query |= {"force": "true"} if force else {}
        query |= {"dryRun": "All"} if is_dry_run else {}
        key = key_of(document)
        path = self._path(document)
        for last in range(_TRIES_OF_CHANGED):
            try:
                answer = self._way.request(
                    "PATCH", path, about=str(key), query=query, body=document, headers=_APPLY
                )
                return Merged(answer.document, answer.code == _CREATED)
            except Changed:
                if last == _TRIES_OF_CHANGED - 1 or "resourceVersion" in document["metadata"]:
                    raise
        raise AssertionError  # the loop returns or raises

    def create(self, document: Object) -> Answer:
        """Create an object. Raises Changed where it is there already."""
        key = key_of(document)
        path = self.resource(key.group, key.kind).path(key.namespace)
        query = {"fieldManager": conventions.MANAGER}
        return self._way.request("POST", path, about=str(key), query=query, body=document, headers=_JSON)

    def replace(self, document: Object) -> Answer:
        """Replace an object; where it names a `resourceVersion`, only the one that was read.

        Raises Changed where the object is another one by now, and Missing where it is gone.
        """
        about, query = str(key_of(document)), {"fieldManager": conventions.MANAGER}
        return self._way.request(
            "PUT", self._path(document), about=about, query=query, body=document, headers=_JSON
        )

    def delete(self, document: Object, *, is_as_read: bool = False) -> bool:
        """Delete exactly the object that was read, and in the background what it owns.

        Answers False where it is gone, or another one of that name took its place, or where it should be
        `as_read` and has changed since.
        """
        metadata = document["metadata"]
        exactly = {"uid": metadata["uid"]}
        exactly |= {"resourceVersion": metadata["resourceVersion"]} if is_as_read else {}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": exactly,
        }
        path, about = self._path(document), str(key_of(document))
        try:
            self._way.request("DELETE", path, about=about, body=options, headers=_JSON)
        except (Missing, Changed):
            return False
        return True

    def look_around(self) -> None:
        """Learn which kinds the cluster serves: the first question, which shows whether anybody answers."""
        with self._lock:
            self._kinds = discover(self._way)

    def now(self) -> datetime:
        """The cluster's time, to the second or so, by which all who use it can agree."""
        return datetime.now(tz=UTC) + self._way.clock_ahead

    def resource(self, group: str, kind: str, version: str = "") -> Resource:
        """How the cluster serves a kind. Raises KindMissing, which names the operator that brings it."""
        with self._lock:
            if self._kinds is not None:
                try:
                    return self._kinds.of(group, kind, version)
                except KindMissing:
                    pass  # it may have come since
            self._kinds = discover(self._way)
            return self._kinds.of(group, kind, version)

    def _path(self, document: Object) -> str:
        key = key_of(document)
        group, version = group_and_version(document)
        return self.resource(group, key.kind, version).path(key.namespace, key.name)


def _selector(wanted: Mapping[str, str] | None) -> str:
    return ",".join(f"{name}={value}" for name, value in (wanted or {}).items())


def connect(kubeconfig: Path | None = None, context: str | None = None, tell: Tell = print) -> Connection:
    """A connection to the cluster that a kubeconfig's context names, or in which this runs.

    `tell` gets a line where the API server lets us wait. Nothing is asked yet. Raises ClusterError.
    """
    return Connection(transport(kubeconfig, context, tell))
