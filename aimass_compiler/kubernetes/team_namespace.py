"""Brings a team's namespace to what is generated: applies, and deletes what its file no longer asks for.

That takes an administrator. The namespace itself is never deleted, and nothing that is a model's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.kubernetes.connection import AppliedObject, Connection, KindMissing
from aimass_compiler.kubernetes.failures import ClusterError, NoNamespace
from aimass_compiler.kubernetes.object_diff import changes
from aimass_compiler.kubernetes.objects import Object, ObjectKey, in_ranks, key_of
from aimass_compiler.kubernetes.run import Applied, ApplyOptions, ObjectAction, ObjectOutcome

#: The kinds that are made for teams, but for the namespace.
_KINDS = (
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("kueue.x-k8s.io", "LocalQueue"),
    ("monitoring.coreos.com", "AlertmanagerConfig"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)


def folder_of(generated: Path, team: str, environment: str) -> Path:
    """Where the kustomization of a team's namespace is."""
    return generated / conventions.FLEET_FOLDER / conventions.TEAMS_FOLDER / team / environment


def teams_of(generated: Path, environment: str) -> list[str]:
    """The teams that have something in an environment."""
    above = generated / conventions.FLEET_FOLDER / conventions.TEAMS_FOLDER
    return sorted(path.parent.name for path in above.glob(f"*/{environment}/") if path.is_dir())


def bring(
    connection: Connection, team: str, environment: str, objects: Sequence[Object], options: ApplyOptions
) -> Applied:
    """What became of a team's objects, or in a dry run would become of them."""
    began = time.monotonic()
    (namespace,) = (each["metadata"]["name"] for each in objects if each["kind"] == "Namespace")
    found = Applied(f"team {team}", environment, namespace, "", is_dry_run=options.is_dry_run)
    outcomes: list[ObjectOutcome] = []
    try:
        # Nothing is changed where anything would be refused.
        for is_dry_run in (True,) if options.is_dry_run else (True, False):
            ordered = (each for group in in_ranks(objects) for each in group)
            kept = (_applied(connection, each, options.force, is_dry_run) for each in ordered)
            left = _left(connection, team, environment, objects)
            outcomes = [*kept, *(_deleted(connection, each, is_dry_run) for each in left)]
    except ClusterError as error:
        return replace(found, failures=(error,))
    return replace(found, outcomes=tuple(outcomes), seconds=time.monotonic() - began)


def _deleted(connection: Connection, document: Object, is_dry_run: bool) -> ObjectOutcome:
    if not is_dry_run:
        connection.delete(document)
    return ObjectOutcome(key_of(document), ObjectAction.DELETED, live=document)


def _applied(connection: Connection, document: Object, force: bool, is_dry_run: bool) -> ObjectOutcome:
    key = key_of(document)
    live = _live(connection, key)
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


def _live(connection: Connection, key: ObjectKey) -> Object | None:
    try:
        return connection.get(key)
    except NoNamespace:  # the namespace itself, while there is none
        return None


def _left(connection: Connection, team: str, environment: str, objects: Sequence[Object]) -> Iterator[Object]:
    """What was made for the team there, and is not declared any more."""
    wanted: set[ObjectKey] = {key_of(each) for each in objects}
    labels: Mapping[str, str] = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_COMPONENT: conventions.TEAM_COMPONENT,
        conventions.LABEL_TEAM: team,
        conventions.LABEL_ENVIRONMENT: environment,
    }
    for group, kind in _KINDS:
        try:
            yield from (
                each for each in connection.list(group, kind, labels=labels) if key_of(each) not in wanted
            )
        except KindMissing:
            continue
