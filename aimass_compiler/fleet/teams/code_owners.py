"""Who approves what, as GitHub reads it: the lines of `.github/CODEOWNERS` that follow from the teams.

They stand in a block at the end of the file, for the last line that matches a path is the one that counts;
what people wrote before it stays as it is.
Source: https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aimass_compiler import conventions
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.team import Team

BEGIN = (
    "# aimass: begin. Compiled from teams/ and aimass.yaml by `aimass compile`; your own lines stand before."
)
END = "# aimass: end."
#: What begins both marks in any version of their sentences.
_BEGIN, _END = "# aimass: begin", "# aimass: end"


class NotOneBlock(Exception):  # noqa: N818  # what somebody's merge or edit left, and no error of ours
    """There is a half of the compiled block, or more than one."""


def with_block(existing: str, organisation: Organisation) -> str:
    """The file with the lines that the organisation stands for at its end, or without where there are none.

    What stands behind the block goes before it. Raises NotOneBlock.
    """
    lines, compiled = existing.splitlines(), [*_lines(organisation)]
    marks = [place for place, line in enumerate(lines) if line.startswith((_BEGIN, _END))]
    if not marks and not compiled:
        return existing
    if marks and [lines[place].startswith(_BEGIN) for place in marks] != [True, False]:
        raise NotOneBlock
    own = [*lines[: marks[0]], *lines[marks[1] + 1 :]] if marks else lines
    while own and not own[-1].strip():
        own = own[:-1]
    block = [*([""] if own else []), BEGIN, *compiled, END] if compiled else []
    return "".join(f"{line}\n" for line in (*own, *block))


def _lines(organisation: Organisation) -> Iterator[str]:
    owners, teams = organisation.settings.teams.owners, organisation.teams
    described = {name: team for name, team in sorted(teams.items()) if team.github is not None}
    if owners and (teams or described):
        shared = (conventions.SETTINGS_FILE, *(f"{name}/" for name in conventions.ORGANISATION_FOLDERS))
        fleet = f"{conventions.GENERATED_FOLDER}/{conventions.FLEET_FOLDER}/"
        for path in (*shared, fleet, f"{conventions.GITHUB_FOLDER}/"):
            yield _line(path, owners)
    yield from _of_policies(organisation)
    for name, team in described.items():
        yield from _of_team(name, team, [*organisation.settings.environments])


def _of_policies(organisation: Organisation) -> Iterator[str]:
    """A policy's approvers approve its waivers, and the policy where the organisation has no owners."""
    for name, policy in sorted(organisation.policies.policies.items()):
        if policy.approvers and not organisation.settings.teams.owners:
            yield _line(conventions.POLICY_FILE.format(policy=name), policy.approvers)
        if policy.approvers:
            yield _line(conventions.POLICY_WAIVERS_FILE.format(policy=name), policy.approvers)


def _of_team(name: str, team: Team, environments: Sequence[str]) -> Iterator[str]:
    """Members approve what the team makes, and who is on call what runs in the last environment."""
    if team.github is None:
        return
    members, oncall = team.github.members, team.github.oncall or team.github.members
    for folder in (
        conventions.SPECS_FOLDER,
        conventions.GENERATED_FOLDER,
        conventions.VERSIONS_FOLDER,
        conventions.ACCEPTS_FOLDER,
    ):
        yield _line(f"{folder}/{name}/", members)
    for environment in environments:
        who = oncall if environment == environments[-1] else members
        yield _line(f"{conventions.RELEASES_FOLDER}/{environment}/{name}/", who)


def _line(path: str, owners: Sequence[str]) -> str:
    return f"/{path} {' '.join(owners)}"
