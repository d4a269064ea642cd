"""What a team's models ask for together, held against its quota and its budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Bytes, Cores
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.teams.team_namespace import TeamNamespace, namespaces
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.settings import Prices
from aimass_compiler.render.facts import Resolved

EXPLANATIONS = (
    Explanation(
        "AM318",
        "a team's models cost more than its budget",
        "`budget` in `teams/NAME.yaml` says what a team's models may use in a month of 730 hours. The "
        "servers of all environments count with what they ask for, at `prices` of aimass.yaml and `hourly` "
        "of accelerators, and one training of each model whose spec bounds its time by `search.time`. More "
        "with the fewest servers is an error, with the most a warning. Ask for less, or raise the budget.",
    ),
    Explanation(
        "AM319",
        "a team's models ask for more than its quota",
        "`quota` in `teams/NAME.yaml` is what all pods of a namespace may ask for together. The API server "
        "refuses pods beyond it, so servers would be missing. More with the fewest servers, and with the "
        "largest training job in the first environment, is an error; more with the most a warning, because "
        "it shows under load only. Ask for less, or raise the quota.",
    ),
)
EXAMPLES = (
    Example(
        "AM318",
        "`teams/growth.yaml` has `budget: {money: 100}`, and the servers of its models cost 240 a month.",
        "It has `budget: {money: 1000}`.",
        "situation",
    ),
    Example(
        "AM319",
        "`teams/growth.yaml` has `quota: {cpu: 2}`, and the servers of its models ask for 3 cores in prod.",
        "It has `quota: {cpu: 20}`.",
        "situation",
    ),
)
#: A year has 8,760 hours; clouds bill a twelfth of them as a month.
_MONTH = 730
_HOUR = 3600
_GIB = 2**30
#: What quotas count, what people call it, and how an amount is shown.
_NOUNS = {"cpu": "cores", "memory": "GiB of memory", "gpus": "GPUs", "pods": "pods"}


class Range(Struct, frozen=True):
    """Something with the fewest servers, and with the most."""

    least: float = 0.0
    most: float = 0.0

    def plus(self, least: float, most: float) -> Range:
        return Range(self.least + least, self.most + most)


def findings(fleet: Fleet) -> Iterator[Finding]:
    """Quotas and budgets that are too small for what specs ask for."""
    of_team: dict[str, list[Resolved]] = {}
    for path, model in fleet.models.items():
        of_team.setdefault(team_of(path), []).append(model)
    for where in namespaces(fleet.organisation):
        models = of_team.get(where.name, [])
        yield from _beyond_quota(where, models)
        if where.trains:  # once for all environments
            yield from _beyond_budget(where, models)


def _beyond_quota(where: TeamNamespace, models: Sequence[Resolved]) -> Iterator[Finding]:
    quota = where.place.quota
    if quota is None:
        return
    memory = None if quota.memory is None else float(quota.memory.amount) / _GIB
    cores = None if quota.cpu is None else float(quota.cpu.amount)
    limits = {"cpu": cores, "memory": memory, "gpus": quota.gpus, "pods": quota.pods}
    asked = _asked(where, models)
    is_here = where.team.is_of_environment(where.environment, "quota")
    above = ("environments", where.environment, "quota") if is_here else ("quota",)
    for key, limit in limits.items():
        if limit is not None and asked[key].most > limit:
            total = f"{_NOUNS[key]} in {where.environment}"
            yield _beyond("AM319", where, (*above, key), asked[key], float(limit), total)


def _asked(where: TeamNamespace, models: Sequence[Resolved]) -> Mapping[str, Range]:
    """What all servers ask for in an environment, and the largest training job where it runs."""
    found = dict.fromkeys(_NOUNS, Range())
    here = (model.environments.get(where.environment) for model in models)
    for servers in (each.servers for each in here if each is not None):
        devices = 0 if servers.devices is None else servers.devices.count
        memory = float(Bytes(servers.memory).amount) / _GIB
        each = {"cpu": float(Cores(servers.cpu).amount), "memory": memory, "gpus": devices, "pods": 1}
        for key, amount in each.items():
            found[key] = found[key].plus(amount * servers.least, amount * servers.most)
    jobs = [model.job for model in models if model.job and model.job.environment == where.environment]
    largest = {
        "cpu": max((job.cpu for job in jobs), default=0.0),
        "memory": max((job.gib for job in jobs), default=0.0),
        "gpus": max((job.gpu for job in jobs), default=0.0),
    }
    return found | {key: found[key].plus(amount, amount) for key, amount in largest.items()}


def _beyond_budget(where: TeamNamespace, models: Sequence[Resolved]) -> Iterator[Finding]:
    budget = where.team.budget
    if budget is None:
        return
    money, hours = Range(), Range()
    for model in models:
        cost, gpus = _month_of(model, where.settings.prices or Prices.default())
        money, hours = money.plus(cost.least, cost.most), hours.plus(gpus.least, gpus.most)
    currency = (where.settings.prices or Prices.default()).currency
    for key, limit, asked, noun in (
        ("money", budget.money, money, f"{currency} a month"),
        ("gpu_hours", budget.gpu_hours, hours, "GPU hours a month"),
    ):
        if limit is not None and asked.most > limit:
            yield _beyond("AM318", where, ("budget", key), asked, limit, noun)


def _month_of(model: Resolved, prices: Prices) -> tuple[Range, Range]:
    """What a model costs in a month, and the hours of accelerators that it has."""
    money, hours = Range(), Range()
    for environment in model.environments.values():
        servers, rented = environment.servers, environment.servers.devices
        each = float(Cores(servers.cpu).amount) * prices.cpu_hour
        each += float(Bytes(servers.memory).amount) / _GIB * prices.gib_hour
        if rented is not None:
            each += rented.count * (prices.gpu_hour if rented.hourly is None else rented.hourly)
            held = rented.count * _MONTH
            hours = hours.plus(held * servers.least, held * servers.most)
        money = money.plus(each * _MONTH * servers.least, each * _MONTH * servers.most)
    if model.job is not None and model.search.seconds is not None:
        taken = model.search.seconds / _HOUR * model.search.searches
        job = model.job.cpu * prices.cpu_hour + model.job.gib * prices.gib_hour
        cost = (job + model.job.gpu * prices.gpu_hour) * taken
        money, hours = money.plus(cost, cost), hours.plus(model.job.gpu * taken, model.job.gpu * taken)
    return money, hours


def _beyond(
    code: str, where: TeamNamespace, path: tuple[str, ...], asked: Range, limit: float, noun: str
) -> Finding:
    is_error = asked.least > limit
    amount, servers = (asked.least, "fewest") if is_error else (asked.most, "most")
    message = (
        f"the models of team `{where.name}` ask for {amount:,.10g} {noun} with the {servers} servers, "
        f"and may have {limit:,.10g}"
    )
    severity = Severity.ERROR if is_error else Severity.WARNING
    hint = "ask for less in their specs, or raise it"
    file = conventions.TEAM_FILE.format(team=where.name)
    return Finding(code, path, message, help=hint, severity=severity, file=file)
