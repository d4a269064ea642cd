"""Every way in which a model can go wrong, one at a time, and the near misses: what must be raised.

Some need days to happen; they are apart, because Prometheus takes longer to live through them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.render.monitoring.alerts import (
    ABSENT,
    BUDGET_BURN,
    DOWN,
    DRIFT,
    FEWEST_BAD_REQUESTS,
    FEWEST_MISSED_REQUESTS,
    IDLE,
    SATURATED,
    SATURATION,
    VIOLATED_SHARE,
    VIOLATIONS,
    Alert,
    AlertContext,
)
from aimass_compiler.render.monitoring.objectives import Indicator
from monitoring.series import (
    ALL,
    ROOM,
    SPARSE,
    VIOLATED,
    Series,
    Story,
    Stretch,
    drift,
    drift_rows,
    exported,
    in_flight,
    recorded,
    room,
    share_of_bad,
    up,
)

_HOUR, _DAY = 60, 24 * 60
#: Just beyond a limit, and just short of it.
_OVER, _UNDER = 1.1, 0.9
_FEW, _TOO_FEW = 1.2, 0.9
#: From the second minute on a counter that grows has a rate.
_RATED = 2


class Scenario(Struct, frozen=True):
    """What happens to one server, and what that raises; the burning of budgets follows from the story."""

    name: str
    story: Story
    raises: tuple[str, ...] = ()
    """Names of alerts, or names and severities: `ModelDrift page`."""
    since: int | None = None
    """From which minute on everything that is raised in the end holds; held back until then."""
    more: Series = field(default_factory=dict)
    """Series of others, or in the place of the server's own."""

    @property
    def minutes(self) -> int:
        return sum(stretch.minutes for stretch in self.story)

    def raised(self, alert: Alert, watched: AlertContext) -> bool:
        """Whether the alert is raised in the end."""
        if alert.name != BUDGET_BURN:
            return alert.name in self.raises or f"{alert.name} {alert.severity}" in self.raises
        (indicator,) = (each for each in watched.indicators if each.name == alert.labels["objective"])
        return _burns(self.story, indicator, alert.severity, watched)


def within_an_hour(watched: AlertContext) -> list[Scenario]:
    """What shows within an hour."""
    return [
        Scenario("all is well", (Stretch(),)),
        Scenario("others are ill", (Stretch(),), more=_neighbours(watched)),
        *_requests_gone_wrong(watched),
        *_drifts(watched),
        *_servers_gone_wrong(watched),
        *_contract_broken(),
    ]


def within_days(watched: AlertContext) -> list[Scenario]:
    """What takes longer to show, or to be over."""
    return [*_budgets_burning(), *_callers_gone(watched)]


def _requests_gone_wrong(watched: AlertContext) -> Iterator[Scenario]:
    yield Scenario("every request fails", (Stretch(failed=ALL),), since=_RATED)
    yield Scenario("every request is slow", (Stretch(slow=ALL),), since=_RATED)
    within = Stretch(failed=_UNDER, refused=VIOLATED_SHARE / 2)
    yield Scenario("requests fail within the budget, and more are refused", (within,))
    yield Scenario("requests are slow within the objective", (Stretch(slow=_UNDER),))
    for told, times, minutes in (("just enough", _FEW, 70), ("too few", _TOO_FEW, 64)):
        few = Stretch(minutes, flow=FEWEST_BAD_REQUESTS * times / _HOUR)
        yield Scenario(f"{told} requests fail where there are few", (replace(few, failed=ALL),))
        yield Scenario(f"{told} requests are slow where there are few", (replace(few, slow=ALL),))
    if watched.budget:
        half = Stretch(
            flow=2 * FEWEST_BAD_REQUESTS * _TOO_FEW / _HOUR, failed=0.5 / watched.budget, refused=0.5
        )
        yield Scenario("too few requests fail, and as many are refused", (half,))


