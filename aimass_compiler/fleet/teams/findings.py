"""What a team's models ask for together, held against its quota and its budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Bytes, Cores
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.servers.place import ServerPlace, places
from aimass_compiler.fleet.teams.team_namespace import TeamNamespace, namespaces
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.settings import Prices
from aimass_compiler.render.facts import Resolved, Servers

EXPLANATIONS = (
    Explanation(
        "AM318",
        "a team's models cost more than its budget",
        "`budget` in `teams/NAME.yaml` says what a team's models may use in a month of 730 hours. The "
        "servers of all environments, shared ones among them, count with what they ask for, at `prices` of "
        "aimass.yaml and `hourly` of accelerators, and one training of each model whose spec bounds its "
        "time by `search.time`. More with the fewest servers is an error, with the most a warning. Ask for "
        "less, or raise the budget.",
    ),
    Explanation(
        "AM319",
        "a team's models ask for more than its quota",
        "`quota` in `teams/NAME.yaml` is what all pods of a namespace may ask for together. The API server "
        "refuses pods beyond it, so servers would be missing. More with the fewest servers, and with the "
        "largest training job in the first environment, is an error; more with the most a warning, because "
        "it shows under load only. Ask for less, or raise the quota.",
    ),
    Explanation(
        "AM528",
        "a training job asks for more than its queue has",
        "`queue.quota` in `teams/NAME.yaml` is the nominal quota of the ClusterQueue, which Kueue shares "
        "among all jobs. It admits a job as a whole: one that asks for more waits for ever, unless the queue "
        "may borrow from others of its cohort. Let fewer trials run at once, or let each ask for less.",
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
    Example(
        "AM528",
        "`queue: {cluster_queue: research, quota: {cpu: 2}}`, and the job of a model asks for 3 cores.",
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


class ServerGroup(Struct, frozen=True):
    """Servers that are alike, and how many of them there may be."""

    cpu: float
    """Cores of each."""
    gib: float
    devices: int
    hourly: float | None
    """The price of one device; None where it is the usual one."""
    least: int
    most: int


Groups = Sequence[ServerGroup]


def findings(fleet: Fleet) -> Iterator[Finding]:
    """Quotas and budgets that are too small for what specs ask for."""
    of_team: dict[str, list[Resolved]] = {}
    for path, model in fleet.models.items():
        of_team.setdefault(team_of(path), []).append(model)
    shared: dict[tuple[str, str], list[ServerGroup]] = {}
    for place in places(fleet):
        shared.setdefault((place.team, place.environment), []).append(_shared(place))
    for where in namespaces(fleet.organisation):
        models = of_team.get(where.name, [])
        beside = shared.get((where.name, where.environment), [])
        yield from _beyond_quota(where, models, beside)
        if where.trains:  # once for all environments
            yield from _beyond_queue(where, models)
            of_all = [each for (team, _), groups in shared.items() if team == where.name for each in groups]
            yield from _beyond_budget(where, models, of_all)


def _shared(place: ServerPlace) -> ServerGroup:
    resources, replicas = place.server.resources, place.server.replicas
    cpu, gib = float(resources.cpu.amount), resources.memory.size / _GIB
    return ServerGroup(cpu, gib, 0, None, replicas.min, replicas.max)


def _own(servers: Servers) -> ServerGroup:
    rented = servers.devices
    return ServerGroup(
        float(Cores(servers.cpu).amount),
        float(Bytes(servers.memory).amount) / _GIB,
        0 if rented is None else rented.count,
        None if rented is None else rented.hourly,
        servers.least,
        servers.most,
    )


def _beyond_quota(where: TeamNamespace, models: Sequence[Resolved], shared: Groups) -> Iterator[Finding]:
    quota = where.place.quota
    if quota is None:
        return
    memory = None if quota.memory is None else float(quota.memory.amount) / _GIB
    cores = None if quota.cpu is None else float(quota.cpu.amount)
    limits = {"cpu": cores, "memory": memory, "gpus": quota.gpus, "pods": quota.pods}
    asked = _asked(where, models, shared)
    is_here = where.team.is_of_environment(where.environment, "quota")
    above = ("environments", where.environment, "quota") if is_here else ("quota",)
    for key, limit in limits.items():
        if limit is not None and asked[key].most > limit:
            total = f"{_NOUNS[key]} in {where.environment}"
            yield _beyond("AM319", where, (*above, key), asked[key], float(limit), total)


def _beyond_queue(where: TeamNamespace, models: Sequence[Resolved]) -> Iterator[Finding]:
    """The largest job alone: all others wait for no more than that."""
    queue, jobs = where.place.queue, [model.job for model in models if model.job]
    if queue is None or queue.quota is None or not jobs:
        return
    quota, is_here = queue.quota, where.team.is_of_environment(where.environment, "queue")
    above = ("environments", where.environment, "queue") if is_here else ("queue",)
    cores = None if quota.cpu is None else float(quota.cpu.amount)
    memory = None if quota.memory is None else quota.memory.size / _GIB
    for key, part, limit in (("cpu", "cpu", cores), ("memory", "gib", memory), ("gpus", "gpu", quota.gpus)):
        largest = max(getattr(job, part) for job in jobs)
        if limit is not None and largest > limit:
            asked = f"a training job of team `{where.name}` asks for {largest:,.10g} {_NOUNS[key]}"
            message = f"{asked}, and the queue `{queue.cluster_queue}` has {limit:,.10g}"
            hint = "lower `search.concurrency`, or what each trial asks for"
            path = (*above, "quota", key)
            yield Finding("AM528", path, message, help=hint, severity=Severity.WARNING, file=where.file)


def _asked(where: TeamNamespace, models: Sequence[Resolved], shared: Groups) -> Mapping[str, Range]:
    """What all servers ask for in an environment, and the largest training job where it runs."""
    found = dict.fromkeys(_NOUNS, Range())
    here = (model.environments.get(where.environment) for model in models)
    for group in (*(_own(each.servers) for each in here if each is not None), *shared):
        each = {"cpu": group.cpu, "memory": group.gib, "gpus": group.devices, "pods": 1}
        for key, amount in each.items():
            found[key] = found[key].plus(amount * group.least, amount * group.most)
    jobs = [model.job for model in models if model.job and model.job.environment == where.environment]
    largest = {
        "cpu": max((job.cpu for job in jobs), default=0.0),
        "memory": max((job.gib for job in jobs), default=0.0),
        "gpus": max((job.gpu for job in jobs), default=0.0),
    }
    return found | {key: found[key].plus(amount, amount) for key, amount in largest.items()}


def _beyond_budget(where: TeamNamespace, models: Sequence[Resolved], shared: Groups) -> Iterator[Finding]:
    budget = where.team.budget
    if budget is None:
        return
    prices, money, hours = where.settings.prices or Prices.default(), Range(), Range()
    own = (_own(each.servers) for model in models for each in model.environments.values())
    for group in (*own, *shared):
        cost, held = _month_of(group, prices), group.devices * _MONTH
        money = money.plus(cost * group.least, cost * group.most)
        hours = hours.plus(held * group.least, held * group.most)
    for model in models:
        cost, rented = _training(model, prices)
        money, hours = money.plus(cost, cost), hours.plus(rented, rented)
    for key, limit, asked, noun in (
        ("money", budget.money, money, f"{prices.currency} a month"),
        ("gpu_hours", budget.gpu_hours, hours, "GPU hours a month"),
    ):
        if limit is not None and asked.most > limit:
            yield _beyond("AM318", where, ("budget", key), asked, limit, noun)


def _month_of(group: ServerGroup, prices: Prices) -> float:
    """What one of the servers costs in a month."""
    hour = group.cpu * prices.cpu_hour + group.gib * prices.gib_hour
    return (hour + group.devices * (prices.gpu_hour if group.hourly is None else group.hourly)) * _MONTH


def _training(model: Resolved, prices: Prices) -> tuple[float, float]:
    """What searching once costs, and the hours of accelerators, where its time is bounded."""
    if model.job is None or model.search.seconds is None:
        return 0.0, 0.0
    taken = model.search.seconds / _HOUR * model.search.searches
    job = model.job.cpu * prices.cpu_hour + model.job.gib * prices.gib_hour
    return (job + model.job.gpu * prices.gpu_hour) * taken, model.job.gpu * taken


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
