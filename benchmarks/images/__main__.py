"""`python -m benchmarks.images`: build the server, publish the shipped specs on it, and run them."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.programs import kustomize
from benchmarks.images import base, building, index, pod, project, report, running
from benchmarks.images.store import BuildFailed, Store, pushed
from scripts.cluster import image_registry

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

    @property
    def elsewhere(self) -> Path:
        return self.folder / "else where"


def main() -> int:
    """Measure and print; answers 1 where an image is not what it must be."""
    asked = _arguments()
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        sys.stderr.write(
            f"this needs {', '.join(missing)} (packages of Debian, the last of util-linux), and root\n"
        )
        return 1
    place = _Place(asked.folder.resolve())
    place.folder.mkdir(parents=True, exist_ok=True)
    try:
        with image_registry.running(place.folder) as registry:
            store = Store(place.folder / "store", registry.place)
            measured, stands_on, faults = _all_measured(place, store, asked)
    except (BuildFailed, running.ContainerFailed) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    text = report.markdown(measured, stands_on, faults)
    print(f"\n{text}")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(text, encoding="utf-8")
    return int(bool(faults))


def _all_measured(
    place: _Place, store: Store, asked: argparse.Namespace
) -> tuple[list[report.Measured], str, list[str]]:
    """Every model, what the images stand on, and what is not as it must be."""
    project.prepare(place.project, tuple(asked.models), store.registry)
    options = index.options(place.folder)
    stands_on = base.provide(store, asked.base)
    print(
        "build the server, build it again elsewhere, and with other wheels than the pinned ones", flush=True
    )
    server, context = building.build(store, place.project, options)
    digest = store.image(server).digest
    building.build_again(store, context, place.elsewhere, f"{server}-again", options)
    again = store.image(f"{server}-again").digest
    faults = [] if digest == again else [f"built again, {digest} is {again}"]
    faults += building.faults_of_pins(store, context, place.elsewhere, options)
    faults += building.faults_of_secrets(store, server)
    building.push(store, place.project, options)
    measured = [_measured(place, store, model, asked.starts) for model in asked.models]
    return measured, stands_on, faults + [fault for each in measured for fault in each.faults]


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


def _measured(place: _Place, store: Store, model: str, starts: int) -> report.Measured:
    print(f"{model}: publish it, pull what was pushed, start it {starts} times", flush=True)
    published = project.publish(place.project, model, _ENVIRONMENT)
    name = published.reference
    store.buildah("pull", "--quiet", "--tls-verify=false", name)
    image = pushed(published)
    objects = kustomize.find().build(place.project / "generated" / model / "overlays" / _ENVIRONMENT)
    with store.unpacked(name) as root:
        config = pod.bundle(objects, image.config, root, f"/aimass-images/{model}")
        folder, artifacts = place.folder / "bundles" / model, str(place.project / "artifacts" / model)
        seen = [running.run(folder, config, f"aimass-{model}", [artifacts]) for _ in range(starts)]
        size = building.files_bytes(root)
    return report.Measured(
        model=model,
        image=image,
        size=size,
        seen=_middle(seen),
        faults=tuple(_faults(model, seen)),
    )


def _middle(seen: Sequence[running.Seen]) -> running.Seen:
    """The start that took the middling time."""
    ready = statistics.median_low(each.ready_seconds for each in seen)
    return next(each for each in seen if each.ready_seconds == ready)


def _faults(model: str, seen: Sequence[running.Seen]) -> list[str]:
    wrong = max(each.wrong_rows for each in seen)
    return [f"{model}: {wrong} of {seen[0].rows} rows are answered otherwise than here"] if wrong else []


if __name__ == "__main__":
    sys.exit(main())
