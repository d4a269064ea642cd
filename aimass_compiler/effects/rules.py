"""The rules that a change of the served contract is held against, as buf has them for its own."""

from __future__ import annotations

from dataclasses import dataclass

from aimass_compiler.effects.told import Severity

_BREAKING, _POSSIBLY, _COMPATIBLE = Severity.BREAKING, Severity.POSSIBLY, Severity.COMPATIBLE


@dataclass(frozen=True)
class Rule:
    """One way in which a contract changes, and what it does to those who call the model."""

    name: str
    severity: Severity
    summary: str


RULES = {
    rule.name: rule
    for rule in (
        Rule("model-removed", _BREAKING, "it is no longer deployed"),
        Rule("model-renamed", _BREAKING, "its address and its paths carry another name"),
        Rule("task-changed", _BREAKING, "answers are of another kind"),
        Rule("class-removed", _BREAKING, "a class is never answered again"),
        Rule("class-added", _POSSIBLY, "a class is answered that callers do not know"),
        Rule("class-reordered", _BREAKING, "probabilities come in another order"),
        Rule("positive-class-changed", _BREAKING, "the class that metrics call positive is another one"),
        Rule("input-removed", _BREAKING, "requests that name it are refused"),
        Rule("input-ignored", _COMPATIBLE, "it may be sent and changes no answer"),
        Rule("input-added-required", _BREAKING, "requests without it are refused"),
        Rule("input-added-optional", _COMPATIBLE, "requests may name it"),
        Rule("input-type-changed", _BREAKING, "values of the old type are refused"),
        Rule("input-unit-changed", _POSSIBLY, "the same number means something else"),
        Rule("input-min-raised", _BREAKING, "values below it are refused"),
        Rule("input-max-lowered", _BREAKING, "values above it are refused"),
        Rule("input-value-removed", _BREAKING, "requests with this name are refused"),
        Rule("input-values-closed", _BREAKING, "requests with any other name are refused"),
        Rule("input-required", _BREAKING, "requests that leave it out are refused"),
        Rule("input-widened", _COMPATIBLE, "more is accepted than before"),
        Rule("environment-removed", _BREAKING, "it is no longer deployed there"),
        Rule("namespace-changed", _BREAKING, "its address inside the cluster is another one"),
        Rule("port-changed", _BREAKING, "the Service listens elsewhere"),
        Rule("path-removed", _BREAKING, "the route no longer leads there"),
        Rule("host-changed", _BREAKING, "the route has another host, or there is none any more"),
        Rule("body-limit-lowered", _POSSIBLY, "larger requests are answered 413"),
        Rule("timeout-lowered", _POSSIBLY, "slower requests are answered 504"),
        Rule("concurrency-lowered", _POSSIBLY, "more requests at once are answered 503"),
        Rule("objective-loosened", _POSSIBLY, "less is promised than before"),
    )
}
