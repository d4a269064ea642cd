"""Pipelines made by hand, as the front end would lower them."""

from __future__ import annotations

import copy
from typing import Any

from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.models.language_model import LanguageModel
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.pipeline.language_defaults import generating
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.settings import Settings

_LATENCY = {"p99": "50ms"}
CHURN: dict[str, Any] = {
    "metadata": {"name": "churn", "owner": "growth@example.com", "description": "Which customers leave."},
    "data": {
        "sources": {"customers": "s3://lake/customers.csv"},
        "columns": {"tenure": "number", "plan": "category", "churned": "category"},
    },
    "task": {"kind": "classification", "target": "churned", "classes": ["no", "yes"]},
    "features": [{"standardize": "tenure"}, {"one_hot": "plan"}],
    "model": "xgboost",
    "objective": {"metric": "roc_auc"},
    "search": {"trials": 20, "concurrency": 2, "time": "30m"},
    "training": {},
    "evaluation": {},
    "serving": {
        "replicas": {"min": 2, "max": 10},
        "resources": {"cpu": "500m", "memory": "512Mi"},
        "objectives": {"availability": "99.9%", "latency": _LATENCY},
    },
    "monitoring": {"retrain": {"schedule": "0 3 * * 1"}, "runbook": "https://wiki.example.com/churn"},
}
OVERRIDES: dict[str, Any] = {
    "dev": {"serving": {"replicas": {"min": 1, "max": 1}, "resources": {"memory": "256Mi"}}},
    "staging": {},
    "prod": {"serving": {"replicas": {"min": 3, "max": 20}, "limits": {"concurrency": 128}}},
}


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` over `below`, mapping by mapping."""
    result = copy.deepcopy(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def pipeline(
    changes: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    overrides: dict[str, Any] | None = None,
) -> Pipeline:
    """The churn model with changes, its environments derived as the front end does."""
    document = merged(CHURN, changes or {})
    chosen = Settings.model_validate(settings or {})
    document["settings"] = chosen
    document["environments"] = {
        name: {
            "namespace": chosen.environments[name].namespace or f"ml-{name}",
            "image_registry": chosen.images.registry,
            **{
                part: merged(document[part], (overrides or OVERRIDES).get(name, {}).get(part, {}))
                for part in ("serving", "monitoring", "training")
            },
            "scoring": (overrides or OVERRIDES).get(name, {}).get("scoring", document.get("scoring")),
        }
        for name in chosen.environments
    }
    made = Pipeline.model_validate(document)
    environments = {
        name: here.model_copy(update={"monitoring": here.monitoring.with_limits()})
        for name, here in made.environments.items()
    }
    limits = {"monitoring": made.monitoring.with_limits(), "environments": environments}
    return made.model_copy(update=limits)


#: More servers in some hours.
HOURS: dict[str, Any] = {
    "start": "0 8 * * 1-5",
    "end": "0 18 * * 1-5",
    "servers": 6,
    "timezone": "Europe/Berlin",
}
#: What an environment says of pods, all of it.
PODS: dict[str, Any] = {
    "nodes": {"pool": "models", "topology.kubernetes.io/zone": ["a", "b"]},
    "tolerations": ["dedicated=models:NoSchedule", "maintenance"],
    "priority_class": "models",
    "pull_secrets": ["registry-login"],
    "storage_class": "shared-files",
    "identity": {
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/models"},
        "labels": {"azure.workload.identity/use": "true"},
    },
    "serving": {"priority_class": "answers"},
    "training": {"nodes": {"pool": "training"}, "spot": "gke"},
}

#: What an accelerator is, as aimass.yaml says it.
GPU = {"name": "nvidia-l4", "memory": "24Gi", "count": 2}


def language_model(
    serving: dict[str, Any] | None = None,
    accelerators: dict[str, dict[str, Any]] | None = None,
    overrides: dict[str, Any] | None = None,
) -> Pipeline:
    """A model of language as the front end lowers its serving; accelerators by environment."""
    built = pipeline(
        {"serving": {"objectives": {"latency": {"p99": None}}, **(serving or {})}},
        None,
        overrides or {"dev": {}},
    )
    devices = {name: Accelerator.model_validate(each) for name, each in (accelerators or {}).items()}
    environments = {
        name: each.model_copy(
            update={"serving": _generating(each.serving, devices.get(name)), "accelerator": devices.get(name)}
        )
        for name, each in built.environments.items()
    }
    return built.model_copy(
        update={"serving": _generating(built.serving, None), "environments": environments}
    )


def _generating(serving: Serving, device: Accelerator | None) -> Serving:
    base = {"path": "models/base"}
    conversation = Conversation.model_validate({"base": base, "columns": ["prompt"], "sequence_length": 512})
    return generating(serving, conversation, [LanguageModel.model_validate({"base": base})], device)


#: One that serves two adapters beside itself, and one of these.
WITH_ADAPTERS = language_model(
    {
        "engine": "vllm",
        "adapters": {"models": ["tone", "billing"], "rank": 20},
        "replicas": {"min": 1, "max": 1},
    }
)
ADAPTER = language_model({"engine": "vllm", "adapter_of": "tickets", "gateway": {"host": "tone.example.com"}})

#: Text that would break out of YAML, PromQL, Dockerfiles, templates or shells if anything let it.
HOSTILE = (
    "quotes \" ' ` and \\ at the end \\",
    "two\nlines: [a, b]\n- c\n--- \n# no comment",
    "{{ $labels.x }} {{`x`}} {% raw %} ${HOME} $(id) %{x}",
    "& * ! | > @ ? : , [] {} <script>alert(1)</script>",
    "ünïcödé 漢字 \u2028 \u0085 \u00a0 \ufeff 🚀",
    "\x00\x07\x1b[31m\x7f",
    "RUN evil\nUSER 0",
    "null",
    "0x1F",
)
_GATEWAY = {"host": "churn.example.com"}
#: Callers of every kind, each with a limit.
CALLERS: dict[str, Any] = {
    "keys": "churn-callers",
    "issuers": {
        "login": {
            "url": "https://login.example.com/",
            "audience": "churn",
            "keys": "https://login.example.com/jwks",
        }
    },
    "callers": {
        "shop": {"rate": {"requests": "50/s", "burst": 100}, "quota": {"requests": 100_000}},
        "support": {"token": {"claims": {"azp": "support"}}, "rate": {"requests": "600/m"}},
        "scorer": {"certificate": "spiffe://example.com/ns/batch/sa/scorer", "rate": {"rows": "5000/s"}},
    },
}
_CANARY = {"canary": [5, 25, 100]}
_ONE = {"min": 1, "max": 1}
#: Pipelines that differ in what is rendered for Kubernetes.
VARIED: dict[str, Pipeline] = {
    "plain": pipeline(),
    "no-overrides": pipeline(overrides={"dev": {}}),
    "one-environment": pipeline(settings={"environments": {"live": {"namespace": "models"}}}),
    "fixed-replicas": pipeline(
        {"serving": {"replicas": {"min": 3, "max": 3}}},
        overrides={"prod": {"serving": {"replicas": {"max": 9}}}},
    ),
    "canary": pipeline({"serving": {"rollout": _CANARY, "gateway": _GATEWAY}}),
    "canary-without-gateway": pipeline({"serving": {"rollout": _CANARY, "replicas": {"max": 2}}}),
    "canary-not-in-dev": pipeline(
        {"serving": {"rollout": _CANARY, "gateway": _GATEWAY}},
        overrides={"dev": {"serving": {"rollout": {"canary": []}, "gateway": None, "replicas": _ONE}}},
    ),
    "canary-in-prod": pipeline(overrides={"prod": {"serving": {"rollout": _CANARY, "gateway": _GATEWAY}}}),
    "route-in-prod": pipeline(
        overrides={
            "prod": {"serving": {"gateway": {**_GATEWAY, "namespace": "edge"}, "limits": {"timeout": "2m"}}}
        }
    ),
    "mounted-in-prod": pipeline(overrides={"prod": {"serving": {"model": "volume"}}}),
    "mounted-but-in-dev": pipeline(
        {"serving": {"model": "volume", "rollout": _CANARY}},
        overrides={"dev": {"serving": {"model": "image"}}},
    ),
    "cluster": pipeline(
        {"training": {"gpus": 2, "resources": {"cpu": 1.5, "memory": "16Gi"}}, "search": {"concurrency": 8}},
        settings={"queue": "ml", "labels": {"example.com/team": "growth", "cost-centre": ""}},
    ),
    "kubeflow": pipeline(
        {
            "training": {"target": "kubeflow", "gpus": 2, "resources": {"cpu": 1.5, "memory": "16Gi"}},
            "model": {"xgboost": {"max_depth": {"uniform": [3, 9]}}},
        },
        settings={
            "queue": "ml",
            "pipeline": {"target": "kubeflow"},
            "environments": {
                "dev": {"pods": PODS, "store": "s3://models/dvc", "secrets": ["object-store"]},
                "prod": {},
            },
        },
    ),
    "placed": pipeline(
        settings={"environments": {"dev": {"pods": PODS}, "prod": {"pods": PODS}}, "queue": "ml"},
    ),
    "by-events": pipeline(
        overrides={"prod": {"serving": {"replicas": {"requests": 24, "schedule": [HOURS]}}}},
    ),
    "language-on-cpus": language_model(),
    "language-on-gpus": language_model(
        {"objectives": {"first_token": {"p95": "800ms"}, "token": {"p95": "60ms"}}, "gateway": _GATEWAY},
        {"prod": GPU, "staging": {**GPU, "device_class": "gpu.nvidia.com"}},
    ),
    "language-with-picker": language_model(
        {
            "engine": "vllm",
            "gateway": {**_GATEWAY, "endpoint_picker": {"name": "churn-epp"}},
            "vllm": {"api_key": "churn-callers", "eager": True, "quantization": "fp8", "cache_dtype": "fp8"},
        },
        {"prod": {**GPU, "label": "cloud.google.com/gke-accelerator"}},
    ),
    "language-on-nodes": language_model(
        {"engine": "vllm", "nodes": 2, "replicas": {"min": 1, "max": 3}}, {"prod": GPU}
    ),
    "language-by-kserve": language_model(
        {"engine": "vllm", "target": "kserve", "gateway": _GATEWAY, "replicas": {"min": 2, "max": 2}},
        {"prod": GPU},
    ),
    "language-canary": language_model({"rollout": _CANARY, "gateway": _GATEWAY}, {"prod": GPU}),
    "rows-by-kserve": pipeline(
        {"serving": {"target": "kserve", "gateway": _GATEWAY, "model": "volume", "grpc": True}},
        overrides={
            "dev": {"serving": {"replicas": _ONE, "resources": {"cpu": "3"}, "model": "image"}},
            "staging": {"serving": {"target": "kubernetes"}},
            "prod": {"serving": {"replicas": {"min": 3, "max": 20}}},
        },
    ),
    "callers": pipeline(
        {"serving": {"gateway": {**_GATEWAY, "retries": 2}, "access": CALLERS}},
        overrides={"prod": {"serving": {"access": {**CALLERS, "keys": "other-callers"}}}},
        settings={
            "environments": {
                "dev": {},
                "staging": {"gateway": {"implementation": "istio"}},
                "prod": {"gateway": {"implementation": "envoy-gateway", "credential": "gateway-credential"}},
            }
        },
    ),
    "no-retraining": pipeline({"monitoring": {"retrain": {"schedule": None}, "runbook": None}}),
    "longest-name": pipeline({"metadata": {"name": "a" + "-b" * 19 + "c"}}),
    "hostile-text": pipeline(
        {
            "metadata": {"owner": HOSTILE[0], "description": "\n".join(HOSTILE)},
            "monitoring": {"runbook": "https://wiki.example.com/?q='$(id)';[a]&b=*!#:@%7B"},
            "task": {"classes": list(HOSTILE[:4])},
        }
    ),
}
