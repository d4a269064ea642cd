"""Whether a version may be released in an environment, every reason against it, and what its release is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.pipeline.settings import EnvironmentSettings
from aimass_compiler.releases import accepted_breaks
from aimass_compiler.releases.release_file import Hold, Release
from aimass_compiler.releases.served_model import ServedModel
from aimass_compiler.releases.version_record import Rejection, VersionRecord

_HOUR, _DAY = 3600, 86_400


#: Why a version may not go somewhere, as programs read it; schemas/promotion.json says what each means.
ObjectionCode = Literal[
    "gate",
    "service-test",
    "rejected",
    "held",
    "soak",
    "contract",
    "image",
    "registry",
    "signature",
    "evidence",
    "waiver",
]


class Objection(Struct, frozen=True):
    """One reason why a version may not go somewhere, and what can be done about it."""

    code: ObjectionCode
    text: str
    help: str = ""


class ContractBreak(Struct, frozen=True):
    """A change that callers of the released version would notice."""

    name: str
    """By which it is accepted."""
    text: str


class PromotionCase(Struct, frozen=True, kw_only=True):
    """All that is asked before a version is released in an environment."""

    record: VersionRecord
    rejection: Rejection | None
    environment: str
    settings: EnvironmentSettings
    has_registry: bool
    """Whether images can be pushed, so that a cluster may run what is released."""
    served: ServedModel
    released: Release | None
    """What is released there now."""
    released_record: VersionRecord | None
    environment_before: str | None
    since: datetime | None
    """Since when the version is released in the environment before, as the commits have it."""
    is_shallow: bool
    """Whether this clone lacks older commits."""
    breaks: tuple[ContractBreak, ...]
    accepted: Mapping[str, str]
    now: datetime

    @property
    def shown(self) -> str:
        return f"`{self.record.name}`"


def objections(case: PromotionCase) -> Iterator[Objection]:
    """Every reason that git knows against releasing it."""
    yield from objections_to_finish(case)
    yield from _of_soak(case)
    yield from _of_contract(case)
    yield from _of_images(case)


def objections_to_finish(case: PromotionCase) -> Iterator[Objection]:
    """Every reason against a canary taking over, for which all else was asked when it began."""
    yield from _of_version(case)
    yield from _of_hold(case)


def _of_version(case: PromotionCase) -> Iterator[Objection]:
    record, rejection = case.record, case.rejection
    for gate in record.gates:
        if not gate.passed:
            reached = "" if gate.value is None else f": it reached {gate.value:.4g}"
            yield Objection("gate", f"{case.shown} missed the gate `{gate.gate}`{reached}")
    if record.service_test is None or not record.service_test.passed:
        failed = "was never tested as a server" if record.service_test is None else "failed as a server"
        hint = f"`aimass run {record.model}` tests it"
        yield Objection("service-test", f"{case.shown} {failed}", hint)
    if rejection is not None:
        hint = f"`aimass reject {record.model} --version {record.name} --undo` where that was wrong"
        yield Objection("rejected", f"{case.shown} was rejected by {rejection.by}: {rejection.reason}", hint)


def _of_hold(case: PromotionCase) -> Iterator[Objection]:
    hold = case.released.hold if case.released else None
    if hold is not None and is_in_force(hold, case.now):
        hint = f"`aimass hold {case.record.model} --env {case.environment} --lift` ends it; ask {hold.by}"
        yield Objection("held", f"{case.environment} is held by {described(hold)}", hint)


def is_in_force(hold: Hold, now: datetime) -> bool:
    """Whether a hold holds still; one whose end cannot be read holds until it is lifted."""
    try:
        until = datetime.fromisoformat(hold.until)
    except ValueError:
        return True
    return now < (until if until.tzinfo else until.replace(tzinfo=UTC))


def described(hold: Hold) -> str:
    """By whom, until when and why."""
    until = f" until {hold.until}" if hold.until else ""
    return f"{hold.by}{until}: {hold.reason}"


def _of_soak(case: PromotionCase) -> Iterator[Objection]:
    soak, before = case.settings.soak, case.environment_before
    if soak is None or before is None:
        return
    needed = f"{case.environment} wants {soak} in {before}"
    if case.since is None:
        hint = (
            f"`aimass promote {case.record.model} --to {before} --version {case.record.name}`, and merge it"
        )
        text = f"{case.shown} is not released in {before}, as the commits here have it; {needed}"
        yield Objection("soak", text, _fetched(case, hint))
        return
    seconds = (case.now - case.since).total_seconds()
    if seconds < soak.seconds:  # a clock that is behind is as if it had just come
        text = f"{case.shown} is in {before} for {duration(max(0, seconds))}; {needed}"
        hint = f"wait another {duration(soak.seconds - seconds)}"
        yield Objection("soak", text, _fetched(case, hint))


def _fetched(case: PromotionCase, hint: str) -> str:
    return (
        f"this clone lacks older commits: `git fetch --unshallow`; else {hint}" if case.is_shallow else hint
    )


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    size, unit = (1, "s") if seconds < 60 else (60, "m")  # noqa: PLR2004  # seconds of a minute
    size, unit = (size, unit) if seconds < 2 * _HOUR else (_HOUR, "h")
    size, unit = (size, unit) if seconds < 2 * _DAY else (_DAY, "d")
    return f"{int(seconds // size)}{unit}"


def _of_contract(case: PromotionCase) -> Iterator[Objection]:
    for each in case.breaks:
        if each.name not in case.accepted:
            file = f"{conventions.ACCEPTS_FOLDER}/{case.record.model}.yaml"
            entry = accepted_breaks.entry(each.name).strip().replace("\n ", ",")
            hint = f"once callers agree, add to {file}: `{entry.replace('- break', '- {break', 1)}}}`"
            yield Objection("contract", f"callers would notice that {each.text}", hint)


def _of_images(case: PromotionCase) -> Iterator[Objection]:
    publish = f"`aimass publish {case.record.model}` pushes the package, as a new version"
    if case.record.server_image is None:
        if case.has_registry:
            text = f"{case.shown} was made without a registry, so no cluster can run it"
            yield Objection("image", text, publish)
        return
    if not case.served.images(case.record):
        text = f"{case.shown} was never pushed as an image of server and package"
        yield Objection("image", text, publish)


def promoted(case: PromotionCase) -> Release:
    """The release of this version: with a canary, beside the one that serves on meanwhile."""
    record, released = case.record, case.released
    release = Release(
        environment=case.environment,
        model=record.model,
        images=case.served.images(record),
        version=record.name,
        hold=released.hold if released else None,
    )
    is_alike = released is not None and released.images.keys() == release.images.keys()
    if released is None or not case.served.canary or not is_alike:
        return release  # who serves packages in another way than before cannot go back by images alone
    stable, images = released.stable, released.stable_images
    if not images:
        known = case.released_record
        stable = known.name if known else released.version
        images = released.digests
    if images == release.digests:
        return release  # it is the one that serves on, so the canary of another version ends
    return replace(release, stable=stable, stable_images=images)


def finished(release: Release) -> Release:
    """The release once its canary has taken over."""
    return replace(release, stable="", stable_images={})


def returned(release: Release, stable: VersionRecord | None = None) -> Release:
    """The release with what served beside its canary, which ends; `stable` is the record of that."""
    images = {
        name: replace(image, digest=release.stable_images.get(name, image.digest))
        for name, image in release.images.items()
    }
    return replace(finished(release), version=stable.name if stable else release.stable, images=images)
