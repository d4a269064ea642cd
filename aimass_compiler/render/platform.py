"""What a platform can do of what a spec can ask for, and what helps where it cannot.

Findings and `docs/targets.md` are made of these declarations, so that neither says what the other does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from aimass_compiler.diagnostics import Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import place_in
from aimass_compiler.pipeline.serving import Serving

Area = Literal["serving", "training", "pipeline"]
#: Of a model in one of its environments, by name.
Asked = Callable[[Pipeline, str], bool]


class Ability(Struct, frozen=True, kw_only=True):
    """Something that a spec can ask for, and that not every platform has."""

    area: Area
    key: str
    """Where a spec asks for it: `serving.rollout.canary`."""
    words: str
    """What it is, as a table says it."""
    is_asked: Asked


class Has(Struct, frozen=True):
    """It can do this."""

    by: str = ""
    """What does it there, where that is worth a word."""


class Lacks(Struct, frozen=True, kw_only=True):
    """It cannot."""

    because: str
    """The whole message of the finding."""
    instead: str
    """The hint."""
    severity: Severity = Severity.ERROR
    """A warning where what was asked for has no effect and does no harm."""
    code: str = ""
    """Of the finding, where it is not the platform's."""


class NotApplicable(Struct, frozen=True):
    """Nobody can ask it for this, as its models have no such key."""


Answer = Has | Lacks | NotApplicable


class Platform(Struct, frozen=True, kw_only=True):
    """Something that a spec can choose to be served, trained or run by."""

    area: Area
    """What is done by it."""
    name: str
    """At the head of its column: `kserve`."""
    title: str
    """What it is, in a sentence that begins with a capital letter."""
    chosen_by: str
    """What a spec writes to have it: `serving: {target: kserve}`."""
    is_chosen: Asked
    code: str
    """Of its findings; none where it has everything."""
    answers: Mapping[str, Answer]
    """By the keys of the abilities of its area: to each of them, which a test holds."""


def of_serving(claim: Callable[[Serving], bool]) -> Asked:
    """What the serving of an environment says."""
    return lambda pipeline, environment: claim(pipeline.environments[environment].serving)


def findings(platform: Platform, abilities: Iterable[Ability], pipeline: Pipeline) -> Iterator[Finding]:
    """What a model asks of a platform that it lacks, once for each place where it is asked."""
    seen = set()
    for environment in filter(lambda name: platform.is_chosen(pipeline, name), pipeline.environments):
        for ability in abilities:
            answer = platform.answers.get(ability.key) if ability.area == platform.area else None
            if not isinstance(answer, Lacks) or not ability.is_asked(pipeline, environment):
                continue
            place = place_in(pipeline, environment, ability.key)
            if place not in seen:
                seen.add(place)
                code, hint = answer.code or platform.code, answer.instead
                yield Finding(code, place, answer.because, help=hint, severity=answer.severity, at_key=True)
