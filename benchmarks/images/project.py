"""A project with the shipped specs whose models are trained, tested and packaged."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import ImageDigest
from benchmarks.images.store import run

ROOT = Path(__file__).parents[2]
MODELS = tuple(sorted(path.stem for path in (ROOT / "specs").glob("*.yaml")))


def prepare(folder: Path, models: tuple[str, ...], registry: str) -> None:
    """Bring the packages of these models up to date; raises BuildFailed when a stage fails."""
    shutil.copytree(ROOT / "specs", folder / "specs", dirs_exist_ok=True)
    for made in (conventions.VERSIONS_FOLDER, conventions.RELEASES_FOLDER):  # of an earlier registry
        shutil.rmtree(folder / made, ignore_errors=True)
    (folder / conventions.SETTINGS_FILE).write_text(
        f"images: {{registry: {registry}/ml}}\n", encoding="utf-8"
    )
    run(
        [sys.executable, str(ROOT / "data" / "prepare.py"), "--folder", str(folder / "data")],
        dict(os.environ),
    )
    aimass(folder, "compile")
    for model in models:
        print(f"{model}: run what is not up to date", flush=True)
        aimass(folder, "run", model)


def publish(folder: Path, model: str, environment: str) -> ImageDigest:
    """Publish a model and release it in an environment; answers its image. Raises BuildFailed."""
    aimass(folder, "publish", model)
    version = version_record.versions_of(folder, model)[-1]
    assert version.image is not None
    images = {model: version.image}
    release = Release(environment=environment, model=model, images=images, version=version.name)
    path = release_file.file_of(folder, environment, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(release_file.edited(None, release))
    return version.image


def aimass(folder: Path, *arguments: str, variables: dict[str, str] | None = None) -> str:
    """What a command answers in the project; raises BuildFailed."""
    program = str(Path(sys.executable).with_name("aimass"))
    return run([program, *arguments, "--root", str(folder)], variables or dict(os.environ))
