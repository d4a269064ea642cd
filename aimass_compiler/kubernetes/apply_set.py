"""Brings objects that are no single model's to what git has: applies, and deletes what it no longer declares.

Which objects belong together is on record in the cluster as kubectl's apply sets have it: each carries the
set's label, and a ConfigMap lists the kinds among them. A namespace is never deleted.
Source: KEP-3659, https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-id
"""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.kubernetes.connection import AppliedObject, Connection, KindMissing
from aimass_compiler.kubernetes.failures import ClusterError, Conflict, NoNamespace
from aimass_compiler.kubernetes.object_diff import changes
from aimass_compiler.kubernetes.objects import Object, ObjectKey, in_ranks, key_of
from aimass_compiler.kubernetes.run import Applied, ApplyOptions, ObjectAction, ObjectOutcome

_PREFIX = "applyset.kubernetes.io"
_ID, _PART_OF = f"{_PREFIX}/id", f"{_PREFIX}/part-of"
_TOOLING, _KINDS = f"{_PREFIX}/tooling", f"{_PREFIX}/contains-group-kinds"
_SOURCE = "aimass.dev/source"
#: By which the records of all sets are found.
_RECORDS: Mapping[str, str] = {
    conventions.LABEL_MANAGED_BY: conventions.MANAGER,
    conventions.LABEL_COMPONENT: "fleet",
}
#: Where the record of a set is that has objects of the cluster itself; teams cannot write there.
_SYSTEM = "kube-system"
_DIGITS = 8
_UNKNOWN = "it may be another repository's: this one has no remote `origin`"


@dataclass(frozen=True)
class ApplySet:
    """Objects that are applied together."""

    name: str
    """Where they are declared below generated/fleet, such as `servers/growth/small`."""
    environment: str
    """Empty where they are the same for all environments."""
    namespace: str
    """That of all of them, or of the record alone where some are in none, or in several."""
    source: str
    """The address of the git repository that declares them, if known."""

    @property
    def is_in_one_namespace(self) -> bool:
        """Whether all of it is in the namespace of the record."""
        return self.namespace != _SYSTEM

    @property
    def record(self) -> ObjectKey:
        """The ConfigMap that the cluster knows it by: another repository has others."""
        whose = hashlib.sha256(self.source.encode()).hexdigest()[:_DIGITS]
        parts = ("aimass-fleet", *self.name.split("/"), self.environment, whose)
        words = (each.replace("_", "-").strip("-") for each in parts)
        return ObjectKey("", "ConfigMap", self.namespace, ".".join(filter(None, words)))

    @property
    def label(self) -> str:
        """What each of its objects carries."""
        key = self.record
        named = f"{key.name}.{key.namespace}.{key.kind}.{key.group}"
        return (
            f"applyset-{urlsafe_b64encode(hashlib.sha256(named.encode()).digest()).decode().rstrip('=')}-v1"
        )

    def document(self, kinds: Iterable[str]) -> dict[str, Any]:
        """The record of it, with the kinds that it has, such as `Deployment.apps`."""
        labels = {**_RECORDS, _ID: self.label}
        labels |= {conventions.LABEL_ENVIRONMENT: self.environment} if self.environment else {}
        noted = {_TOOLING: f"{conventions.MANAGER}/v1", _KINDS: ",".join(sorted(kinds))}
        noted |= {_SOURCE: self.source} if self.source else {}
        key = self.record
        metadata = {"name": key.name, "namespace": key.namespace, "labels": labels, "annotations": noted}
        return {"apiVersion": "v1", "kind": key.kind, "metadata": metadata, "data": {"name": self.name}}


def apply_set(name: str, environment: str, source: str, objects: Sequence[Object]) -> ApplySet:
    """The set that objects make which are declared under a name."""
    namespaces = {key_of(each).namespace for each in objects}
    (only,) = namespaces if len(namespaces) == 1 else ("",)
    return ApplySet(name, environment, only or _SYSTEM, source)


def forgotten(
    connection: Connection, source: str, environment: str, declared: Iterable[ApplySet]
) -> Iterator[ApplySet]:
    """The sets on record that this repository applied and no longer declares."""
    known = {each.record for each in declared}
    for record in connection.list("", "ConfigMap", labels=_RECORDS):
        of = record["metadata"]["labels"].get(conventions.LABEL_ENVIRONMENT, "")
        is_ours = source and record["metadata"].get("annotations", {}).get(_SOURCE) == source
        if is_ours and of in {"", environment} and key_of(record) not in known:
            name = record.get("data", {}).get("name", "")
            yield ApplySet(name, of, record["metadata"]["namespace"], source)


