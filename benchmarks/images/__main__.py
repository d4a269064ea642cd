"""`python -m benchmarks.images`: build and run the serving images of the shipped specs, as one table."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cluster import kustomize
from benchmarks.images import base, building, index, pod, project, report, running
from benchmarks.images.store import BuildFailed, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDED = ("buildah", "runc", "nsenter")
_ENVIRONMENT = "prod"


@dataclass(frozen=True)
class _Place:
    """Where this benchmark keeps what it makes."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def context(self, model: str) -> Path:
        return self.project / "artifacts" / model / "package"


def main() -> int:
    """Measure and print; answers 1 where an image is not what it must be."""
    asked = _arguments()
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        sys.stderr.write(
            f"this needs {', '.join(missing)} (packages of Debian, the last of util-linux), and root\n"
        )
        return 1
    place, store = _Place(asked.folder.resolve()), Store(asked.folder.resolve() / "store")
    try:
        project.prepare(place.project, tuple(asked.models))
        options = index.options(place.folder)
        stands_on = base.provide(store, asked.base)
        measured = [_measured(place, store, model, options, asked.starts) for model in asked.models]
        print(f"{asked.models[0]}: build with other wheels than the pinned ones", flush=True)
        context, elsewhere = place.context(asked.models[0]), place.folder / "else where"
        faults = building.faults_of_pins(store, context, elsewhere, options)
        faults += building.faults_of_secrets(store, measured[0].name)
    except (BuildFailed, running.ContainerFailed) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    faults += [fault for each in measured for fault in each.faults]
    text = report.markdown(measured, stands_on, faults)
    print(f"\n{text}")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(text, encoding="utf-8")
    return int(bool(faults))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__)
    parser.add_argument(
        "--models", nargs="+", choices=project.MODELS, default=list(project.MODELS), metavar="MODEL"
    )
    parser.add_argument("--starts", type=int, default=5, help="how often each is started (default 5)")
    parser.add_argument("--base", default="python:3.11-slim", help="the base image that the specs name")
    parser.add_argument("--folder", type=Path, default=Path("build/images"), help="where all is kept")
    parser.add_argument("--results", type=Path, help="write the report to this file, too")
    return parser.parse_args()


def _measured(place: _Place, store: Store, model: str, options: list[str], starts: int) -> report.Measured:
    print(f"{model}: build the image, build it again elsewhere, start it {starts} times", flush=True)
    name = building.build(store, place.project, model, options)
    image = store.image(name)
    building.build_again(store, place.context(model), place.folder / "else where", f"{name}-again", options)
    again = store.image(f"{name}-again")
    objects = kustomize.find().build(place.project / "generated" / model / "overlays" / _ENVIRONMENT)
    with store.unpacked(name) as root:
        config = pod.bundle(objects, image.config, root, f"/aimass-images/{model}")
        artifacts = str(place.context(model).parent)
        folder = place.folder / "bundles" / model
        seen = [running.run(folder, config, f"aimass-{model}", [artifacts]) for _ in range(starts)]
        size = building.files_bytes(root)
    return report.Measured(
        model=model,
        name=name,
        image=image,
        size=size,
        seen=_middle(seen),
        faults=tuple(_faults(model, image.digest, again.digest, seen)),
    )


def _middle(seen: Sequence[running.Seen]) -> running.Seen:
    """The start that took the middling time."""
    ready = statistics.median_low(each.ready_seconds for each in seen)
    return next(each for each in seen if each.ready_seconds == ready)


def _faults(model: str, digest: str, again: str, seen: Sequence[running.Seen]) -> list[str]:
    faults = [] if digest == again else [f"{model}: built again, {digest} is {again}"]
    wrong = max(each.wrong_rows for each in seen)
    return faults + (
        [f"{model}: {wrong} of {seen[0].rows} rows are answered otherwise than here"] if wrong else []
    )


if __name__ == "__main__":
    sys.exit(main())
