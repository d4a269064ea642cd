"""The services as aimass-compile's user writes them: one spec per model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.compile.work import Service

_SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata:
  name: {name}
  owner: {owner}
  description: What the customers of {name} will do next.

data:
  sources: {{rows: data/{name}.csv}}
  columns:
    customer_id: id
{columns}
    outcome: {{type: category, values: ["no", "yes"]}}
  clean:
    - drop_duplicates: {{by: customer_id}}
  split: {{by: hash, key: customer_id, train: 0.7, validation: 0.15, test: 0.15}}

target: outcome

features:
  - impute: {{columns: [{imputed}], with: median}}
  - log: {first}
  - standardize: [{numbers}]
  - one_hot: [{categories}]

model:
  logistic_regression:
    l2: {{loguniform: [0.01, 100]}}

objective: {{metric: roc_auc}}

search: {{trials: 20, algorithm: tpe, concurrency: 2, time: 30m}}

evaluation:
  gates:
    - {{metric: roc_auc, min: 0.8}}
    - {{metric: roc_auc, beats: released}}
  slices: [{categories}]

serving:
  replicas: {{min: {replicas_min}, max: {replicas_max}, cpu: {busy}%}}
  resources: {{cpu: {cpu}m, memory: {memory}Mi}}
  objectives: {{availability: {availability}%, latency: {{p99: {latency}ms}}}}
  limits: {{concurrency: {concurrency}, timeout: {timeout}s, body: {body}Ki}}
  logs: {{predictions: {{sample: {sample}}}}}

monitoring:
  drift: {{method: psi, warn: {warn}, page: {page}, window: {window}h}}

environments:
{environments}
"""
_ENVIRONMENT = """\
  {environment}:
    serving:
      replicas: {{min: {sizing.replicas_min}, max: {sizing.replicas_max}}}
      resources: {{cpu: {sizing.cpu}m, memory: {sizing.memory}Mi}}"""


def write_project(root: Path, services: Iterable[Service]) -> None:
    """A project of these models: specs/ and nothing else."""
    (root / "specs").mkdir(parents=True)
    for service in services:
        write_spec(root, service)


def write_spec(root: Path, service: Service) -> None:
    """The spec of one model, in place of an earlier one."""
    (root / "specs" / f"{service.name}.yaml").write_text(spec(service), encoding="utf-8")


def spec(service: Service) -> str:
    """One model's spec. `staging` is as the spec says; the other environments tell their differences."""
    usual = service.sizing["staging"]
    return _SPEC.format(
        name=service.name,
        owner=service.owner,
        columns="\n".join(_columns(service)),
        imputed=", ".join(service.numbers[:3]),
        first=service.numbers[0],
        numbers=", ".join(service.numbers),
        categories=", ".join(service.categories),
        replicas_min=usual.replicas_min,
        replicas_max=usual.replicas_max,
        cpu=usual.cpu,
        memory=usual.memory,
        busy=service.busy_percent,
        availability=service.availability_percent,
        latency=service.latency_milliseconds,
        concurrency=service.concurrency,
        timeout=service.timeout_seconds,
        body=service.body_kibibytes,
        sample=service.prediction_sample,
        warn=service.drift_warn,
        page=service.drift_page,
        window=service.drift_hours,
        environments="\n".join(
            _ENVIRONMENT.format(environment=name, sizing=sizing)
            for name, sizing in service.sizing.items()
            if sizing != usual
        ),
    )


def _columns(service: Service) -> Iterator[str]:
    for place, name in enumerate(service.numbers):
        missing = ", missing: 0.1" if place < 3 else ""
        yield f"    {name}: {{type: number, min: 0{missing}}}"
    for name in service.categories:
        yield f"    {name}: {{type: category, values: [a, b, c, d]}}"