def bring(
    connection: Connection, members: ApplySet, objects: Sequence[Object], options: ApplyOptions
) -> Applied:
    """What became of a set's objects, or in a dry run would become of them."""
    began = time.monotonic()
    place = members.environment or "all environments"
    found = Applied(members.name, place, members.namespace, "", is_dry_run=options.is_dry_run)
    outcomes: list[ObjectOutcome] = []
    try:
        before = _live(connection, members.record)
        labelled = [_member(members, each) for each in objects]
        # Nothing is changed where anything would be refused.
        for is_dry_run in (True,) if options.is_dry_run else (True, False):
            outcomes = [*_outcomes(connection, members, labelled, before, options.force, is_dry_run)]
    except ClusterError as error:
        return replace(found, failures=(error,))
    return replace(found, outcomes=tuple(outcomes), seconds=time.monotonic() - began)


def _outcomes(
    connection: Connection,
    members: ApplySet,
    objects: Sequence[Object],
    before: Object | None,
    force: bool,
    is_dry_run: bool,
) -> Iterator[ObjectOutcome]:
    """Applies and deletes. What is on record is all that may be there, at each moment."""
    kinds, had = {_kind_of(each) for each in objects}, _kinds(before)
    if not is_dry_run:
        _note(connection, members, kinds | had)
    for group in in_ranks(objects):
        yield from (_applied(connection, each, force, is_dry_run) for each in group)
    for each in list(_left(connection, members, kinds | had, objects)):
        if not members.source:
            yield ObjectOutcome(key_of(each), ObjectAction.LEFT, _UNKNOWN, live=each)
            continue
        if not is_dry_run:
            connection.delete(each)
        yield ObjectOutcome(key_of(each), ObjectAction.DELETED, live=each)
    if not is_dry_run and kinds != kinds | had:
        _note(connection, members, kinds)


def _note(connection: Connection, members: ApplySet, kinds: set[str]) -> None:
    """Have these kinds on record; a set without any has none."""
    if kinds:
        connection.apply(members.document(kinds), force=True)
    elif found := connection.get(members.record):
        connection.delete(found)


def _member(members: ApplySet, document: Object) -> Object:
    metadata = document["metadata"]
    return {
        **document,
        "metadata": {**metadata, "labels": {**metadata.get("labels", {}), _PART_OF: members.label}},
    }


def _kind_of(document: Object) -> str:
    key = key_of(document)
    return f"{key.kind}.{key.group}" if key.group else key.kind


def _kinds(record: Object | None) -> set[str]:
    noted = (record or {"metadata": {}})["metadata"].get("annotations", {}).get(_KINDS, "")
    return set(filter(None, noted.split(",")))


def _applied(connection: Connection, document: Object, force: bool, is_dry_run: bool) -> ObjectOutcome:
    key = key_of(document)
    live = _live(connection, key)
    if not force:
        _require_ours(document, live)
    try:
        answer = connection.apply(document, force=force, is_dry_run=is_dry_run)
    except NoNamespace:
        if not is_dry_run or live is not None:
            raise
        answer = AppliedObject(dict(document), is_new=True)  # the namespace comes first
    if live is None:
        return ObjectOutcome(key, ObjectAction.CREATED, merged=answer.document)
    differs = any(True for _ in changes(live, answer.document))
    action = ObjectAction.CHANGED if differs else ObjectAction.UNCHANGED
    return ObjectOutcome(key, action, live=live, merged=answer.document)


def _require_ours(document: Object, live: Object | None) -> None:
    """Raises Conflict where the object is of another set."""
    theirs = (live or document)["metadata"].get("labels", {}).get(_PART_OF)
    if theirs not in {None, document["metadata"]["labels"][_PART_OF]}:
        raise Conflict(
            f"{key_of(document)} is of another set of objects: `{_PART_OF}: {theirs}`",
            "another repository, or another name here, applied it; `--force-conflicts` takes it over",
            (),
        )


def _live(connection: Connection, key: ObjectKey) -> Object | None:
    try:
        return connection.get(key)
    except NoNamespace:  # the namespace itself, while there is none
        return None


def _left(
    connection: Connection, members: ApplySet, kinds: set[str], objects: Sequence[Object]
) -> Iterator[Object]:
    """What carries the set's label, and is not declared any more."""
    wanted = {key_of(each) for each in objects}
    labels: Mapping[str, str] = {_PART_OF: members.label}
    namespace = members.namespace if members.is_in_one_namespace else ""
    for each in sorted(kinds - {"Namespace"}):
        kind, _, group = each.partition(".")
        try:
            found = connection.list(group, kind, namespace, labels=labels)
        except KindMissing:
            continue
        yield from (one for one in found if key_of(one) not in wanted)
