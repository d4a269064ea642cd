"""What the rules of `sharing` in aimass.yaml name, and what of it there is not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Example, Explanation, Finding, did_you_mean, respelt
from aimass_compiler.project import Project, team_of_spec

if TYPE_CHECKING:
    from aimass_compiler.pipeline.organisation import Organisation

EXPLANATIONS = (
    Explanation(
        "AM585",
        "a rule of sharing names what there is not",
        "A rule of `sharing` in aimass.yaml is about teams and environments by their names, and divides "
        "their models among `servers`. A team is a folder of `specs/` or a file of `teams/`. A name that "
        "nothing has is mostly misspelt, and then no model is shared, without a word.",
    ),
)
EXAMPLES = (
    Example(
        "AM585",
        "aimass.yaml has `sharing: [{servers: [small], teams: [grwoth]}]`, and the team is `growth`.",
        "It has `teams: [growth]`.",
        "situation",
    ),
)


def missing_names(project: Project, organisation: Organisation) -> Iterator[Finding]:
    """Each server, team and environment of a rule that is nowhere declared, where it stands."""
    settings, file = organisation.settings, project.shown(project.settings)
    if not settings.sharing:
        return
    folders = {team for path in project.specs() if (team := team_of_spec(project.shown(path)))}
    known: dict[str, Collection[str]] = {
        "servers": settings.servers,
        "teams": sorted(folders | {*organisation.teams}),
        "environments": settings.environments,
    }
    for number, rule in enumerate(settings.sharing):
        for key, there in known.items():
            for place, name in enumerate(getattr(rule, key) or ()):
                if name not in there:
                    path = ("sharing", number, key, place)
                    message = f"there is no {key.removesuffix('s')} `{name}`"
                    hint, fix = did_you_mean(name, there), respelt(path, name, there)
                    yield Finding("AM585", path, message, help=hint, fix=fix, file=file)
