"""The work that everybody gets: model services whose values differ, always the same ones."""

from __future__ import annotations

import random
from dataclasses import dataclass

ENVIRONMENTS = ("dev", "staging", "prod")
OBJECTS_PER_ENVIRONMENT = 10

_SUBJECTS = (
    "churn",
    "fraud",
    "demand",
    "default",
    "upsell",
    "return",
    "lifetime",
    "abuse",
    "outage",
    "intent",
)
_MARKETS = ("de", "fr", "it", "es", "pl", "nl", "uk", "us", "br", "jp")
_LINES = ("basic", "plus", "pro", "team", "retail", "travel", "energy", "mobile", "credit", "health")
_NUMBERS = (
    "tenure", "charges", "minutes", "visits", "orders", "refunds", "balance", "income",
    "distance", "duration", "messages", "logins", "discount", "rating", "complaints", "age_of_account",
)  # fmt: skip
_CATEGORIES = ("plan", "region", "channel", "device", "segment", "payment")


@dataclass(frozen=True)
class Sizing:
    """What a service gets in one environment: the CPU in thousandths of a core, the memory in MiB."""

    replicas_min: int
    replicas_max: int
    cpu: int
    memory: int


@dataclass(frozen=True)
class Service:
    """One model that serves, in the terms that every tool's input is written from."""

    name: str
    owner: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    sizing: dict[str, Sizing]
    busy_percent: int
    concurrency: int
    timeout_seconds: int
    body_kibibytes: int
    prediction_sample: str
    availability_percent: str
    latency_milliseconds: int
    drift_warn: str
    drift_page: str
    drift_hours: int

    def values(self) -> dict[str, object]:
        """What the Kubernetes objects of all environments have in common, as a peer's parameters."""
        return {
            "name": self.name,
            "owner": self.owner,
            "registry": "registry.example.com/ml",
            "tag": "1.0.0",
            "busyPercent": self.busy_percent,
            "concurrency": self.concurrency,
            "timeoutSeconds": self.timeout_seconds,
            "bodyBytes": self.body_kibibytes * 1024,
            "predictionSample": self.prediction_sample,
            "availabilityPercent": self.availability_percent,
            "latencySeconds": self.latency_milliseconds / 1000,
            "driftWarn": float(self.drift_warn),
            "driftPage": float(self.drift_page),
            "driftHours": self.drift_hours,
        }

    def values_in(self, environment: str) -> dict[str, object]:
        """What only one environment says of this model."""
        sizing = self.sizing[environment]
        return {
            "replicas": {"min": sizing.replicas_min, "max": sizing.replicas_max},
            "resources": {"cpu": f"{sizing.cpu}m", "memory": f"{sizing.memory}Mi"},
        }


def place(environment: str) -> dict[str, str]:
    """What an environment says of every model."""
    return {"environment": environment, "namespace": f"ml-{environment}"}


def services(count: int) -> list[Service]:
    """The first `count` services; each is the same one whatever the count."""
    return [_service(number) for number in range(count)]


def changed(service: Service) -> Service:
    """The service after a small change: one more server at most in production."""
    prod = service.sizing["prod"]
    more = Sizing(prod.replicas_min, prod.replicas_max + 1, prod.cpu, prod.memory)
    return Service(**{**vars(service), "sizing": {**service.sizing, "prod": more}})


def _service(number: int) -> Service:
    chance = random.Random(number)  # noqa: S311  # the same services in every run, not secrets
    subject, market, line = (
        names[number // 10**place % 10] for place, names in enumerate((_SUBJECTS, _MARKETS, _LINES))
    )
    series = number // 1000
    cpu, memory, fewest = (
        chance.choice((250, 500, 1000)),
        chance.choice((256, 512, 768)),
        chance.randint(2, 4),
    )
    return Service(
        name=f"{subject}-{market}-{line}" + (f"-{series}" if series else ""),
        owner=f"{line}-{market}@example.com",
        numbers=tuple(chance.sample(_NUMBERS, chance.randint(6, 12))),
        categories=tuple(chance.sample(_CATEGORIES, chance.randint(2, 4))),
        sizing={
            "dev": Sizing(2, 3, 100, memory),
            "staging": Sizing(fewest, fewest * 2, cpu, memory),
            "prod": Sizing(fewest + 1, fewest * chance.randint(4, 6), cpu * 2, memory * 2),
        },
        busy_percent=chance.choice((60, 65, 70, 75)),
        concurrency=chance.choice((32, 48, 64, 128)),
        timeout_seconds=chance.randint(1, 5),
        body_kibibytes=chance.choice((256, 512, 768, 1024)),
        prediction_sample=chance.choice(("0.01", "0.05", "0.1")),
        availability_percent=chance.choice(("99.5", "99.9", "99.95")),
        latency_milliseconds=chance.choice((50, 100, 250, 500)),
        drift_warn=chance.choice(("0.08", "0.1", "0.12")),
        drift_page=chance.choice(("0.2", "0.25", "0.3")),
        drift_hours=chance.choice((1, 2, 6)),
    )
