"""What is in the core and in the image, as CycloneDX has it: every pinned package with its hashes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from aimass_compiler.version import __version__
from scripts.release import distributions
from scripts.release.failure import run
from scripts.release.version import ROOT

_PINS = ROOT / "requirements"
#: Of what it is said, and the pins that say it.
_LISTED = {"core": "core.txt", "image": "image.txt"}


def write(into: Path) -> list[Path]:
    """One file for each of what is published, the same for the same commit. Raises ReleaseFailed."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        environment = Path(temporary) / "venv"
        run(["uv", "venv", "--quiet", environment])
        install = ["uv", "pip", "install", "--quiet", "--python", environment, "--require-hashes"]
        run([*install, "-r", _PINS / "sbom.txt"])
        described = Path(temporary) / "pyproject.toml"
        # The package's own has no version, which is in its code.
        described.write_text(
            f'[project]\nname = "aimass-compiler"\nversion = "{__version__}"\nlicense = "Apache-2.0"\n'
        )
        return [
            _written(environment / "bin" / "cyclonedx-py", described, pins, into / f"sbom-{name}.cdx.json")
            for name, pins in _LISTED.items()
        ]


def _written(program: Path, described: Path, pins: str, path: Path) -> Path:
    options = ["--pyproject", described, "--output-reproducible", "--output-format", "JSON"]
    time = {"SOURCE_DATE_EPOCH": distributions.epoch(ROOT)}
    said = run([program, "requirements", *options, _PINS / pins], variables=time)
    path.write_text(json.dumps(json.loads(said), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path
