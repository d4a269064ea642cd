"""How an engine is kept from one model, and let go on: the commands, for people who are in a hurry."""

from __future__ import annotations

import json
from typing import Any

from aimass_compiler.fleet import argocd, flux
from aimass_compiler.pipeline.settings import Settings


def pause_command(settings: Settings, model: str, environment: str, namespace: str) -> str:
    """The command that keeps the environment's engine from a model, by its path."""
    return _command(settings, model, environment, namespace, is_paused=True)


def resume_command(settings: Settings, model: str, environment: str, namespace: str) -> str:
    """The command that lets it go on."""
    return _command(settings, model, environment, namespace, is_paused=False)


def _command(settings: Settings, model: str, environment: str, namespace: str, *, is_paused: bool) -> str:
    if settings.engine_of(environment) == flux.ENGINE:
        return _patch(f"kustomization {flux.kustomization_name(model)}", namespace, {"suspend": is_paused})
    automated = None if is_paused else argocd.AUTOMATED
    name = argocd.application_name(model, environment)
    return _patch(f"application {name}", argocd.place(settings), {"syncPolicy": {"automated": automated}})


def _patch(what: str, namespace: str, spec: dict[str, Any]) -> str:
    written = json.dumps({"spec": spec}, separators=(",", ":"))
    return f"kubectl patch {what} -n {namespace} --type=merge -p '{written}'"
