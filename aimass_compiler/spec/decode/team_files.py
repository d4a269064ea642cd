"""The teams of a project from `teams/*.yaml`, and what is wrong between them and everything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.catalog.host_pattern import covers
from aimass_compiler.diagnostics import Example, Explanation, Finding, Related, Severity, did_you_mean
from aimass_compiler.pipeline.model_name import MODEL_NAME
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.team import Team
from aimass_compiler.project import SPEC_SUFFIXES, Project
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import read_text

EXPLANATIONS = (
    Explanation(
        "AM313",
        "a file in teams/ describes no team",
        "`teams/growth.yaml` describes the team whose specs are in `specs/growth/`: both have the team's "
        "name, which is part of the names of namespaces, so it has lower-case letters, digits and `-` only, "
        f"and begins with a letter. Files directly in `teams/` that end in `.yaml` are read. "
        f"`{conventions.FLEET_FOLDER}` is the folder of what is made for all models, and no team.",
    ),
    Explanation(
        "AM314",
        "a folder of specs has no team",
        "The folder below `specs/` is the team that a model belongs to. Without `teams/NAME.yaml` its models "
        "go to namespaces called by the pattern `teams.namespace` of aimass.yaml that no one makes, "
        "without quota, default deny or own rights. Once a project describes teams, that is an error, "
        "because the folder's name is mostly misspelt. An empty file describes a team, too.",
    ),
    Explanation(
        "AM317",
        "two teams have one namespace",
        "What a team may do, it may do in its namespaces. Where two teams have the same one on the same "
        "cluster, each could change what the other runs, and models of one name would be one. Mostly the "
        "pattern of aimass.yaml makes one name of two: team `a` in `b-c` and team `a-b` in `c`. Give one of "
        "them a `namespace` in its file.",
    ),
    Explanation(
        "AM321",
        "a team has an environment that there is not",
        "`environments` in a team's file says what differs in an environment of aimass.yaml. What stands "
        "below any other name holds nowhere.",
    ),
    Explanation(
        "AM322",
        "a budget has no prices",
        "A budget of money is held against what the planned servers cost, which follows from `prices` in "
        "aimass.yaml: what an hour of a core, of a GiB of memory and of a GPU costs. Without them nothing "
        "costs anything, and the budget has no effect.",
    ),
)
EXAMPLES = (
    Example("AM313", "`teams/Growth.yml` describes a team.", "It is `teams/growth.yaml`.", "situation"),
    Example(
        "AM314",
        "`specs/grwoth/churn.yaml` describes a model, and `teams/growth.yaml` a team.",
        "The spec is `specs/growth/churn.yaml`.",
        "situation",
    ),
    Example(
        "AM317",
        "There are teams `ml` and `ml-eu`, and environments `prod` and `eu-prod`.",
        "The teams are `ml` and `europe`.",
        "situation",
    ),
    Example(
        "AM321",
        "`teams/growth.yaml` has `environments: {production: {quota: {pods: 50}}}`.",
        "It has `environments: {prod: {quota: {pods: 50}}}`.",
        "situation",
    ),
    Example(
        "AM322",
        "`teams/growth.yaml` has `budget: {money: 5000}`, and aimass.yaml no `prices`.",
        "aimass.yaml has `prices: {cpu_hour: 0.04, currency: EUR}`.",
        "situation",
    ),
)
_RESERVED = conventions.FLEET_FOLDER


def read_teams(
    project: Project, settings: Settings, texts: Mapping[Path, bytes]
) -> tuple[dict[str, Team], dict[str, Document], list[Finding]]:
    """The teams by their names, the documents that describe them, and what is wrong with each."""
    teams: dict[str, Team] = {}
    documents: dict[str, Document] = {}
    findings: list[Finding] = []
    folder = project.root / conventions.TEAMS_FOLDER
    for path in sorted({*folder.rglob("*"), *(path for path in texts if path.parent == folder)}):
        shown = path.relative_to(project.root).as_posix()
        if not path.name.lower().endswith(SPEC_SUFFIXES) or path.name.startswith("."):
            continue
        if path.parent != folder or path.suffix != ".yaml" or not _is_name(path.stem):
            findings.append(_misnamed(path, shown))
            continue
        read = read_text(path, shown, texts, may_be_empty=True)
        documents[shown], wrong = read
        team, more = decode(Team, read[0].data, shown, read[0].written)
        teams[path.stem] = team or Team.default()
        findings += [*wrong, *more, *_beside(teams[path.stem], settings, shown)]
    return teams, documents, findings


def _is_name(name: str) -> bool:
    return re.fullmatch(MODEL_NAME, name) is not None and name != _RESERVED


def _misnamed(path: Path, shown: str) -> Finding:
    hint = "a team is a file such as `teams/growth.yaml`"
    reason = "it is not directly in `teams/`, ends otherwise than in `.yaml`, or is not called like a team"
    if path.stem == _RESERVED:
        reason, hint = f"`{_RESERVED}` is the folder of what is made for all models", "choose another name"
    return Finding("AM313", (), f"`{shown}` is not read: {reason}", help=hint, file=shown)


def _beside(team: Team, settings: Settings, file: str) -> Iterator[Finding]:
    """What a team says of things that aimass.yaml does not have."""
    for name in team.environments:
        if name not in settings.environments:
            message = f"there is no environment `{name}` in {conventions.SETTINGS_FILE}"
            hint = did_you_mean(name, settings.environments)
            yield Finding("AM321", ("environments", name), message, help=hint, at_key=True, file=file)
    if team.budget is not None and team.budget.money is not None and settings.prices is None:
        message = f"there are no `prices` in {conventions.SETTINGS_FILE}, so nothing costs anything"
        hint = "write `prices: {cpu_hour: 0.04, gib_hour: 0.005, gpu_hour: 2.5}` there"
        yield Finding("AM322", ("budget", "money"), message, help=hint, file=file)


def disagreements(organisation: Organisation) -> Iterator[Finding]:
    """Teams whose namespaces are those of another team, or of models without a team."""
    settings = organisation.settings
    taken: dict[tuple[str | None, str], tuple[str, str | None]] = {
        (each.server, settings.namespace_of(name)): (f"models without a team in `{name}`", None)
        for name, each in settings.environments.items()
    }
    for team in sorted(organisation.teams):
        own = organisation.settings_of_team(team)
        for environment, each in own.environments.items():
            place = each.server, own.namespace_of(environment)
            whose, file = taken.setdefault(place, (f"team `{team}` in `{environment}`", team))
            if file == team:
                continue
            message = f"the namespace `{place[1]}` of `{environment}` is that of {whose}, too"
            hint = f"write `environments: {{{environment}: {{namespace: …}}}}`"
            note = Related((), whose, file=conventions.TEAM_FILE.format(team=file)) if file else None
            yield Finding(
                "AM317",
                ("environments", environment),
                message,
                help=hint,
                related=(note,) if note else (),
                file=conventions.TEAM_FILE.format(team=team),
            )


def shared_hosts(organisation: Organisation) -> Iterator[Finding]:
    """Hosts that two teams have, which neither could use then."""
    told = set[tuple[str | int, ...]]()
    for environment in organisation.settings.environments:
        taken: dict[str, str] = {}
        for name, team in sorted(organisation.teams.items()):
            above = ("environments", environment) if team.is_of_environment(environment, "hosts") else ()
            hosts = team.hosts_in(environment) or ()
            for place, host in enumerate(hosts):
                other = next((each for each in taken if covers(each, host) or covers(host, each)), None)
                if other is not None and (name, *above, place) not in told:
                    told.add((name, *above, place))
                    message = (
                        f"`{other}` is of team `{taken[other]}` in {environment}, and a host has one team"
                    )
                    yield _of_two(name, taken[other], (*above, "hosts", place), message)
            taken |= dict.fromkeys(hosts, name)


def _of_two(team: str, other: str, path: tuple[str | int, ...], message: str) -> Finding:
    hint = "take it out of the file of one of them, or name hosts that are apart"
    note = Related((), f"team `{other}`", file=conventions.TEAM_FILE.format(team=other))
    file = conventions.TEAM_FILE.format(team=team)
    return Finding("AM315", path, message, help=hint, related=(note,), file=file)


def undescribed(project: Project, organisation: Organisation) -> Iterator[Finding]:
    """Folders of specs that no file describes as a team."""
    below = {path.relative_to(project.specs_folder).parts for path in project.specs()}
    names = {parts[0] for parts in below if len(parts) > 1 and _is_name(parts[0])}
    for name in sorted(names - organisation.teams.keys()):
        file = conventions.TEAM_FILE.format(team=name)
        message = f"no `{file}` describes the team of `{conventions.SPECS_FOLDER}/{name}/`"
        hint = did_you_mean(name, organisation.teams)
        if not hint.startswith("did you mean"):
            hint = f"write `{file}`, which may be empty"
        severity = Severity.ERROR if organisation.teams else Severity.WARNING
        shown = f"{conventions.SPECS_FOLDER}/{name}"
        yield Finding("AM314", (), message, help=hint, severity=severity, file=shown)
