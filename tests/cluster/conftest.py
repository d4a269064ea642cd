"""A real control plane for the tests: one that all of them share, and one of a test's own."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from scripts.cluster import background, programs
from scripts.cluster.cluster import Cluster, OwnCluster
from scripts.cluster.control_plane import ControlPlane, NotReady
from scripts.cluster.programs import BuildFailed, ProgramMissing
from tests.cluster.overlays import Project
from tests.harness import controllers_took
from tests.harness.api_proxy import Proxy, proxied

#: Names a kubeconfig of a cluster that is there, which the tests then use instead of one of their own.
VARIABLE_KUBECONFIG = "AIMASS_TEST_KUBECONFIG"


def give_up(reason: Exception) -> None:
    """Skip with the reason; in CI, where nothing is skipped unnoticed, fail with it."""
    if os.environ.get("CI"):
        pytest.fail(str(reason), pytrace=False)
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def build(pytestconfig: pytest.Config) -> Callable[[Sequence[str]], None]:
    """Makes sure that programs are there."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    def build(names: Sequence[str]) -> None:
        try:
            programs.build_all(tell, names)
            controllers_took.note(pytestconfig, names)
        except (ProgramMissing, BuildFailed) as error:
            give_up(error)

    return build


@pytest.fixture(scope="session")
def built_api_server(build: Callable[[Sequence[str]], None]) -> None:
    """The programs that store and answer are there."""
    build(programs.CONTROL_PLANE)


@pytest.fixture(scope="session")
def built(built_api_server: None, build: Callable[[Sequence[str]], None]) -> None:
    """The programs of a whole cluster are there."""
    build(programs.CONTROLLERS)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Cluster:
    """A cluster with controllers, a scheduler and nodes that only say that they run; shared by all tests.

    Its operators' resources are defined, but nobody acts on them. A test keeps to namespaces of its own.
    """
    own = tmp_path_factory.mktemp("kubeconfigs")
    given = os.environ.get(VARIABLE_KUBECONFIG)
    if given:
        return Cluster(Path(given), Path(shutil.which("kubectl") or programs.program("kubectl")), own)
    request.getfixturevalue("built")
    # With xdist, this process is one of several, and ends before the others may.
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if is_worker else base) / "cluster"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            background.launch(folder, "--until", str(os.getppid() if is_worker else os.getpid()))
    try:
        return Cluster(background.wait(folder), programs.program("kubectl"), own)
    except NotReady as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, which enforces Pod Security "restricted"."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.namespaces(name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def own_cluster(built_api_server: None, tmp_path: Path) -> Iterator[OwnCluster]:
    """An API server and its database for one test; nothing else runs, and no custom resource is defined."""
    plane = ControlPlane(tmp_path / "cluster")
    try:
        plane.start()
        yield OwnCluster(plane.kubeconfig, programs.program("kubectl"), plane.folder, plane)
    finally:
        plane.end()


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster, namespace: str) -> Project:
    """A project with nothing in it yet, for a namespace of its own."""
    return Project(tmp_path, namespace, cluster.kubeconfig)


@pytest.fixture
def proxy(tmp_path: Path, project: Project) -> Iterator[Proxy]:
    """What stands between the project and its cluster, and can do harm."""
    with proxied(project.kubeconfig, tmp_path) as running:
        yield running
