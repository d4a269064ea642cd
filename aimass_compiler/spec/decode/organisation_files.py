"""An organisation from the files of its project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.settings_file import read_settings
from aimass_compiler.spec.decode.team_files import disagreements, read_teams, undescribed
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
    organisation = Organisation(settings, teams)
    more += [*disagreements(organisation), *undescribed(project, organisation)]
    return organisation, {shown: document, **documents}, [*findings, *more]
