"""What a promotion means: lineage, metrics, contract, images and servers, as released and as it will be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, to_builtins

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.changes import fenced
from aimass_compiler.delivery.promotion import Objection, PromotionCase
from aimass_compiler.delivery.proposal import RepositoryChange
from aimass_compiler.impact.contract import Breach
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import VersionRecord

FORMAT = "aimass.promotion/v1"
_COMMIT, _HASH, _DIGEST = 8, 12, 19
_NAMES = 12
_NONE = "none"


class ShownPromotion(Struct, frozen=True):
    """A promotion, and all that is known of it."""

    case: PromotionCase
    after: Release
    breaches: tuple[Breach, ...]
    """What callers may notice."""
    objections: tuple[Objection, ...]


class ChangeMade(Struct, frozen=True):
    """The change that a promotion is, and what became of it."""

    change: RepositoryChange
    branch: str = ""
    url: str = ""
    is_made: bool = False


def drawn(shown: ShownPromotion, form: str) -> str:
    """For people, or as Markdown."""
    return as_markdown(shown) if form == "markdown" else "".join(f"{line}\n" for line in _lines(shown))


def as_markdown(shown: ShownPromotion) -> str:
    """In a block of code, where nothing is markup: for a pull request."""
    lines = [*_lines(shown), *(safe(f"not allowed: {each.text}") for each in shown.objections)]
    return "".join(f"{line}\n" for line in fenced(lines, "text"))


def _lines(shown: ShownPromotion) -> Iterator[str]:
    case = shown.case
    was = case.released_record
    origin = (
        f"from {was.name}" if was else "nothing is released there" if case.released is None else "unknown"
    )
    yield safe(f"{case.record.model} in {case.environment}: {case.record.name} ({origin})")
    for name, lines in _parts(shown):
        for place, line in enumerate(lines):
            yield safe(f"  {name if place == 0 else '':<{_NAMES}}{line}")


def _parts(shown: ShownPromotion) -> Iterator[tuple[str, list[str]]]:
    new, old = shown.case.record, shown.case.released_record
    yield "made", [_made(new)]
    before: Mapping[str, str] = old.data if old else {}
    yield "data", changed(_short(before), _short(new.data), is_compared=old is not None)
    chosen = _texts(old.parameters) if old else {}
    yield "parameters", changed(chosen, _texts(new.parameters), is_compared=old is not None)
    yield "metrics", metrics(new, old)
    if new.parity:
        yield "parity", [new.parity]
    yield "contract", _contract(shown)
    yield "images", _images(shown)
    yield "servers", [_servers(shown)]


def _made(record: VersionRecord) -> str:
    commit = f" from commit {record.commit[:_COMMIT]}" if record.commit else ""
    run = f" by {record.run}" if record.run else ""
    rebased = f", rebased from {record.rebased_from}" if record.rebased_from else ""
    return f"{record.trained_at}{commit}{run}{rebased}"


def _short(hashes: Mapping[str, str]) -> dict[str, str]:
    return {path: value[:_HASH] for path, value in hashes.items()}


def _texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value, ensure_ascii=False) for name, value in parameters.items()}


def changed(old: Mapping[str, str], new: Mapping[str, str], *, is_compared: bool) -> list[str]:
    """One line for each value that differs, or for each value where there is nothing to compare with."""
    if not is_compared:
        return [f"{name} {value}" for name, value in sorted(new.items())] or [_NONE]
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    lines = [f"{name} {old.get(name, _NONE)} → {new.get(name, _NONE)}" for name in names]
    return lines or ["the same"]


def metrics(new: VersionRecord, old: VersionRecord | None) -> list[str]:
    """Each metric of each split, as it was and as it is, unless none differs."""
    before = old.metrics if old else {}
    if before and before == new.metrics:
        return ["the same"]
    return [
        _metric(f"{split} {name}", value, before.get(split, {}).get(name))
        for split, reached in sorted(new.metrics.items())
        for name, value in sorted(reached.items())
    ] or [_NONE]


def _metric(name: str, value: float, before: float | None) -> str:
    if before is None:
        return f"{name} {value:.4g}"
    return f"{name} {before:.4g} → {value:.4g} ({value - before:+.2g})"


def _contract(shown: ShownPromotion) -> list[str]:
    case = shown.case
    if case.released_record is None:
        return ["nothing to compare with" if case.released is None else "what is released has no record"]
    lines = [
        f"{each.severity}: {each.text}" + (" (accepted)" if each.name in case.accepted else "")
        for each in shown.breaches
    ]
    return lines or ["the same"]


def _images(shown: ShownPromotion) -> list[str]:
    before = shown.case.released.digests if shown.case.released else {}
    return [
        f"{name}: {image.name} {before.get(name, _NONE)[:_DIGEST]} → {image.digest[:_DIGEST]}"
        if before.get(name) != image.digest
        else f"{name}: {image.name} {image.digest[:_DIGEST]}"
        for name, image in shown.after.images.items()
    ] or [_NONE]


def _servers(shown: ShownPromotion) -> str:
    case, (least, most) = shown.case, shown.case.served.servers
    many = f"{least}" if least == most else f"{least} to {most}"
    if case.released is None:
        return f"{many} servers start, the first of this model there"
    if shown.after.stable_images:
        steps = ", ".join(f"{share:g} %" for share in case.served.canary)
        return f"a canary begins beside {shown.after.stable or 'what runs'}, by steps: {steps} of the traffic"
    if shown.after.digests == case.released.digests:
        return "the canary takes over" if case.released.stable_images else "nothing is replaced"
    return f"{many} servers are replaced, a few at a time"


def as_json(shown: ShownPromotion, made: ChangeMade | None) -> str:
    """For programs, as schemas/promotion.json describes it."""
    case, old = shown.case, shown.case.released_record
    least, most = case.served.servers
    before = case.released.digests if case.released else {}
    document = {
        "format": FORMAT,
        "model": case.record.model,
        "environment": case.environment,
        "version": case.record.name,
        "from": old.name if old else None,
        "allowed": not shown.objections,
        "objections": [_objection_json(each) for each in shown.objections],
        "metrics": {"before": old.metrics if old else None, "after": case.record.metrics},
        "parameters": {"before": old.parameters if old else None, "after": case.record.parameters},
        "data": {"before": old.data if old else None, "after": case.record.data},
        "contract": [_breach_json(each, case.accepted.get(each.name)) for each in shown.breaches],
        "images": {
            name: {"before": before.get(name), "after": image.digest, "reference": image.reference}
            for name, image in shown.after.images.items()
        },
        "servers": {"min": least, "max": most, "shown": _servers(shown)},
        "stable": shown.after.stable or None,
        "record": to_builtins(case.record),
        "change": _change_json(made) if made else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _objection_json(objection: Objection) -> dict[str, str | None]:
    return {"code": objection.code, "text": objection.text, "help": objection.help or None}


def _breach_json(breach: Breach, accepted: str | None) -> dict[str, str | None]:
    return {
        "name": breach.name,
        "rule": breach.rule,
        "severity": breach.severity.value,
        "text": breach.text,
        "accepted": accepted,
    }


def _change_json(made: ChangeMade) -> dict[str, Any]:
    return {
        "title": made.change.title,
        "files": sorted(made.change.files),
        "made": made.is_made,
        "branch": made.branch or None,
        "url": made.url or None,
    }
