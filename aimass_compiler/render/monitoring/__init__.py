"""What watches the model: a PodMonitor, and its rules and dashboard, or what the fleet's need to know."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.cached_template import CachedTemplate
from aimass_compiler.render.emit import block, header, json_text
from aimass_compiler.render.monitoring.alerts import AlertContext, watched
from aimass_compiler.render.monitoring.dashboard import (
    BOARD_FILE,
    Board,
    board,
    config_map,
    dashboard,
    identifier,
    own_board,
)
from aimass_compiler.render.monitoring.declaration import declared_annotations
from aimass_compiler.render.monitoring.findings import findings
from aimass_compiler.render.monitoring.rules import prometheus_rule, rule_head
from aimass_compiler.render.names import Labels, component_label, own_labels, serving_selector, wanted_labels
from aimass_compiler.render.object_kind import ObjectKind, Rank
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.pod_monitor import monitored_pods
from aimass_compiler.render.serving.series import text_of
from aimass_compiler.render.target import Layer, Manifest, Rendered, Target

KINDS = tuple(
    ObjectKind(
        kind=kind,
        group="monitoring.coreos.com",
        rank=Rank.OBSERVER,
        operator="the Prometheus operator (https://prometheus-operator.dev)",
    )
    for kind in ("PodMonitor", "PrometheusRule", "ScrapeConfig")
)


_RULES_FILE = "alerts.yaml"
#: What rules only place; the owner comes last, as not every model has one.
_WORDS = ("model", "environment", "namespace", "warn", "page", "rows", "owner")


def render(source: PipelineJson) -> Rendered:
    """Rules name the namespace, so each overlay has its own; a dashboard only where its lines differ."""
    pipeline = source.pipeline
    if pipeline.serving.adapter_of is not None:
        return Rendered()  # the servers are those of another model, which are watched as its own
    if pipeline.settings.monitoring.is_of_fleet:
        return _of_fleet(pipeline)
    common = board(pipeline)
    base = Layer(
        objects=_monitors(pipeline, pipeline.serving),
        config_maps=[config_map(common)],
        files={BOARD_FILE: _board_file(common)},
    )
    return Rendered(base=base, overlays={name: _overlay(pipeline, name) for name in pipeline.environments})


def _monitors(pipeline: Pipeline, serving: Serving) -> list[dict[str, Any]]:
    """What scrapes the servers; those that it shares have their own."""
    return [] if serving.shared is not None else [pod_monitor(pipeline)]


def _own_monitors(pipeline: Pipeline, name: str) -> list[dict[str, Any]] | None:
    """The same of an environment; None where it is as for all."""
    here = _monitors(pipeline, pipeline.environments[name].serving)
    return None if here == _monitors(pipeline, pipeline.serving) else here


def pod_monitor(pipeline: Pipeline) -> dict[str, Any]:
    """Scrapes each server twice a minute, once however many Services show it.

    The operator's selector wants the organisation's labels. Servers of text that are not ours do not know
    what the model is called here, so all their series are listed.
    """
    named = [{"targetLabel": "model", "replacement": pipeline.name}]
    every = (pipeline.serving, *(each.serving for each in pipeline.environments.values()))
    is_of_text = any(text_of(serving) is not None for serving in every)
    labels = dict(wanted_labels(pipeline.settings)) | component_label(conventions.COMPONENT_MONITORING)
    relabelled = {"relabelings": named} if is_of_text else {}
    return monitored_pods(pipeline.name, labels, serving_selector(pipeline.name), relabelled)


def _overlay(pipeline: Pipeline, name: str) -> Layer:
    labels = wanted_labels(pipeline.settings), own_labels(pipeline.settings)
    rules = _rules(watched(pipeline.metadata, name, pipeline.environments[name]), *labels)
    manifest = Manifest(rule_head(pipeline.name), (header(pipeline.path) + rules).encode())
    own = own_board(pipeline, name)
    return Layer(
        objects=_own_monitors(pipeline, name),
        manifests={_RULES_FILE: manifest},
        config_maps=[] if own is None else [config_map(own)],
        files={} if own is None else {BOARD_FILE: _board_file(own)},
    )


def _of_fleet(pipeline: Pipeline) -> Rendered:
    """What the fleet's rules need to know; the base says it as the first environment does."""
    layers = {name: _declared(pipeline, name) for name in pipeline.environments}
    base = next(iter(layers.values()), Layer())
    overlays = {name: Layer() if layer == base else layer for name, layer in layers.items()}
    return Rendered(base=base, overlays=overlays)


def _declared(pipeline: Pipeline, name: str) -> Layer:
    monitors = _monitors(pipeline, pipeline.environments[name].serving)
    return Layer(objects=monitors, notes={pipeline.name: declared_annotations(pipeline, name)})


def _rules(here: AlertContext, wanted: Labels, own: Labels) -> str:
    words = {name: word for name in _WORDS if (word := getattr(here, name))}
    return _RULES(tuple(words.values()), replace(here, **dict.fromkeys(words, "")), wanted, own)


def _board_file(shown: Board) -> bytes:
    return _BOARD((shown.model, identifier(shown)), replace(shown, model="")).encode()


def _built_rules(*parts: Any) -> str:
    *words, here, wanted, own = parts
    named = dict(zip(_WORDS, words, strict=False))  # a model without an owner has one word less
    return block(prometheus_rule(replace(here, **named), wanted, own))


def _built_board(model: str, identifier: str, shown: Board) -> str:
    return json_text(dashboard(replace(shown, model=model), identifier))


_RULES, _BOARD = CachedTemplate(_built_rules), CachedTemplate(_built_board)
TARGET = Target(render=render, findings=findings, kinds=KINDS)
