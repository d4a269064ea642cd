"""`python -m scripts.cluster`: build the programs that tests run, start a control plane, stop it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.cluster import background, programs
from scripts.cluster.control_plane import NotReady
from scripts.cluster.programs import BuildFailed, ProgramMissing

FOLDER = background.ROOT / "build" / "cluster"


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m scripts.cluster", description=__doc__)
    parser.add_argument("act", choices=("build", "start", "stop", "serve"))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for its data, logs and kubeconfig")
    parser.add_argument("--until", type=int, metavar="PID", help="serve until this process has ended")
    parser.add_argument(
        "--define", choices=background.DEFINITIONS, default="rendered", help="custom resources"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="build: also what few tests need, and fail where one cannot be built",
    )
    chosen = parser.parse_args()
    match chosen.act:
        case "build":
            return build(needs_all=chosen.all)
        case "start":
            return start(chosen.folder)
        case "stop":
            print("stopped" if background.stop(chosen.folder) else "no cluster runs")
            return 0
        case _:
            return background.serve(chosen.folder, chosen.until, chosen.define)


def build(*, needs_all: bool) -> int:
    """Build what is missing; tests say themselves what cannot be built, so that is 0 unless all is needed."""
    try:
        programs.build_all(print)
        if needs_all:
            programs.build_all(print, [name for module in programs.MODULES for name in module.programs])
    except (ProgramMissing, BuildFailed) as error:
        print(f"the tests that need it will be skipped: {error}")
        return int(needs_all)
    return 0


def start(folder: Path) -> int:
    """Start a control plane that goes on until it is stopped, and say how it is used."""
    try:
        programs.build_all(print, (*programs.CONTROL_PLANE, *programs.CONTROLLERS))
        background.launch(folder, "--define=all")
        kubeconfig = background.wait(folder)
    except (ProgramMissing, BuildFailed, NotReady) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"export KUBECONFIG={kubeconfig}")
    print(f"export PATH={programs.program('kubectl').parent}:$PATH")
    print(f"# its logs are in {folder}; `make cluster-stop` ends it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
