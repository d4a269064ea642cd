"""Goes back at once to what ran before: changes the images of a model's pods, and holds the bad ones back.

The order is what makes it safe beside another run. First the hold is written, so that whoever applies next
is refused; then the lease is taken from who applies now, which stops before its next step; then the images
change. What a run that is stopped has sent in that moment is seen while waiting, and changed again.
Nothing is compiled or built, and no file is read: what we applied is read back from the cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aimass_compiler import conventions, model_path
from aimass_compiler.kubernetes import inventory
from aimass_compiler.kubernetes.applied_part import applied_part
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.delivery_engine import require_no_engine
from aimass_compiler.kubernetes.failures import Changed, ClusterError
from aimass_compiler.kubernetes.handover import deployment_of
from aimass_compiler.kubernetes.hold import ImageHold
from aimass_compiler.kubernetes.inventory import AppliedRelease, ClusterInventory
from aimass_compiler.kubernetes.lease import Lease, whoami
from aimass_compiler.kubernetes.objects import Object, ObjectKey, key_of
from aimass_compiler.kubernetes.pauses import pauses
from aimass_compiler.kubernetes.pod_images import (
    Images,
    digests_of,
    images_in,
    images_of,
    is_package,
    is_volume,
    version_of,
    with_images,
)
from aimass_compiler.kubernetes.readiness import NotReady, wait
from aimass_compiler.kubernetes.transport import Report
from aimass_compiler.releases.release_file import Release
from aimass_compiler.render.image_volumes import is_entry
from aimass_compiler.render.serving.argo_rollouts import is_canary
from aimass_compiler.render.targets import kind_of, kind_of_object

_LONGEST_PAUSE = 1.0
_TRIES = 10


class NothingBefore(ClusterError):  # noqa: N818  # it reads as what is the case
    """The cluster does not know what ran before."""


@dataclass(frozen=True)
class RolledBack:
    """What runs again, and what is held back."""

    model: str
    environment: str
    release: AppliedRelease
    hold: ImageHold
    pods: int
    """How many run it, all there are; none where a shared server brings it within seconds."""
    seconds: float


@dataclass(frozen=True)
class Rollback:
    """Which model is to go back, where, and why."""

    model: str
    environment: str
    namespace: str
    reason: str
    timeout: float
    to: Release | None = None
    """What is to run; None for what ran before, as the cluster itself has it."""


def roll_back(connection: Connection, wanted: Rollback, report: Report) -> RolledBack:
    """Let all pods run the release of before, and hold the other one back. Raises ClusterError.

    It can be run again at any point: it goes on.
    """
    started = time.monotonic()
    owned = _inventory(connection, wanted)
    workload, rollout = _serving(connection, owned)
    release = _release(owned, images_of(workload), wanted)
    owned = _held(connection, wanted, workload, release)
    report(f"{owned.holds[-1]}")
    lease = Lease(connection, owned.namespace, owned.model, owned.environment)
    lease.take_over()
    try:
        pods = _changed(connection, wanted, owned, [workload, *([rollout] if rollout else ())], report)
    finally:
        lease.release()
    seconds = time.monotonic() - started
    return RolledBack(owned.model, owned.environment, release, owned.holds[-1], pods, seconds)


def _changed(
    connection: Connection,
    wanted: Rollback,
    owned: ClusterInventory,
    workloads: Sequence[Object],
    report: Report,
) -> int:
    """Change the images and wait until all pods run them; answers how many there are. Raises ClusterError."""
    deadline = time.monotonic() + wanted.timeout
    keys = [key_of(each) for each in workloads]
    keeping = _Keeping(connection, keys[0], keys[1] if len(keys) > 1 else None, owned.release)
    keeping.check()
    report(f"{owned.model} in {owned.environment} is to run `{owned.version}` again")
    live = [found for key in keys if (found := connection.get(key)) is not None]
    wait(connection, live, keeping.check, timeout=wanted.timeout, report=report)
    return _wait_for_pods(connection, owned, keeping.check, deadline)


def _inventory(connection: Connection, wanted: Rollback) -> ClusterInventory:
    owned = inventory.read(connection, wanted.namespace, wanted.model, wanted.environment)
    if owned is None:
        raise ClusterError(
            f"nothing of `{wanted.model}` was applied in {wanted.environment} ({wanted.namespace})",
            "see what runs there: `aimass status`",
        )
    return owned


def _serving(connection: Connection, owned: ClusterInventory) -> tuple[Object, Object | None]:
    """What has the model's images, a template of pods as a rule, and the Rollout that runs them in its place.

    Raises ClusterError where there is none, or one of another form, as several nodes have.
    """
    keys = [each.key for each in owned.entries if _is_released(each.key, owned.model)]
    found = [live for key in keys if (live := connection.get(key)) is not None]
    workload = next(filter(images_of, found), None)
    if workload is None:
        raise ClusterError(f"nothing serves `{owned.model}` in {owned.environment}", "apply it again")
    if not is_entry(workload) and not kind_of_object(workload).pod_path:
        raise ClusterError(
            f"{key_of(workload)} has no template of pods that could be changed at once",
            "roll back in git, without `--now`, and apply",
        )
    require_no_engine(found)
    rollouts = (each for each in found if deployment_of(each) == key_of(workload))
    return workload, next(rollouts, None)


def _is_released(key: ObjectKey, model: str) -> bool:
    """Whether an object may have the images of a release: it has pods, or is what a shared server follows."""
    entry = conventions.ENTRY_NAME.format(model=model_path.name_of(model))
    return kind_of(key.group, key.kind).serves or (key.kind, key.name) == ("ConfigMap", entry)


def _release(owned: ClusterInventory, running: Images, wanted: Rollback) -> AppliedRelease:
    """What is to run. Raises ClusterError where it is not known, or is served in another way."""
    ours = {place: running[place] for place in owned.release.images if place in running} or running
    if wanted.to is not None:
        release = _placed(wanted.to, ours)
    elif owned.holds and not owned.is_complete:
        release = owned.release  # a rollback that goes on
    else:
        release = owned.before
    if not release.images:
        raise NothingBefore(
            f"it is not known what ran before `{owned.version}` in {owned.environment}",
            "name a version: `aimass rollback MODEL --env ENV --version vN --now`",
        )
    if release.images.keys() != ours.keys():
        raise ClusterError(
            f"`{release.version}` is served in another way than what runs now "
            f"({', '.join(sorted(release.images))}, not {', '.join(sorted(ours))})",
            "roll back by a pull request: without --now",
        )
    return release


def _placed(release: Release, running: Images) -> AppliedRelease:
    """A release's images by their place: what is mounted is the model, and what runs is what serves it.

    An engine that is no part of releases stays as it is, and so do the packages of others, its adapters.
    """
    model, server = release.images[release.name], release.images.get(conventions.SERVER_IMAGE)
    is_mounted = any(map(is_volume, running))

    def wanted(place: str) -> str:
        if is_package(place) or not is_mounted:
            return model.reference
        return running[place] if is_volume(place) or server is None else server.reference

    return AppliedRelease(release.version, {place: wanted(place) for place in running})


def _held(
    connection: Connection, wanted: Rollback, workload: Object, release: AppliedRelease
) -> ClusterInventory:
    """The inventory with the hold, as it is written now. Raises ClusterError."""
    for _ in range(_TRIES):
        owned = _inventory(connection, wanted)
        # Where an apply is under way, the inventory says what comes; else it says what runs.
        bad = (
            owned.release
            if owned.release.images
            else AppliedRelease(version_of(workload), images_of(workload))
        )
        digests = digests_of(bad.images) - digests_of(release.images)
        if not digests and owned.holds:
            return owned
        if not digests:
            raise ClusterError(
                f"`{release.version}` is what runs in {owned.environment}",
                "name another version: --version vN",
            )
        hold = ImageHold(
            digests=tuple(sorted(digests)),
            version=bad.version,
            by=whoami(),
            at=connection.now().isoformat(timespec="seconds"),
            reason=wanted.reason,
            commit=owned.commit,
        )
        others = (each for each in owned.holds if each.digests != hold.digests)
        noted = replace(owned, holds=(*others, hold), release=release, before=AppliedRelease())
        noted = replace(noted, is_complete=False)
        try:
            return inventory.write(connection, noted)
        except Changed:
            time.sleep(_LONGEST_PAUSE)  # another run writes into it, too
    raise Changed(f"the inventory `{owned.name}` is written again and again by others", "run it again")


@dataclass
class _Keeping:
    """Keeps a workload at its images, whatever a run that is being stopped still sends."""

    connection: Connection
    workload: ObjectKey
    rollout: ObjectKey | None
    release: AppliedRelease
    promoted: str = ""
    """The template with which a Rollout went past its steps."""

    def check(self) -> None:
        """Change what is not so. Raises ClusterError."""
        live = self.connection.get(self.workload)
        if live is None:
            raise NotReady(f"{self.workload} is gone: deleted by hand", "apply again")
        if self.release.images.items() - images_of(live).items():
            document = with_images(applied_part(live), self.release.images, self.release.version)
            live = self.connection.apply(document, force=True).document
        if self.rollout is not None:
            self._go_past_steps(self.rollout, str(live["metadata"]["generation"]))

    def _go_past_steps(self, key: ObjectKey, generation: str) -> None:
        """Let a Rollout that takes it for a new version not take it step by step.

        Where the template is the stable version's, the controller aborts the canary by itself.
        Source: pkg/kubectl-argo-rollouts/cmd/promote of argo-rollouts 1.9
        """
        rollout = self.connection.get(key)
        status = (rollout or {}).get("status") or {}
        template = str(status.get("currentPodHash", ""))
        is_seen = str(status.get("workloadObservedGeneration", "")) == generation
        if rollout is None or not is_seen or not is_canary(rollout) or template == self.promoted:
            return
        self.connection.patch_status(rollout, {"promoteFull": True})
        self.promoted = template


def _wait_for_pods(
    connection: Connection, owned: ClusterInventory, check: Callable[[], None], deadline: float
) -> int:
    """Wait until no pod runs what is held back; answers how many there are. Raises NotReady."""
    labels = {
        conventions.LABEL_MODEL: model_path.name_of(owned.model),
        conventions.LABEL_ENVIRONMENT: owned.environment,
    }
    rests = pauses(_LONGEST_PAUSE)
    while True:
        check()
        pods = [each for each in connection.list("", "Pod", owned.namespace, labels) if _serves(each)]
        bad = [each for each in pods if any(hold.forbids(images_in(each["spec"])) for hold in owned.holds)]
        if not bad:
            return len(pods)
        if time.monotonic() > deadline:
            names = ", ".join(each["metadata"]["name"] for each in bad)
            raise NotReady(f"these pods still run what is held back: {names}", "run it again; it goes on")
        time.sleep(next(rests))


def _serves(pod: Object) -> bool:
    """Whether a pod is there to stay."""
    is_over = (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
    return "deletionTimestamp" not in pod["metadata"] and not is_over
