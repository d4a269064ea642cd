"""Make the catalogue of all models, as pages for a browser.

One page lists every model with its owner, newest version and what runs in which environment, to search and
filter; behind it is a page of each, with its versions, where they ran and the card of the newest. All is read
from git, and no model has to be here; reports of runs that are here are linked. The folder can be served from
anywhere, such as GitHub Pages (`ci.github.pages` in aimass.yaml), or opened as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

EXIT_CODES = (ExitCode.DISK,)
EXAMPLES = """
  aimass site                            build/site/index.html
  aimass site --into public --title "Models of growth"
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help="where to (default: build/site of the project)"
    )
    parser.add_argument(
        "--title", default="Models", help="what the catalogue is called (default: %(default)s)"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write it; answers an ExitCode."""
    from aimass_compiler.cli.pages.catalogue import INDEX, CatalogueEntry
    from aimass_compiler.cli.pages.catalogue.folder import ForeignFolder, write_catalogue
    from aimass_compiler.programs import git
    from aimass_compiler.releases.version_record import DamagedRecord, models_of

    project = project_of(arguments)
    folder = arguments.into or project.root / "build" / "site"
    models = sorted({*project.models(), *models_of(project.root)})
    try:
        write_catalogue(
            [CatalogueEntry.read(project.root, model) for model in models], arguments.title, folder
        )
    except (DamagedRecord, git.GitError) as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    except ForeignFolder:
        terminal.error(f"{folder} holds other files", "name a new folder, or an empty one, with --into")
        return ExitCode.USAGE
    except OSError as error:
        terminal.error(f"{folder} could not be written: {error.strerror}")
        return ExitCode.DISK
    print(f"{len(models)} {'model' if len(models) == 1 else 'models'}: {folder / INDEX}")
    return ExitCode.DONE
