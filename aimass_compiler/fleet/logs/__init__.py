"""What brings records of predictions to their store, once for each cluster: a collector, and a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.logs.collector import collector_configuration, daemon_set
from aimass_compiler.fleet.logs.table_job import tables_cron_job
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.model_path import name_of
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.record_store import RecordStore
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.emit import block, blocks, emit_json, header_of
from aimass_compiler.render.names import component_label, kustomization, own_labels

NAME = "aimass-records"
_OBJECTS_FILE, _CONFIGURATION_FILE, _RETENTION_FILE = "records.yaml", "collector.yaml", "retention.json"
#: A collector reads what the kubelet keeps on the node, which no other standard lets a pod do.
_SECURITY = {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("enforce", "audit", "warn")}


def _is_wanted(organisation: Organisation) -> bool:
    """Whether records have a store."""
    return organisation.settings.logs is not None


def _render(fleet: Fleet) -> Mapping[str, bytes]:
    settings = fleet.organisation.settings
    assert settings.logs is not None  # noqa: S101  # it is wanted
    head = header_of(conventions.SETTINGS_FILE)
    return {
        "kustomization.yaml": (head + block(_kustomization(settings, settings.logs))).encode(),
        _CONFIGURATION_FILE: (head + block(collector_configuration(settings.logs))).encode(),
        _OBJECTS_FILE: (head + blocks(_objects(settings, settings.logs))).encode(),
        _RETENTION_FILE: emit_json(_retention(fleet)),
    }


def _objects(settings: Settings, logs: RecordStore) -> list[dict[str, Any]]:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": logs.namespace, "labels": _SECURITY}},
        account | {"automountServiceAccountToken": False},
        daemon_set(NAME, logs),
        tables_cron_job(NAME, logs, settings),
    ]


def _kustomization(settings: Settings, logs: RecordStore) -> dict[str, Any]:
    ours = {conventions.LABEL_NAME: NAME, conventions.LABEL_MANAGED_BY: conventions.MANAGER}
    labels = dict(own_labels(settings)) | ours | component_label("records")
    generators = [
        {"name": f"{NAME}-{file.partition('.')[0]}", "files": [file]}
        for file in (_CONFIGURATION_FILE, _RETENTION_FILE)
    ]
    return kustomization(
        (
            ("namespace", logs.namespace),
            ("resources", [_OBJECTS_FILE]),
            ("labels", [{"pairs": labels}]),
            ("configMapGenerator", generators),
        )
    )


def _retention(fleet: Fleet) -> dict[str, int]:
    """How many days the records of each model are kept, where its spec says it; the longest of those of a
    name. One with the name of its namespace is of that environment alone."""
    found: dict[str, int] = {}
    for path, model in fleet.models.items():
        if model.record_days is not None:
            found[name_of(path)] = max(model.record_days, found.get(name_of(path), 0))
        for here in model.environments.values():
            if here.record_days is not None:
                key = f"{here.namespace}/{name_of(path)}"
                found[key] = max(here.record_days, found.get(key, 0))
    return found


PART = FleetPart(is_wanted=_is_wanted, render=_render, applied="")