def _drifts(watched: AlertContext) -> Iterator[Scenario]:
    limits = {"page": float(watched.page), "ticket": float(watched.warn)}
    for severity, limit in limits.items():
        for told, index in (("beyond", limit * _OVER), ("short of", limit * _UNDER)):
            raises = tuple(f"{DRIFT} {name}" for name, other in limits.items() if index > other)
            yield Scenario(
                f"drift {told} a {severity}", (Stretch(drift=index),), raises, 0 if raises else None
            )
    much, rows = limits["page"] * _OVER, int(watched.rows)
    yield Scenario("much drift in few rows", (Stretch(drift=much, rows=rows - 1),))
    for told, rows_there, one, mean in (
        ("much drift beside a server with few rows", rows - 1, much, much),
        ("much drift beside a server with many rows", rows, much, much / 2),
        (
            "some drift beside a server with few rows",
            rows - 1,
            limits["ticket"] * _OVER,
            limits["ticket"] * _OVER,
        ),
        ("some drift beside a server with many rows", rows, limits["ticket"] * _OVER, limits["ticket"] / 2),
    ):
        quiet = {drift(watched, "two"): f"0x{_HOUR}", drift_rows(watched, "two"): f"{rows_there}x{_HOUR}"}
        raises = tuple(f"{DRIFT} {name}" for name, limit in limits.items() if mean > limit)
        yield Scenario(told, (Stretch(drift=one),), raises, 0 if raises else None, quiet)


def _servers_gone_wrong(watched: AlertContext) -> Iterator[Scenario]:
    yield Scenario("no server is there, but others are", (), (ABSENT,), 0, _neighbours(watched))
    down = {up(watched, "two"): f"0x{_HOUR}"}
    yield Scenario("one of two servers does not answer", (Stretch(),), (DOWN,), 0, down)
    full = int(ROOM * SATURATION)
    filling = (Stretch(30), Stretch(20, in_flight=full + 1))  # for six minutes, the mean of five is beyond
    yield Scenario("the servers become full", filling, (SATURATED,), 36)
    yield Scenario("the servers are busy", (Stretch(in_flight=full),))
    idle = {in_flight(watched, "two"): f"1x{_HOUR}", room(watched, "two"): f"{ROOM}x{_HOUR}"}
    yield Scenario("one of two servers is full", (Stretch(in_flight=ROOM),), more=idle)
    gone = {in_flight(watched, "two"): f"40x{_HOUR // 2}", room(watched, "two"): f"{ROOM}x{_HOUR // 2}"}
    yield Scenario("one of two servers is gone", (Stretch(in_flight=40),), more=gone)


def _contract_broken() -> Iterator[Scenario]:
    much, little = VIOLATED_SHARE * _OVER, VIOLATED_SHARE * _UNDER
    yield Scenario("many requests break the contract", (Stretch(refused=much),), (VIOLATIONS,), _RATED)
    yield Scenario("few requests break the contract", (Stretch(refused=little),))
    over = (Stretch(30, refused=much), Stretch(30))
    yield Scenario("requests broke the contract, and do no more", over)
    for told, times, raises in (("just enough", _FEW, (VIOLATIONS,)), ("too few", _TOO_FEW, ())):
        few = Stretch(flow=FEWEST_BAD_REQUESTS * times / 15, refused=1)
        yield Scenario(f"{told} requests break the contract where there are few", (few,), raises)


