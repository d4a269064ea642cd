"""What runs elsewhere: the releases of two revisions, and what each difference does in its environment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field

from aimass_compiler import conventions
from aimass_compiler.impact.changes import Change, Sign, listed, value
from aimass_compiler.impact.contract import RULES, Breach, of_contracts
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.release_file import DamagedRelease, Hold, Release
from aimass_compiler.releases.version_record import VersionRecord, version_of

#: An environment and a model.
Place = tuple[str, str]
_DIGEST_SHOWN = len("sha256:") + 12
_SPLIT = "test"


class GitReleases(Struct, frozen=True):
    """The releases of all models at one revision, by environment and model."""

    found: Mapping[Place, Release] = field(default_factory=dict)
    damaged: Mapping[Place, str] = field(default_factory=dict)
    """What is wrong with those that cannot be read."""

    def is_released(self, environment: str, model: str) -> bool:
        """Whether a model runs there, be it that its file cannot be read."""
        return (environment, model) in self.found or (environment, model) in self.damaged

    def of_models(self, names: Collection[str]) -> GitReleases:
        """The releases of these models alone."""
        return GitReleases(
            {place: release for place, release in self.found.items() if place[1] in names},
            {place: why for place, why in self.damaged.items() if place[1] in names},
        )

    def environments_of(self, model: str) -> list[str]:
        """Where a model is released, sorted."""
        return sorted(environment for environment, name in {*self.found, *self.damaged} if name == model)


def releases_in(files: Mapping[str, bytes]) -> GitReleases:
    """The releases among the files of a project."""
    found, damaged = {}, {}
    for path, content in sorted(files.items()):
        place = release_file.place_of(path)
        if place is None or _is_inside_another(path, files):
            continue
        environment, model = place
        try:
            found[environment, model] = release_file.decoded(content, environment, model)
        except DamagedRelease as error:
            damaged[environment, model] = str(error)
    return GitReleases(found, damaged)


def _is_inside_another(path: str, files: Mapping[str, bytes]) -> bool:
    """Whether a file lies in the folder of another release, as what a person's component consists of."""
    above = f"{path.rpartition('/')[0].rpartition('/')[0]}/{conventions.RELEASE_FILE}"
    return above in files


def releases_on_disk(root: Path) -> GitReleases:
    """The releases of a project as they lie there."""
    paths = [release_file.file_of(root, *place) for place in release_file.released_places(root)]
    return releases_in({path.relative_to(root).as_posix(): path.read_bytes() for path in paths})


class ReleaseAct(StrEnum):
    """What happens to a release."""

    DEPLOYED = "deployed"
    REMOVED = "removed"
    MOVED = "moved"
    CANARY_BEGINS = "canary-begins"
    CANARY_ENDS = "canary-ends"
    HELD = "held"
    LIFTED = "hold-lifted"
    DAMAGED = "damaged"


class MetricChange(Struct, frozen=True):
    """One metric of two versions, each on the test rows of its time."""

    name: str
    before: float
    after: float


class ReleaseChange(Struct, frozen=True):
    """What changes of one model in one environment."""

    environment: str
    model: str
    acts: tuple[ReleaseAct, ...]
    text: str
    """What happens, without its subject: `goes from v17-4be17c20 to v18-0c8f2a11`."""
    alike: str = ""
    """The same of several models: `are deployed for the first time`; empty where versions must be named."""
    was: str = ""
    """The version that callers get before."""
    now: str = ""
    """The version that comes; the same as before where only a hold changes."""
    metrics: tuple[MetricChange, ...] = ()
    breaches: tuple[Breach, ...] = ()
    replaced: str = ""
    """How servers are replaced: `in turn` or `by canary`; empty where they stay."""
    notes: tuple[str, ...] = ()
    """What else differs between the versions, and what is odd about the release."""


