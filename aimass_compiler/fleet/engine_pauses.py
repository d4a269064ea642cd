"""How an engine is kept from one model, and let go on: the commands, for people who are in a hurry."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aimass_compiler.fleet import argocd, flux
from aimass_compiler.pipeline.gitops import Engine
from aimass_compiler.pipeline.settings import Settings

#: Of each engine, the object to patch, its namespace, and the part of its `spec`.
_PAUSING: Mapping[Engine, Callable[[Settings, str, str, str, bool], tuple[str, str, dict[str, Any]]]] = {
    argocd.ENGINE: argocd.pausing,
    flux.ENGINE: flux.pausing,
}


def pause_command(settings: Settings, model: str, environment: str, namespace: str) -> str:
    """The command that keeps the environment's engine from a model, by its path."""
    return _command(settings, model, environment, namespace, is_paused=True)


def resume_command(settings: Settings, model: str, environment: str, namespace: str) -> str:
    """The command that lets it go on."""
    return _command(settings, model, environment, namespace, is_paused=False)


def _command(settings: Settings, model: str, environment: str, namespace: str, *, is_paused: bool) -> str:
    pausing = _PAUSING[settings.engine_of(environment)]
    patched, place, spec = pausing(settings, model, environment, namespace, is_paused)
    written = json.dumps({"spec": spec}, separators=(",", ":"))
    return f"kubectl patch {patched} -n {place} --type=merge -p '{written}'"
