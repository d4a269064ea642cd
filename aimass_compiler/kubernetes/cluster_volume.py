"""The volume that a training job works in: files of the project go in, and results come out.

Nothing but a pod reaches a volume, so one is started for it, from the image that trains: it is on the nodes
already. It runs nothing but `tar`, for as long as files are copied.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.objects import Object, ObjectKey
from aimass_compiler.kubernetes.prune import wait_until_gone
from aimass_compiler.kubernetes.readiness import wait_for
from aimass_compiler.kubernetes.transport import Report
from aimass_compiler.programs.kubectl import Kubectl, KubectlError
from aimass_compiler.render.object_kind import WorkloadState, at

#: Of the volumes and mounts of the pod that trains, those that it has, too.
_VOLUMES = frozenset(("workspace", "tmp"))
_LONGEST_SECONDS = 3600
#: What the container that copies has of the one that trains, by which the volume lets it in.
_AS_THE_TRAINER = ("image", "imagePullPolicy", "securityContext")
_RESOURCES = {
    "requests": {"cpu": "200m", "memory": "256Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "256Mi"},
}
_TRIES = 3


class NotCopied(ClusterError):  # noqa: N818  # it reads as what is the case
    """Files did not reach the volume, or did not come back."""


@dataclass(frozen=True)
class ClusterVolume:
    """An open volume."""

    kubectl: Kubectl
    namespace: str
    pod: str

    def send(self, root: Path, paths: Sequence[str]) -> None:
        """Copy files and folders to the same places below the volume's root. Raises NotCopied."""
        with TemporaryDirectory() as folder:
            archive = Path(folder) / "files.tar.gz"
            with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
                for path in paths:
                    packed.add((root / path).resolve(), path)
            # The end of the input does not reach every pod, so the reader gets the count first.
            command = f"head -c {archive.stat().st_size} | tar --extract --gzip --no-same-owner"
            self._tried(lambda: self._run("sh", "-c", command, given=archive))

    def receive(self, paths: Sequence[str], folder: Path) -> None:
        """Copy folders of the volume into an empty folder, whole. Raises NotCopied."""
        self._tried(lambda: self._receive(paths, folder))

    def _receive(self, paths: Sequence[str], folder: Path) -> None:
        with TemporaryDirectory() as made:
            archive = Path(made) / "files.tar.gz"
            # Compressed, as its end carries a checksum: what was cut short on its way is not taken for whole.
            self._run("tar", "--create", "--gzip", *paths, answer=archive)
            try:
                with tarfile.open(archive, "r:gz") as packed:
                    packed.extractall(folder, filter="data")
                with gzip.open(archive) as whole:
                    while whole.read(1 << 20):
                        pass
            except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
                raise KubectlError(f"what came back cannot be unpacked: {error}") from None

    def _run(self, *command: str, given: Path | None = None, answer: Path | None = None) -> None:
        self.kubectl.execute(self.namespace, self.pod, command, given=given, answer=answer)

    def _tried(self, copy: Callable[[], None]) -> None:
        """Connections break; what was copied half is copied again."""
        for last in range(_TRIES):
            try:
                copy()
            except KubectlError as error:
                if last == _TRIES - 1:
                    raise NotCopied(str(error), error.help or "run it again; it goes on") from None
            else:
                return


@contextmanager
def opened(
    connection: Connection,
    kubectl: Kubectl,
    template: Object,
    namespace: str,
    check: Callable[[], None],
    *,
    timeout: float,
    report: Report,
) -> Iterator[ClusterVolume]:
    """The volume of a training job, by its pods' template, while a block runs. Raises ClusterError."""
    pod = copying_pod(template, namespace)
    key = ObjectKey("", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    deadline = time.monotonic() + timeout
    _remove(connection, key, deadline)  # what a run left that was killed
    connection.apply(pod)
    try:
        wait_for(connection, key, _state, check, deadline=deadline, report=report)
        yield ClusterVolume(kubectl, key.namespace, key.name)
    finally:
        if (found := connection.get(key)) is not None:
            connection.delete(found)


def _remove(connection: Connection, key: ObjectKey, deadline: float) -> None:
    if (found := connection.get(key)) is not None:
        connection.delete(found)
        wait_until_gone(connection, [found], deadline)


def _state(pod: Object) -> WorkloadState:
    phase = str(at(pod, "status", "phase") or "Pending")
    ready = any(
        each.get("type") == "Ready" and each.get("status") == "True"
        for each in at(pod, "status", "conditions") or ()
    )
    return WorkloadState(
        f"{phase}, to copy files", is_ready=ready, has_failed=phase in {"Failed", "Succeeded"}
    )


def copying_pod(template: Object, namespace: str) -> dict[str, Any]:
    """The pod that files are copied through: as the one that trains, but for what it runs."""
    (trainer,) = template["spec"]["containers"]
    volumes = [each for each in template["spec"]["volumes"] if each["name"] in _VOLUMES]
    mounts = [each for each in trainer["volumeMounts"] if each["name"] in _VOLUMES]
    (workspace,) = (each["mountPath"] for each in mounts if each["name"] == "workspace")
    (claim,) = (each["persistentVolumeClaim"] for each in volumes if each["name"] == "workspace")
    # But for what only a node of the job knows.
    variables = [each for each in trainer.get("env", ()) if "value" in each]
    container = {
        "name": "copy",
        **{field: trainer[field] for field in _AS_THE_TRAINER if field in trainer},
        **({"env": variables} if variables else {}),
        "command": ["sleep", str(_LONGEST_SECONDS)],
        "workingDir": workspace,
        "resources": _RESOURCES,
        "volumeMounts": mounts,
    }
    metadata = {"name": claim["claimName"], "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | {"labels": template["metadata"]["labels"]},
        "spec": {
            **{name: value for name, value in template["spec"].items() if name != "containers"},
            "activeDeadlineSeconds": _LONGEST_SECONDS,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": volumes,
        },
    }


def put_in_place(came: Path, root: Path, paths: Sequence[str]) -> None:
    """Let folders that came from the volume take the place of those of the project."""
    for path in paths:
        target = root / path
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(came / path, target)
