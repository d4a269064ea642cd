"""A connection to a cluster: the kinds that it serves, and objects read, listed, applied and deleted."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aimass_compiler import conventions
from aimass_compiler.kubernetes.failures import Changed, Missing, Refused
from aimass_compiler.kubernetes.objects import Object, ObjectKey, group_and_version, key_of
from aimass_compiler.kubernetes.transport import ApiResponse, Report, Transport, transport
from aimass_compiler.render.targets import KINDS

#: What brings the kinds of a group to a cluster.
OPERATORS: Mapping[str, str] = {group: kind.operator for (group, _), kind in KINDS.items() if kind.operator}
#: Groups of the API server itself; a kind of theirs is missing because it is too old, or too new.
_OWN_GROUPS = ("", "apps", "autoscaling", "batch", "policy")
#: Source: KEP-3352, aggregated discovery.
_AGGREGATED = ",".join(
    [
        *(
            f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            for version in ("v2", "v2beta1")
        ),
        "application/json",
    ]
)


class KindMissing(Refused):
    """The cluster serves no such kind."""


@dataclass(frozen=True)
class Resource:
    """How the API serves one version of a kind."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """Where the API has an object; all of a namespace, or of the cluster, without a name."""
        start = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{quote(namespace)}" if self.is_namespaced and namespace else ""
        return f"{start}{within}/{self.plural}" + (f"/{quote(name)}" if name else "")


@dataclass(frozen=True)
class Kinds:
    """What a cluster serves; the version that it prefers of each group comes first."""

    resources: tuple[Resource, ...]

    def of(self, group: str, kind: str, version: str = "") -> Resource:
        """How to reach a kind, in any version unless one is named. Raises KindMissing."""
        known = [each for each in self.resources if (each.group, each.kind) == (group, kind)]
        for resource in known:
            if version in {"", resource.version}:
                return resource
        raise missing(group, kind, version, [resource.version for resource in known])


def missing(group: str, kind: str, version: str, known: Iterable[str]) -> KindMissing:
    """What to say of a kind that the cluster does not serve, or not in this version."""
    served = ", ".join(known)
    if served:
        return KindMissing(
            f"the cluster serves {kind} of {group or 'the core'} as {served}, not as {version}",
            f"upgrade {OPERATORS.get(group, 'the cluster')}",
        )
    message = f"the cluster knows no kind {kind}" + (f" ({group})" if group else "")
    if group in _OWN_GROUPS:
        return KindMissing(message, "the cluster is older than what is generated")
    operator = OPERATORS.get(group)
    return KindMissing(message, f"install {operator}" if operator else f"install what brings {group}")


def discover(transport: Transport) -> Kinds:
    """Everything that the cluster serves, in two requests, or in some more from an old API server."""
    return Kinds((*_core(transport), *_groups(transport)))


def _core(transport: Transport) -> Iterator[Resource]:
    found = _ask(transport, "/api")
    if "items" in found:
        yield from _aggregated(found)
    else:
        for version in found["versions"]:
            yield from _listed(_ask(transport, f"/api/{version}"), "", version)


def _groups(transport: Transport) -> Iterator[Resource]:
    found = _ask(transport, "/apis")
    if "items" in found:
        yield from _aggregated(found)
        return
    for group in found["groups"]:
        preferred = group["preferredVersion"]["version"]
        versions = sorted((each["version"] for each in group["versions"]), key=lambda each: each != preferred)
        for version in versions:
            yield from _listed(_ask(transport, f"/apis/{group['name']}/{version}"), group["name"], version)


def _ask(transport: Transport, path: str) -> dict[str, Any]:
    accepted = {"Accept": _AGGREGATED}
    return transport.request("GET", path, about="the list of kinds", headers=accepted).document


def _aggregated(found: Mapping[str, Any]) -> Iterator[Resource]:
    """Resources of an APIGroupDiscoveryList; a group that its own server cannot tell has none."""
    for group in found["items"]:
        name = group["metadata"].get("name", "")
        for version in group.get("versions", ()):
            for each in version.get("resources", ()):
                kind = (each.get("responseKind") or {}).get("kind", "")
                yield Resource(
                    name, version["version"], kind, each["resource"], each["scope"] == "Namespaced"
                )


def _listed(found: Mapping[str, Any], group: str, version: str) -> Iterator[Resource]:
    """Resources of an APIResourceList; subresources such as `pods/log` are none."""
    for each in found.get("resources", ()):
        if "/" not in each["name"]:
            yield Resource(group, version, each["kind"], each["name"], bool(each["namespaced"]))


_CREATED = 201
#: The API server gives up an apply that others overtake; the next try mostly gets through.
_TRIES_OF_CHANGED = 6
#: Source: https://kubernetes.io/docs/reference/using-api/server-side-apply
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_JSON = {"Content-Type": "application/json"}
_MERGE = {"Content-Type": "application/merge-patch+json"}


@dataclass(frozen=True)
class AppliedObject:
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
    ) -> AppliedObject:
        """Bring an object to what is declared, by server-side apply in our name.

        Raises Conflict where another manager owns a field with another value, unless `force`d.
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
                return AppliedObject(answer.document, answer.code == _CREATED)
            except Changed:
                if last == _TRIES_OF_CHANGED - 1 or "resourceVersion" in document["metadata"]:
                    raise
        raise AssertionError  # the loop returns or raises

    def create(self, document: Object) -> ApiResponse:
        """Create an object. Raises Changed where it is there already."""
        key = key_of(document)
        path = self.resource(key.group, key.kind).path(key.namespace)
        query = {"fieldManager": conventions.MANAGER}
        return self._way.request("POST", path, about=str(key), query=query, body=document, headers=_JSON)

    def replace(self, document: Object) -> ApiResponse:
        """Replace an object; where it names a `resourceVersion`, only the one that was read.

        Raises Changed where the object is another one by now, and Missing where it is gone.
        """
        about, query = str(key_of(document)), {"fieldManager": conventions.MANAGER}
        return self._way.request(
            "PUT", self._path(document), about=about, query=query, body=document, headers=_JSON
        )

    def patch_status(self, document: Object, status: Mapping[str, Any]) -> ApiResponse:
        """Merge into the status of exactly the object that was read. Raises Changed and Missing."""
        metadata = {"uid": document["metadata"]["uid"]}
        return self._way.request(
            "PATCH",
            f"{self._path(document)}/status",
            about=str(key_of(document)),
            query={"fieldManager": conventions.MANAGER},
            body={"metadata": metadata, "status": status},
            headers=_MERGE,
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

    def discover_kinds(self) -> None:
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


def connect(kubeconfig: Path | None = None, context: str | None = None, report: Report = print) -> Connection:
    """A connection to the cluster that a kubeconfig's context names, or in which this runs.

    `report` gets a line where the API server lets us wait. Nothing is asked yet. Raises ClusterError.
    """
    return Connection(transport(kubeconfig, context, report))
