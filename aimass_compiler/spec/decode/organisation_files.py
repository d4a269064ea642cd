"""An organisation from the files of its project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.contracts import read_shared_parts
from aimass_compiler.spec.decode.policy_files import read_policies
from aimass_compiler.spec.decode.settings_file import read_settings
from aimass_compiler.spec.decode.sharing_rules import missing_names
from aimass_compiler.spec.decode.team_files import disagreements, read_teams, shared_hosts, undescribed
from aimass_compiler.spec.yaml.document import Document


def read_organisation(
    project: Project, texts: Mapping[Path, bytes] | None = None
) -> tuple[Organisation, dict[str, Document], list[Finding]]:
    """The organisation, the documents that it stands in, and what is wrong with them.

    `texts` count in the place of what is on disk.
    """
    shown = project.shown(project.settings)
    settings, document, findings = read_settings(project.settings, shown, (texts or {}).get(project.settings))
    teams, documents, more = read_teams(project, settings, texts or {})
    members = {name: team.github.everyone if team.github else () for name, team in teams.items()}
    policies, rules, wrong = read_policies(project, settings, members, texts or {})
    shared, of_shared, problems = read_shared_parts(project, texts or {})
    organisation = Organisation(settings, teams, policies, shared)
    more += [
        *disagreements(organisation),
        *shared_hosts(organisation),
        *undescribed(project, organisation),
        *missing_names(project, organisation),
        *wrong,
        *problems,
    ]
    return organisation, {shown: document, **documents, **rules, **of_shared}, [*findings, *more]
