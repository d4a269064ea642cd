"""How many servers run by requests, by hours, and whether anybody asks."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render import render
from aimass_compiler.render.serving import objects as serving_objects
from render.files import objects, one, patches
from render.models import HOURS, language_model, pipeline

GATEWAY = {"host": "churn.example.com"}


def scaled(replicas: dict[str, Any], **serving: Any) -> dict[str, dict[str, Any]]:
    """The objects of prod by their kinds."""
    return by_kind(pipeline({"serving": {"replicas": replicas, **serving}}, overrides={"prod": {}}))


def by_kind(model: Pipeline) -> dict[str, dict[str, Any]]:
    return {each["kind"]: dict(each) for each in serving_objects(model, "prod")}


def triggers(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in found["ScaledObject"]["spec"]["triggers"]}


def test_requests_in_flight_count_beside_the_cpu() -> None:
    found = scaled({"min": 2, "max": 10, "requests": 24})
    assert "HorizontalPodAutoscaler" not in found
    assert "replicas" not in found["Deployment"]["spec"]
    asked = triggers(found)["requests"]["metadata"]
    assert asked["query"] == 'sum(aimass_requests_in_flight{model="churn",namespace="ml-prod"})'
    assert asked["threshold"] == "24"
    assert triggers(found)["cpu"]["metadata"] == {"value": "70"}
    assert found["ScaledObject"]["spec"]["fallback"]["replicas"] == 2
    assert "idleReplicaCount" not in found["ScaledObject"]["spec"]


def test_hours_are_crons_of_keda() -> None:
    found = scaled({"min": 2, "max": 10, "schedule": [HOURS]})
    assert triggers(found)["hours-1"] == {
        "type": "cron",
        "name": "hours-1",
        "metadata": {
            "timezone": "Europe/Berlin",
            "start": "0 8 * * 1-5",
            "end": "0 18 * * 1-5",
            "desiredReplicas": "6",
        },
    }
    assert "fallback" not in found["ScaledObject"]["spec"], "nothing can fail to answer"


def test_idle_servers_end_and_what_holds_requests_stands_before_them() -> None:
    found = scaled({"min": 1, "max": 1, "idle": {"after": "20m"}}, gateway=GATEWAY)
    spec = found["ScaledObject"]["spec"]
    assert (spec["idleReplicaCount"], spec["minReplicaCount"], spec["cooldownPeriod"]) == (0, 1, 1200)
    assert "replicas" not in found["Deployment"]["spec"], "one server is not always right"
    assert triggers(found)["asked"]["metadata"]["interceptorRoute"] == "churn"
    route = found["InterceptorRoute"]["spec"]
    assert route["target"] == {"service": "churn", "port": 8080}
    assert route["rules"] == [{"hosts": ["churn.example.com"]}]
    assert route["timeouts"] == {"readiness": "120s", "request": "123s"}
    (rule,) = found["HTTPRoute"]["spec"]["rules"]
    assert rule["timeouts"] == {"request": "123s"}
    (backend,) = rule["backendRefs"]
    assert (backend["name"], backend["namespace"]) == ("keda-add-ons-http-interceptor-proxy", "keda")
    (allowed,) = found["NetworkPolicy"]["spec"]["ingress"]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}} in allowed["from"]


def test_nobody_is_called_because_no_server_runs_where_none_may() -> None:
    quiet = {"serving": {"replicas": {"idle": {}}, "gateway": GATEWAY}}
    files = render(pipeline(overrides={"dev": quiet, "prod": {}}))
    named = {
        environment: {
            rule["alert"]
            for each in objects(files, f"overlays/{environment}")
            if each["kind"] == "PrometheusRule"
            for group in each["spec"]["groups"]
            for rule in group["rules"]
            if "alert" in rule
        }
        for environment in ("dev", "prod")
    }
    assert "ModelAbsent" in named["prod"]
    assert "ModelAbsent" not in named["dev"]
    assert ("HorizontalPodAutoscaler", "churn") in patches(files, "dev"), "KEDA has one of its own"


def test_a_language_model_has_its_queue_beside() -> None:
    model = language_model({"replicas": {"min": 1, "max": 4, "requests": 12, "schedule": [HOURS]}})
    found = triggers(by_kind(model))
    assert list(found) == ["waiting", "cache", "requests", "hours-1"]
    assert found["requests"]["metadata"]["query"].count("sum(") == 2


def test_what_nobody_wrote_is_as_before() -> None:
    found = scaled({"min": 2, "max": 10})
    assert "ScaledObject" not in found
    assert one(render(pipeline()), "base", "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2


@pytest.mark.parametrize("key", ["start", "end"])
def test_a_schedule_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is not a schedule"):
        pipeline({"serving": {"replicas": {"schedule": [{**HOURS, key: "8 o'clock"}]}}})
