"""A team's routes have hosts of the team's own, and none of another team."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.catalog.host_pattern import covers
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.team_rules import TeamRules

NEEDS = ("settings", "serving.gateway", "environments")
EXPLANATIONS = (
    Explanation(
        "AM315",
        "a host is not the team's",
        "`hosts` in `teams/NAME.yaml` says which hosts the routes of a team have: these names, and what "
        "ends like one that begins with `*.`. Requests to a host of another team would get answers of this "
        "model, so no other team may have it, and the files of two teams may not name the same. The same is "
        "kept by the API server, by the ValidatingAdmissionPolicy in "
        "`generated/fleet/teams/NAME/ENVIRONMENT/hosts.yaml`.",
    ),
)
EXAMPLES = (
    Example(
        "AM315",
        "`teams/risk.yaml` has `hosts: ['*.risk.example.com']`, and `specs/growth/churn.yaml` the host "
        "`churn.risk.example.com`.",
        "The host is `churn.growth.example.com`.",
        "situation",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Each host that is another team's, or not among the team's own."""
    rules = pipeline.settings.team
    if rules is None:
        return
    for name, environment in pipeline.environments.items():
        gateway = environment.serving.gateway
        problem = None if gateway is None else _problem(rules, name, gateway.host)
        if problem is not None:
            path = (*place_in(pipeline, name, "serving.gateway"), "host")
            yield Finding("AM315", path, problem[0], help=problem[1])


def _problem(rules: TeamRules, environment: str, host: str) -> tuple[str, str] | None:
    """What is wrong with a host, and the hint."""
    for claimed, team in rules.claimed.get(environment, {}).items():
        if covers(claimed, host):
            return f"`{host}` is a host of team `{team}` in {environment}", "choose a host of your own team"
    own = rules.hosts.get(environment)
    if own is None or any(covers(each, host) for each in own):
        return None
    file = conventions.TEAM_FILE.format(team=rules.name)
    known = ", ".join(f"`{each}`" for each in own) or "none"
    return f"`{host}` is no host of team `{rules.name}` in {environment}", f"{file} has: {known}"