class Versions:
    """The records of versions of one project, read where they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, list[VersionRecord]] = {}

    def of(self, model: str) -> list[VersionRecord]:
        """All versions of a model; none where a record cannot be read."""
        if model not in self._read:
            try:
                self._read[model] = version_record.versions_of(self._root, model)
            except version_record.DamagedRecord:
                self._read[model] = []
        return self._read[model]


def release_changes(
    before: GitReleases,
    after: GitReleases,
    versions: Versions,
    is_canary: Callable[[str, str], bool] = lambda _environment, _model: False,
) -> tuple[ReleaseChange, ...]:
    """Each release that differs, by environment and model.

    `is_canary` says whether Argo Rollouts replaces the servers of a model in an environment.
    """
    found = []
    places = {*before.found, *before.damaged, *after.found, *after.damaged}
    for place in sorted(places):
        if place in after.damaged:
            if after.damaged[place] != before.damaged.get(place):
                text = f"has a release that cannot be read: {after.damaged[place]}"
                found.append(ReleaseChange(*place, acts=(ReleaseAct.DAMAGED,), text=text))
            continue
        old, new = before.found.get(place), after.found.get(place)
        if old != new and (change := _change(place, old, new, versions, is_canary)):
            found.append(change)
    return tuple(found)


class _Act(Struct, frozen=True):
    """One act in words."""

    act: ReleaseAct
    text: str
    alike: str = ""


def _change(
    place: Place,
    old: Release | None,
    new: Release | None,
    versions: Versions,
    is_canary: Callable[[str, str], bool],
) -> ReleaseChange | None:
    environment, model = place
    records = versions.of(model)
    was = _serving(old, records) if old else _Side()
    now = _coming(new, records) if new else _Side()
    acts = [*_version_acts(old, new, was, now), *_hold_acts(old, new)]
    if not acts:
        return None
    is_replaced = old is not None and new is not None and old.images != new.images
    return ReleaseChange(
        environment,
        model,
        acts=tuple(each.act for each in acts),
        text="; ".join(each.text for each in acts),
        alike="; ".join(each.alike for each in acts) if all(each.alike for each in acts) else "",
        was=was.name,
        now=now.name,
        metrics=tuple(_metrics(was.record, now.record)),
        breaches=tuple(_breaches(environment, model, was, now)),
        replaced=("by canary" if is_canary(environment, model) else "in turn") if is_replaced else "",
        notes=tuple(_notes(new, was, now)),
    )


class _Side(Struct, frozen=True):
    """A version before or after, as far as it is known."""

    name: str = ""
    record: VersionRecord | None = None


def _serving(release: Release, records: list[VersionRecord]) -> _Side:
    """What callers get: during a canary the version beside it."""
    record = version_of(records, release.stable_digests)
    written = release.stable or release.version
    return _Side(record.name if record else written or release.digest[:_DIGEST_SHOWN], record)


def _coming(release: Release, records: list[VersionRecord]) -> _Side:
    record = version_of(records, release.digests)
    return _Side(record.name if record else release.version or release.digest[:_DIGEST_SHOWN], record)


def _version_acts(old: Release | None, new: Release | None, was: _Side, now: _Side) -> Iterator[_Act]:
    if new is None:
        text = f"is removed, where {was.name} runs: its objects are deleted"
        yield _Act(ReleaseAct.REMOVED, text, "are removed: their objects are deleted")
    elif old is None:
        text = f"is deployed for the first time, with {now.name}"
        yield _Act(ReleaseAct.DEPLOYED, text, "are deployed for the first time")
    elif new.stable_images and not old.stable_images:
        text = f"begins a canary: {now.name} beside {was.name}, which serves on"
        yield _Act(ReleaseAct.CANARY_BEGINS, text)
    elif old.stable_images and not new.stable_images:
        if new.digest == old.digest:
            text = f"ends its canary: {now.name} takes over from {was.name}"
        elif new.digest == old.stable_images.get(new.name):
            text = f"ends its canary: {was.name} serves on, and {old.version or 'the canary'} goes"
        else:
            text = f"ends its canary, and goes from {was.name} to {now.name}"
        yield _Act(ReleaseAct.CANARY_ENDS, text)
    elif new.images != old.images:
        yield _moved(was, now)


def _moved(was: _Side, now: _Side) -> _Act:
    if was.record and now.record and was.record.package == now.record.package:
        text = f"goes from {was.name} to {now.name}, the same package on another server"
        return _Act(ReleaseAct.MOVED, text, "go to the same package on another server")
    is_back = was.record is not None and now.record is not None and now.record.number < was.record.number
    return _Act(ReleaseAct.MOVED, f"goes {'back ' if is_back else ''}from {was.name} to {now.name}")


def _hold_acts(old: Release | None, new: Release | None) -> Iterator[_Act]:
    before, after = (release.hold if release else None for release in (old, new))
    if after is not None and after != before:
        words = _held(after)
        yield _Act(ReleaseAct.HELD, f"is held {words}", f"are held {words}")
    elif before is not None and after is None and new is not None:
        words = f"no longer held by {before.by}"
        yield _Act(ReleaseAct.LIFTED, f"is {words}", f"are {words}")


def _held(hold: Hold) -> str:
    reason = f": {hold.reason}" if hold.reason else ""
    return f"by {hold.by}{f' until {hold.until}' if hold.until else ''}{reason}"


def _metrics(was: VersionRecord | None, now: VersionRecord | None) -> Iterator[MetricChange]:
    if was is None or now is None or was.package == now.package:
        return
    old, new = was.metrics.get(_SPLIT, {}), now.metrics.get(_SPLIT, {})
    for name in sorted(old.keys() & new.keys()):
        yield MetricChange(name, old[name], new[name])


def _breaches(environment: str, model: str, was: _Side, now: _Side) -> Iterator[Breach]:
    if was.name and not now.name:
        rule = RULES["environment-removed"]
        text = f"the release of {model} in {environment} is removed: {rule.summary}"
        yield Breach(rule.name, rule.severity, text, environments=(environment,))
    elif was.record and now.record:
        yield from of_contracts(was.record.contract, now.record.contract)


def _notes(new: Release | None, was: _Side, now: _Side) -> Iterator[str]:
    if new is not None and now.record is None:
        folder = f"{conventions.VERSIONS_FOLDER}/{new.model}"
        yield f"no record in {folder} has its digest, so no more is known of it"
    if new is not None and new.version and now.record is not None and new.version != now.record.name:
        yield f"its annotation says {new.version}, and its images are those of {now.record.name}"
    if was.record and now.record and was.record.package != now.record.package:
        data = _other_data(was.record, now.record)
        if data:
            yield f"trained on other rows than {was.name}: {listed(data)}"


def _other_data(was: VersionRecord, now: VersionRecord) -> list[str]:
    return sorted(path for path in now.data if now.data[path] != was.data.get(path))


_SIGNS = {ReleaseAct.DEPLOYED: Sign.ADDED, ReleaseAct.REMOVED: Sign.REMOVED, ReleaseAct.DAMAGED: Sign.WARNING}


def sign_of(change: ReleaseChange) -> Sign:
    """Whether something comes, goes or changes."""
    return _SIGNS.get(change.acts[0], Sign.CHANGED)


def details_of(change: ReleaseChange) -> Iterator[Change]:
    """What else there is to know of it, but for the contract."""
    if change.metrics:
        numbers = (f"{each.name} {value(each.before)} → {value(each.after)}" for each in change.metrics)
        yield Change(Sign.SAME, f"on the {_SPLIT} rows of each: {', '.join(numbers)}")
    if change.replaced:
        yield Change(Sign.CHANGED, f"its servers are replaced {change.replaced}")
    for note in change.notes:
        yield Change(Sign.WARNING, note)
