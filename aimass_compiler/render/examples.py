"""Specs and settings that a target cannot express, beside the nearest that it can."""

from __future__ import annotations

from aimass_compiler.explanations import Example

EXAMPLES = (
    Example(
        "AM400",
        'data: {sources: {customers: {parquet: "s3://lake/customers/*.parquet"}}}',
        "data: {sources: {customers: data/customers.parquet}}",
    ),
    Example("AM411", "serving: {rollout: {surge: 12.5%}}", "serving: {rollout: {surge: 25%}}"),
    Example(
        "AM412",
        "environments: {prod: {serving: {rollout: {canary: [5, 100]}}}}",
        "environments: {prod: {serving: {rollout: {canary: [5, 100]}, gateway: {host: churn.example.com}}}}",
    ),
    Example("AM413", "labels: {team: growth team}\n", "labels: {team: growth-team}\n", "settings"),
    Example(
        "AM414",
        "environments: {dev: {namespace: ML_dev}}\n",
        "environments: {dev: {namespace: ml-dev}}\n",
        "settings",
    ),
    Example(
        "AM415",
        "environments: {dev: {namespace: ml}, prod: {namespace: ml}}\n",
        "environments: {dev: {namespace: ml-dev}, prod: {namespace: ml-prod}}\n",
        "settings",
    ),
    Example(
        "AM416",
        'environments: {prod: {deployer: {group: "system:authenticated"}}}\n',
        'environments: {prod: {deployer: {user: "github:repo:acme/models:environment:prod"}}}\n',
        "settings",
    ),
    Example(
        "AM421",
        "serving: {objectives: {latency: {p99: 60ms}}}",
        "serving: {objectives: {latency: {p99: 100ms}}}",
    ),
    Example(
        "AM422", "serving: {objectives: {availability: 100%}}", "serving: {objectives: {availability: 99.9%}}"
    ),
    Example(
        "AM423", "serving: {objectives: {availability: 80%}}", "serving: {objectives: {availability: 99.9%}}"
    ),
    Example(
        "AM424",
        "prometheus: {retention: 1d}\n",
        "prometheus: {retention: 15d}\n",
        "settings",
    ),
    Example(
        "AM431", 'images: {python: "Python:3.11"}\n', 'images: {python: "python:3.11-slim"}\n', "settings"
    ),
    Example(
        "AM432", 'images: {python: "python:latest"}\n', 'images: {python: "python:3.11-slim"}\n', "settings"
    ),
    Example(
        "AM440",
        f"images: {{digests: {{churn: 'spec-0123456789ab@sha256:{'0' * 64}'}}}}\n",
        "images: {digests: {}}\n",
        "settings",
    ),
    Example(
        "AM441",
        'images: {ray: "rayproject/ray:nightly"}\n',
        'images: {ray: "rayproject/ray:2.55.1-py311"}\n',
        "settings",
    ),
    Example("AM444", "environments: {prod: {training: {seed: 7}}}", "training: {seed: 7}"),
    Example("AM445", "monitoring: {retrain: {on: drift}}", "monitoring: {retrain: {on: null}}"),
    Example("AM446", "queue: ml queue\n", "queue: ml-queue\n", "settings"),
    Example("AM447", "model: mlp\ntraining: {gpus: 1}", "model: mlp\ntraining: {gpus: 0}"),
    Example(
        "AM448",
        'monitoring: {retrain: {schedule: "0 3 * * 1"}}',
        "monitoring: {retrain: {schedule: null}}",
    ),
)
