"""Where Alertmanager sends a team's alerts: an AlertmanagerConfig, which sees those of its namespace alone.

Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1alpha1.AlertmanagerConfig
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler.fleet.teams.team_namespace import TeamNamespace
from aimass_compiler.pipeline.team import Receiver

_TITLE = "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }}: {{ .CommonLabels.model }}"
_TEXT = "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook_url }}\n{{ end }}"


def objects(where: TeamNamespace) -> Iterator[dict[str, Any]]:
    """One configuration, where anybody is to be told."""
    receivers = where.place.alerts or ()
    if receivers:
        yield {
            "apiVersion": "monitoring.coreos.com/v1alpha1",
            "kind": "AlertmanagerConfig",
            "metadata": where.head("team"),
            "spec": {"route": _route(receivers), "receivers": [*_receivers(receivers)]},
        }


def _names(receivers: Sequence[Receiver]) -> list[str]:
    return [f"{receiver.kind}-{place}" for place, receiver in enumerate(receivers, 1)]


def _route(receivers: Sequence[Receiver]) -> dict[str, Any]:
    """Each is told what it asks for; what none asks for goes to the first, so that nothing is lost."""
    names = _names(receivers)
    routes = [
        {"receiver": name, **_matching(receiver), "continue": True}
        for name, receiver in zip(names, receivers, strict=True)
    ]
    return {"receiver": names[0], "groupBy": ["alertname", "model"], "routes": routes}


def _matching(receiver: Receiver) -> dict[str, Any]:
    if receiver.severity is None:
        return {}
    # As an expression, which is anchored: a bare `=` is no string to every reader of YAML 1.1.
    return {"matchers": [{"name": "severity", "matchType": "=~", "value": receiver.severity}]}


def _receivers(receivers: Sequence[Receiver]) -> Iterator[dict[str, Any]]:
    for name, receiver in zip(_names(receivers), receivers, strict=True):
        key, fields = _FORMS[receiver.kind]
        yield {"name": name, key: [{"sendResolved": True, **fields(getattr(receiver, receiver.kind))}]}


def _secret(told: Any) -> dict[str, str]:
    return {"name": told.secret, "key": told.key}


def _slack(told: Any) -> dict[str, Any]:
    channel = {} if told.channel is None else {"channel": told.channel}
    return {"apiURL": _secret(told), **channel, "title": _TITLE, "text": _TEXT}


def _email(told: Any) -> dict[str, Any]:
    login = {} if told.secret is None else {"authPassword": _secret(told)}
    given = {"from": told.sender, "smarthost": told.smarthost, "authUsername": told.username}
    return {"to": told.to, **{key: value for key, value in given.items() if value is not None}, **login}


#: What the operator calls each kind of receiver, and its fields.
_FORMS: Mapping[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "slack": ("slackConfigs", _slack),
    "pagerduty": ("pagerdutyConfigs", lambda told: {"routingKey": _secret(told)}),
    "webhook": ("webhookConfigs", lambda told: {"urlSecret": _secret(told)}),
    "email": ("emailConfigs", _email),
}
