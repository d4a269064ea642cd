"""`uv venv` and `uv pip install`, without an index: what the tests have, and this project's code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

VENV = Path(".venv")
#: What has no wheel, and how it is built.
BUILT = ["--no-binary", "antlr4-python3-runtime", "--no-build-isolation"]


def main(words: list[str]) -> int:
    """Make an environment, or install into it."""
    match words:
        case ["venv"]:
            command = [sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(VENV)]
            return subprocess.run(command, check=False).returncode
        case ["pip", "install", "--require-hashes", "--only-binary", ":all:", *options, "-r", file]:
            assert options in ([], BUILT), options
            assert "--hash=sha256:" in Path(file).read_text(), file
            install_packages()
        case ["pip", "install", "--no-deps", "--no-build-isolation", "."]:
            install_project()
        case _:
            print(f"uv: not known here: {words}", file=sys.stderr)
            return 2
    return 0


def packages_of_venv() -> Path:
    """Where the environment keeps its packages."""
    (found,) = VENV.glob("lib/python*/site-packages")
    return found


def install_packages() -> None:
    """Every package of the tests, from where it is; their programs run in the environment."""
    paths = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (packages_of_venv() / "packages.pth").write_text("".join(f"{path}\n" for path in paths))
    write_program("dvc", "dvc.cli:main")


def install_project() -> None:
    """A copy, as a wheel would have it; the same sources are copied once, as uv keeps what it built."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    name = project["name"].replace("-", "_")
    asked = ["git", "rev-parse", f"HEAD:{name}"]
    tree = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    kept = Path(os.environ["STAND_IN_GITHUB"]) / f"built-{tree}"
    if not kept.exists():
        new = kept.with_name(f"{kept.name}-{os.getpid()}")
        shutil.copytree(name, new / name, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            new.rename(kept)
        except OSError:  # another job was faster
            shutil.rmtree(new)
    (packages_of_venv() / "built.pth").write_text(f"{kept}\n")
    for program, entry in project["scripts"].items():
        write_program(program, entry)


def write_program(name: str, entry: str) -> None:
    """A program of a package, as installers write it."""
    module, _, function = entry.partition(":")
    path = VENV / "bin" / name
    python = (VENV / "bin" / "python").absolute()
    path.write_text(f"#!{python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    path.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
