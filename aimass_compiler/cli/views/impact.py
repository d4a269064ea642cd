"""What a change would reach: a tree for people, the same in Markdown, or JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from aimass_compiler.cli.terminal import Paint, plain
from aimass_compiler.cli.views.changes import as_markdown, as_text
from aimass_compiler.impact.changes import Change, Sign, listed
from aimass_compiler.impact.downstream import ReachedEnvironment, ReachedModel


def drawn(what: str, reached: Sequence[ReachedModel], models: int, form: str, paint: Paint = plain) -> str:
    """All of it in one of the forms `people`, `markdown` and `json`; `models` is how many there are."""
    if form == "json":
        document = {"what": what, "models": reached, "models_in_all": models}
        return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    title = _summary(what, reached, models)
    tree = Change(Sign.NONE, title, children=tuple(map(_model, reached)))
    return as_markdown(f"Impact of {what}", tree) if form == "markdown" else as_text(tree, paint)


def _summary(what: str, reached: Sequence[ReachedModel], models: int) -> str:
    if not reached:
        return f"{what} reaches none of {models} models"
    running = sorted({place.name for each in reached for place in each.environments if place.release})
    where = f", released in {listed(running)}" if running else ", none of them released"
    return f"{what} reaches {len(reached)} of {models} models{where}"


def _model(reached: ReachedModel) -> Change:
    owner = f" ({reached.owner})" if reached.owner else ""
    return Change(
        Sign.NONE, f"{reached.model}{owner}", location=reached.file, children=tuple(_parts(reached))
    )


def _parts(reached: ReachedModel) -> Iterator[Change]:
    if reached.columns:
        yield _line(f"data: {listed(reached.columns)} of {listed(reached.sources)}")
    if reached.possible_sources:
        yield _line(
            f"which of {listed(reached.possible_sources)} has which column is known only when rows are read"
        )
    yield from map(_line, reached.parts)
    for each in reached.features:
        made = f" makes {listed(each.makes)}" if each.makes else " reads it"
        yield _line(f"{each.path}{made}")
    if reached.sources:
        yield _line("the model is trained on it" if reached.is_trained_on else "no model is trained on it")
    yield from (_line(f"gate: {gate}") for gate in reached.gates)
    if reached.requests:
        yield _line(f"callers send {listed(reached.requests)}")
    yield from map(_environment, reached.environments)


def _environment(place: ReachedEnvironment) -> Change:
    release = f"released: {place.release}" if place.release else "not released"
    lines = [f"route: {place.host}{path}" for path in place.paths]
    lines += [f"alerts: {listed(place.alerts)}"] if place.alerts else []
    return Change(
        Sign.NONE,
        f"{place.name}: namespace {place.namespace}, {release}",
        children=tuple(map(_line, lines)),
    )


def _line(text: str) -> Change:
    return Change(Sign.NONE, text)