def _budgets_burning() -> Iterator[Scenario]:
    """Each pair of windows of `BURNS`: reached, nearly reached, and over for the shorter one."""
    busy = Stretch(_DAY // 2, flow=24_000)  # so many good requests that only a day shows the bad ones
    for told, *story in (
        ("for an hour, fast", Stretch(360), _bad(80, 20)),
        ("for an hour, less fast", Stretch(360), _bad(80, 12)),
        ("for forty minutes, fast", Stretch(_DAY), _bad(40, 20)),
        ("for an hour, very fast, and no more", busy, _bad(60, 60), Stretch(20)),
        ("for hours, at seven times the pace", Stretch(_DAY), _bad(420, 7)),
        ("for hours, at five times the pace", Stretch(_DAY), _bad(420, 5)),
        ("for hours, at thirteen times the pace, and no more", _bad(360, 13), Stretch(40)),
        ("for a day, at four times the pace", busy, _bad(_DAY + 100, 4)),
        ("for a day, at two and a half times the pace", busy, _bad(_DAY + 100, 2.5)),
        ("for hours, at four times the pace", busy, Stretch(_DAY), _bad(600, 4)),
        ("for a day, at four times the pace, and no more", busy, _bad(_DAY, 4), Stretch(140)),
        ("for hours, a little faster than the budget allows", _bad(420, 1.4)),
        ("for days, a little faster than the budget allows, and no more", _bad(2000, 1.4), Stretch(380)),
    ):
        # What is refused is the callers' fault, and must burn nothing.
        parts = tuple(replace(part, refused=VIOLATED_SHARE / 2) for part in story)
        yield Scenario(f"requests are bad {told}", parts)


def _bad(minutes: int, times: float) -> Stretch:
    return Stretch(minutes, failed=times, slow=times)


def _callers_gone(watched: AlertContext) -> Iterator[Scenario]:
    """Requests that stop are missed where there were enough a day ago."""
    nobody = Stretch(_DAY, flow=0)
    yield Scenario("no one asks a new model", (nobody,))
    yield Scenario("requests have stopped for an hour", (Stretch(_DAY), replace(nobody, minutes=_HOUR)))
    longer = (Stretch(_DAY), replace(nobody, minutes=100))
    yield Scenario("requests have stopped for longer", longer, (IDLE,), _DAY + _HOUR)
    others = {
        name: values for other in _others(watched) for name, values in exported(longer, other, SPARSE).items()
    }
    yield Scenario("requests to others have stopped", (Stretch(_DAY + 100),), more=others)
    yield Scenario("hardly anybody asks any more", (Stretch(_DAY), Stretch(100, flow=0.9 / _HOUR)))
    for told, times, raises in (("just enough", _FEW, (IDLE,)), ("too few", _TOO_FEW, ())):
        flow = FEWEST_MISSED_REQUESTS * times / _HOUR
        yield Scenario(f"{told} requests are missed", (Stretch(2 * _HOUR, flow=flow), nobody), raises)
    fewer = (Stretch(_HOUR), Stretch(_HOUR, flow=5 / _HOUR), nobody)
    yield Scenario("requests are missed no more at an hour in which there were few", fewer)


def _burns(story: Story, indicator: Indicator, severity: str, watched: AlertContext) -> bool:
    """Whether an objective's budget burns in the end, as the definition of a burn has it."""
    for burn in indicator.burns(severity):
        limit = burn.factor * indicator.budget
        (short, _), (long, bad) = (
            _ratio(story, indicator, window, watched) for window in (burn.short, burn.long)
        )
        if short > limit and long > limit and bad >= FEWEST_BAD_REQUESTS:
            return True
    return False


def _ratio(story: Story, indicator: Indicator, window: str, watched: AlertContext) -> tuple[float, float]:
    """The share of bad requests in the last part of a story, and how many they are."""
    left, bad, every = Duration(window).seconds / 60, 0.0, 0.0
    for stretch in reversed(story):
        requests = stretch.flow * min(left, stretch.minutes)
        bad += requests * share_of_bad(stretch, indicator, watched)
        every += requests
        left = max(0.0, left - stretch.minutes)
    return (bad / every if every else 0.0), bad


def _neighbours(watched: AlertContext) -> Series:
    """Another model here, and the same one elsewhere: ill in every way, and none of our business."""
    ill = (Stretch(failed=ALL, slow=ALL, drift=float(watched.page) * 2, in_flight=ROOM),)
    callers = (Stretch(refused=1),)
    found: dict[str, str] = {}
    for other in _others(watched):
        broken = {name: values for name, values in exported(callers, other, 1).items() if VIOLATED in name}
        burning = dict.fromkeys(recorded(other), f"1x{_HOUR}")
        found |= exported(ill, other, 1) | broken | burning | {up(other): f"0x{_HOUR}"}
    return found


def _others(watched: AlertContext) -> tuple[AlertContext, AlertContext]:
    """Another model in the same namespace, and the same model in another one."""
    return (
        replace(watched, model=f"{watched.model}-other"),
        replace(watched, namespace=f"{watched.namespace}-other"),
    )
