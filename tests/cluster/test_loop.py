"""From a pull request to production and back: by the compiled workflows, with the rights that they get."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from delivery.publishing.conftest import push_server

from aimass_compiler.catalog.model import model_named
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.settings import ImageSettings
from aimass_compiler.programs.registry import Repository
from aimass_compiler.releases import release_file
from aimass_compiler.releases.version_record import ImageDigest, ServiceTest
from aimass_compiler.render.facts import Contract
from aimass_compiler.render.image.server_image import context, server_tag
from scripts.cluster import image_registry, programs, rollouts
from scripts.cluster.cluster import Cluster
from tests.cluster.served import eventually
from tests.harness import argo_rollouts, github_service, prometheus_answers
from tests.harness.github_actions import projects, token_service
from tests.harness.github_actions.hub import Event, Place, git
from tests.harness.github_actions.workflows import overview
from tests.harness.image_registry import PASSWORD, USER, htpasswd, need
from tests.harness.releases import release
from tests.harness.version_records import recorded

if TYPE_CHECKING:
    from scripts.cluster.processes import Background
    from tests.harness.github_actions.jobs import Job
    from tests.harness.github_actions.projects import Project
    from tests.harness.prometheus_answers import Measured

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.pipeline,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("git", "bash", "openssl")),
        reason="git, bash and openssl are not all on the PATH",
    ),
]
ENVIRONMENTS = ("dev", "staging", "prod")
#: What the workflows call, and every runner of GitHub has.
TOOLS = ("kubectl", "kustomize")
#: One model that is trained, and one whose rows are missing.
MODEL, OTHER = "diabetes", "breast-cancer"
SPEC = f"specs/{MODEL}.yaml"
DATA = f"data/{MODEL}.csv"
AUDIENCE = "models"
#: Who opens pull requests; GitHub starts no workflow for those of a workflow's own token.
APP, APP_KEY = {"AIMASS_APP_ID": "7"}, {"AIMASS_APP_PRIVATE_KEY": "a key"}
#: Load that a busy machine bears, too.
PATIENT = """\
  objectives: {latency: {p99: 5s}}
  limits: {timeout: 6s}
  tests: {load: {rps: 2, for: 1s}}
"""
CANARY = "environments:\n  prod: {serving: {rollout: {canary: [50, 100], pause: 2m}}}\n"
ACCEPTED = "- {break: input-removed:s6, reason: no caller has sent it since November}\n"
S6 = "    s6: {type: number, min: 0, unit: mg/dl, description: blood sugar}\n"
#: What Prometheus says of a new version that is as good as the stable one, and of one that answers otherwise.
GOOD = {"requests": 1000, "answer-time": 0.5, "shift": 0.1}
BAD = {**GOOD, "shift": 0.6}
#: Runs commands of DVC one after another.
_DVC = "import json, sys; from dvc.cli import main; sys.exit(any(map(main, json.loads(sys.argv[1]))))"


@dataclass(frozen=True)
class World:
    """A project, the cluster that it is applied to, the registry between them and what measures it."""

    project: Project
    cluster: Cluster
    namespaces: Mapping[str, str]
    measured: Measured
    images: str
    """Where its images are in the registry."""

    def record(self, number: int) -> None:
        """Put a version on record in the clone that nothing has trained, and whose image the registry has."""
        where = f"{self.images}/{MODEL}"
        pushed = push_server(Repository(where, self.images), f"v{number}", f"package {number}".encode())
        facts = json.loads((self.project.clone / f"generated/{MODEL}/resolved.json").read_bytes())
        recorded(
            self.project.clone,
            MODEL,
            number,
            image=ImageDigest(where, pushed.digest),
            contract=msgspec.convert(facts["contract"], type=Contract),
            service_test=ServiceTest(passed=True),
        )

    def dvc(self, *commands: str) -> None:
        """Run commands of DVC in the clone, in one process."""
        lists = json.dumps([command.split() for command in commands])
        command = [sys.executable, "-c", _DVC, lists]
        subprocess.run(command, cwd=self.project.clone, env=self.project.variables, check=True)

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a person's `aimass promote` or the like answers, where main is."""
        self.project.branch("main")
        return self.project.aimass(*words)

    def propose(self, *words: str) -> None:
        done = self.asked(*words, "--pull-request")
        assert done.returncode == 0, done.stdout + done.stderr

    def deliver(self, title: str) -> dict[str, Job]:
        """Merge the pull request with this title, and deliver."""
        return self.project.deliver(self.project.merge_opened(title))

    def image(self, environment: str) -> str:
        """What runs there."""
        served = self.cluster.get("deployment", MODEL, self.namespaces[environment])
        (container,) = served["spec"]["template"]["spec"]["containers"]
        found: str = container["image"]
        return found

    def released(self, environment: str) -> release_file.Release:
        """What main says."""
        self.project.branch("main")
        found = release_file.read(self.project.clone, environment, MODEL)
        assert found is not None
        return found

    def grant(self, model: str, environment: str) -> None:
        """Give who applies the rights that the model needs there."""
        file = f"{self.project.clone}/generated/{model}/access.yaml"
        chosen = f"--selector=aimass.dev/environment={environment}"
        self.cluster.kubectl("apply", f"--filename={file}", chosen)

    def rollout(self) -> dict[str, Any]:
        """What Argo Rollouts says of the model in prod."""
        found: dict[str, Any] = self.cluster.get("rollout", MODEL, self.namespaces["prod"])["status"]
        return found

    def end_pause(self) -> None:
        """End the step of a canary before its time, as `kubectl argo rollouts promote` does."""
        eventually(lambda: bool(self.rollout().get("pauseConditions")), "the canary has a share")
        where = (f"--namespace={self.namespaces['prod']}", "--type=merge", "--subresource=status")
        patch = json.dumps({"status": {"pauseConditions": None}})
        self.cluster.kubectl("patch", "rollout", MODEL, *where, f"--patch={patch}")


@pytest.fixture
def world(build: Callable[[Sequence[str]], None], cluster: Cluster, tmp_path: Path) -> Iterator[World]:
    """A project with two models and two environments, and a cluster that trusts its workflows."""
    need()
    build(TOOLS)
    namespaces = {name: f"loop-{name}-{secrets.token_hex(3)}" for name in ENVIRONMENTS}
    cluster.namespaces(*namespaces.values())
    dev = f"{namespaces['dev']}/aimass"
    with ExitStack() as stack:
        images = stack.enter_context(image_registry.running(tmp_path, htpasswd(tmp_path)))
        tokens = stack.enter_context(token_service.running(AUDIENCE, lambda: cluster.token_of(dev)))
        github = stack.enter_context(github_service.running())
        measured = stack.enter_context(prometheus_answers.running())
        settings = {
            "environments": {
                "dev": {"namespace": namespaces["dev"]},
                "prod": {
                    "namespace": namespaces["prod"],
                    "soak": "1s",
                    "revert": {"within": "1h", "by": "merge"},
                },
            },
            "images": {"registry": f"{images.place}/ml"},
            "prometheus": {"url": measured.address},
            "ci": {"github": {"compiler": {"source": "."}, "pull_requests": "app"}},
        }
        tools = sorted({programs.program(name).parent for name in TOOLS})
        services = {"GITHUB_API_URL": github.address, **tokens}
        project = projects.create(
            tmp_path / "loop", (MODEL, OTHER), json.dumps(settings, indent=1), tools, services, github
        )
        made = World(project, cluster, namespaces, measured, f"{images.place}/ml")
        for name in ENVIRONMENTS:
            project.hub.places[name] = project.hub.places[f"verify-{name}"] = place(made, name)
        project.hub.places["training"] = Place(
            {"REGISTRY_USER": USER, **APP}, {"REGISTRY_PASSWORD": PASSWORD, **APP_KEY}
        )
        push_server_image(f"{images.place}/ml")
        yield made
    cluster.kubectl("delete", "namespace", "--wait=false", *namespaces.values())


@pytest.fixture(autouse=True)
def _person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who promotes may read the registry."""
    for name, value in {"REGISTRY_USER": USER, "REGISTRY_PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(name, value)


def place(world: World, environment: str) -> Place:
    """How its jobs log in: to dev by GitHub's identity, to the others by a kubeconfig."""
    if environment != "dev":
        kubeconfig = world.cluster.kubeconfig_for(f"{world.namespaces[environment]}/aimass")
        return Place(APP, {"KUBECONFIG": kubeconfig.read_text(), **APP_KEY})
    address = world.cluster._address()
    variables = {
        "KUBE_SERVER": address["server"],
        "KUBE_CERTIFICATE_AUTHORITY": address["certificate-authority-data"],
        "KUBE_AUDIENCE": AUDIENCE,
        **APP,
    }
    return Place(variables, APP_KEY)


def push_server_image(registry: str) -> None:
    """What `aimass image --push` would push, as far as a registry sees it."""
    server = model_named("linear_regression").artifact.server
    tag = server_tag(context(ImageSettings.default().python, server))
    push_server(Repository(f"{registry}/aimass-server", registry), tag)


def said(jobs: Mapping[str, Job]) -> str:
    return "".join(job.log for job in jobs.values())


def test_a_merged_change_becomes_a_version_that_is_proposed(world: World) -> None:
    merged = a_pull_request_is_checked_and_shows_its_plan(world)
    what_passes_its_gates_is_published_and_proposed(world, merged)


def test_a_version_on_record_goes_from_dev_to_prod(world: World) -> None:
    a_version_is_on_record(world, 1)
    world.propose("promote", MODEL, "--to", "dev")
    what_is_merged_runs_in_dev_though_another_model_is_refused(world)
    an_environment_is_one_line_and_delivered_by_itself(world)
    with argo_rollouts.running(world.cluster, world.namespaces["prod"]):
        a_version_goes_to_prod_once_it_has_soaked(world)


@pytest.fixture
def controller(world: World, build: Callable[[Sequence[str]], None], tmp_path: Path) -> Iterator[Background]:
    """Argo Rollouts' own controller for prod."""
    build(programs.ROLLOUTS)
    with rollouts.running(world.cluster, world.namespaces["prod"], tmp_path) as running:
        yield running
        assert running.is_running, running.last_words()


@pytest.mark.nightly
def test_the_loop(world: World, controller: Background) -> None:
    merged = a_pull_request_is_checked_and_shows_its_plan(world)
    what_passes_its_gates_is_published_and_proposed(world, merged)
    what_is_merged_runs_in_dev_though_another_model_is_refused(world)
    an_environment_is_one_line_and_delivered_by_itself(world)
    a_version_goes_to_prod_once_it_has_soaked(world)
    merged = a_break_is_shown_with_the_recipe_and_reaches_nobody(world)
    new_rows_become_a_new_version_that_is_kept(world, merged)
    it_is_promoted_once_a_file_accepts_the_break(world)
    a_new_version_goes_to_staging(world)
    a_new_version_is_a_canary_in_prod(world)
    a_canary_that_answers_otherwise_is_reverted_and_rejected(world)
    people_disagree_and_the_canary_takes_over(world)
    an_environment_goes_back_by_a_pull_request(world)


@pytest.mark.nightly
def test_versions_on_record_are_canaries_that_end_in_git(world: World, controller: Background) -> None:
    a_version_is_on_record(world, 1)
    for environment in ("dev", "prod"):
        world.grant(MODEL, environment)
        world.propose("promote", MODEL, "--to", environment)
        jobs = world.deliver(f"{environment}: release {MODEL} v1")
        assert overview(jobs)["deliver"] == "success", said(jobs)
    a_version_is_on_record(world, 2)
    world.propose("promote", MODEL, "--to", "dev")
    world.deliver(f"dev: release {MODEL} v2")
    a_new_version_is_a_canary_in_prod(world)
    a_canary_that_answers_otherwise_is_reverted_and_rejected(world)
    people_disagree_and_the_canary_takes_over(world)
    an_environment_goes_back_by_a_pull_request(world)


def a_version_is_on_record(world: World, number: int) -> None:
    project = world.project
    project.branch("version")
    if number == 1:
        (project.clone / SPEC).open("a").write(CANARY)
        project.compile()
    world.record(number)
    project.hub.merge(project.propose("version"))


def a_pull_request_is_checked_and_shows_its_plan(world: World) -> Event:
    project = world.project
    project.branch("canary")
    subprocess.run([sys.executable, "data/prepare.py", MODEL], cwd=project.clone, check=True)
    store = project.folder / "store"
    world.dvc(
        "init", "config core.analytics false", f"remote add --default store {store}", f"add {DATA}", "push"
    )
    (project.clone / SPEC).open("a").write(PATIENT + CANARY)
    project.edit(f"specs/{OTHER}.yaml", "seed: 7", "seed: 8")
    project.compile()
    request = project.propose("canary")
    jobs = project.check(request)
    assert overview(jobs) == {"scope": "success", "specs": "success", "comment": "success"}, said(jobs)
    (comment,) = project.comments()
    assert "a new version will be made" in comment
    return project.hub.merge(request)


def what_passes_its_gates_is_published_and_proposed(world: World, merged: Event) -> None:
    project = world.project
    jobs = project.train(merged)
    parts = {part.name: part for part in jobs["train-1"].parts}
    assert {name: part.result for name, part in parts.items()} == {
        f"Train {OTHER}": "failure",
        f"Train {MODEL}": "success",
    }, said(jobs)
    assert parts[f"Train {OTHER}"].step("Run all").outcome == "failure"
    assert overview(project.deliver(merged)) == {"scope": "success", "deliver": "skipped"}
    (opened,) = project.opened()
    assert opened["title"] == f"dev: release {MODEL} v1"
    changed = git(project.hub.remote, "diff", "--name-only", "main", opened["head"]).splitlines()
    (record,) = (path for path in changed if path.startswith("versions/"))
    assert changed == [f"releases/dev/{MODEL}/kustomization.yaml", record]
    assert record.startswith(f"versions/{MODEL}/v1-")
    version = json.loads(git(project.hub.remote, "show", f"{opened['head']}:{record}"))
    assert (version["commit"], "provenance" in version["attestations"]) == (merged.sha, True)


def what_is_merged_runs_in_dev_though_another_model_is_refused(world: World) -> None:
    project = world.project
    project.branch("by-hand")
    release(project.clone, OTHER, "dev")
    project.hub.merge(project.propose("by-hand"))
    world.grant(MODEL, "dev")
    jobs = world.deliver(f"dev: release {MODEL} v1")
    assert overview(jobs) == {"scope": "success", "deliver": "failure"}, said(jobs)
    assert world.image("dev") == world.released("dev").images[MODEL].reference
    world.grant(OTHER, "dev")
    again = project.deliver(project.hub.started(environment="dev"))
    assert overview(again)["deliver"] == "success", said(again)


def an_environment_is_one_line_and_delivered_by_itself(world: World) -> None:
    project = world.project
    project.branch("staging")
    line = f' "staging": {{"namespace": "{world.namespaces["staging"]}"}},\n'
    project.edit("aimass.yaml", '  "prod": {', f'{line}  "prod": {{')
    project.compile()
    project.hub.merge(project.propose("staging"))
    world.grant(MODEL, "staging")
    early = world.asked("promote", MODEL, "--to", "prod", "--version", "v1")
    assert (early.returncode, "prod wants 1s in staging" in early.stderr) == (ExitCode.NOT_PROMOTABLE, True)
    world.propose("promote", MODEL, "--to", "staging")
    jobs = world.deliver(f"staging: release {MODEL} v1")
    assert jobs["scope"].outputs["environments"] == '["staging"]'
    assert overview(jobs)["deliver"] == "success", said(jobs)
    assert world.image("staging") == world.image("dev")


def a_version_goes_to_prod_once_it_has_soaked(world: World) -> None:
    world.grant(MODEL, "prod")
    world.propose("promote", MODEL, "--to", "prod")
    jobs = world.deliver(f"prod: release {MODEL} v1")
    assert overview(jobs)["deliver"] == "success", said(jobs)
    assert world.image("prod") == world.image("dev")


def a_break_is_shown_with_the_recipe_and_reaches_nobody(world: World) -> Event:
    project = world.project
    project.branch("rows")
    rows = (project.clone / DATA).read_text().splitlines(keepends=True)
    (project.clone / DATA).write_text("".join(rows[:-20]))
    world.dvc(f"add {DATA}", "push")
    project.edit(SPEC, S6, "")
    project.compile()
    request = project.propose("rows")
    checked = project.check(request)
    assert overview(checked)["specs"] == "success", said(checked)
    assert "breaking once released: the input `s6` is removed" in project.comments()[-1]
    return project.hub.merge(request)


def new_rows_become_a_new_version_that_is_kept(world: World, merged: Event) -> None:
    jobs = world.project.train(merged)
    assert f"{MODEL}: {DATA} has other rows than v1-" in jobs["due"].log
    assert OTHER not in jobs["due"].outputs["batch-1"]
    assert overview(jobs)["train-1"] == "success", said(jobs)
    assert "callers would notice that the input `s6` is removed" in said(jobs)
    kept = world.project.merge_opened(f"{MODEL}: record v2")
    assert [path.partition("-")[0] for path in kept.changed] == [f"versions/{MODEL}/v2"]
    assert world.project.train(kept) == {}


def it_is_promoted_once_a_file_accepts_the_break(world: World) -> None:
    project = world.project
    refused = world.asked("promote", MODEL, "--to", "dev")
    assert refused.returncode == ExitCode.NOT_PROMOTABLE
    assert "break: input-removed:s6" in refused.stderr
    project.branch("accepted")
    (project.clone / "accepts").mkdir()
    (project.clone / f"accepts/{MODEL}.yaml").write_text(ACCEPTED)
    request = project.propose("accepted")
    checked = project.check(request)
    assert overview(checked)["specs"] == "success", said(checked)
    project.hub.merge(request)
    world.propose("promote", MODEL, "--to", "dev")
    delivered = world.deliver(f"dev: release {MODEL} v2")
    assert overview(delivered)["deliver"] == "success", said(delivered)
    assert "1 model left alone, as git changed nothing of it" in said(delivered)
    assert world.image("dev") != world.image("prod")


def a_new_version_goes_to_staging(world: World) -> None:
    world.propose("promote", MODEL, "--to", "staging")
    jobs = world.deliver(f"staging: release {MODEL} v2")
    assert overview(jobs)["deliver"] == "success", said(jobs)


def a_new_version_is_a_canary_in_prod(world: World) -> None:
    world.propose("promote", MODEL, "--to", "prod")
    jobs = world.deliver(f"prod: release {MODEL} v2")
    assert overview(jobs)["deliver"] == "success", said(jobs)
    beside = world.released("prod")
    assert (beside.version[:3], beside.stable[:3]) == ("v2-", "v1-")
    assert overview(world.project.verify()) == {"verify": "success"}
    assert world.project.opened() == []


def a_canary_that_answers_otherwise_is_reverted_and_rejected(world: World) -> None:
    project = world.project
    world.measured.values |= BAD
    world.end_pause()
    eventually(lambda: bool(world.rollout().get("abort")), "the canary is aborted")
    for _ in range(2):  # by the clock, again and again
        looked = project.verify()
        assert overview(looked) == {"verify": "success"}, said(looked)
    (opened,) = project.opened()
    assert opened["auto_merge"] == {"merge_method": "merge"}
    jobs = world.deliver(f"prod: roll {MODEL} back to v1")
    assert overview(jobs)["deliver"] == "success", said(jobs)
    assert world.released("prod").version.startswith("v1-")
    assert world.image("prod") == world.released("prod").images[MODEL].reference
    eventually(lambda: world.rollout()["phase"] == "Healthy", "the stable version serves alone")
    again = world.asked("promote", MODEL, "--to", "prod")
    assert again.returncode == ExitCode.NOT_PROMOTABLE
    assert "was rejected by models-bot" in again.stderr
    assert 'Metric "shift" assessed Failed' in again.stderr


def people_disagree_and_the_canary_takes_over(world: World) -> None:
    project = world.project
    world.propose("reject", MODEL, "--version", "v2", "--undo")
    (opened,) = project.opened()
    project.merge_opened(opened["title"])
    world.propose("promote", MODEL, "--to", "prod")
    world.measured.values |= GOOD
    jobs = world.deliver(f"prod: release {MODEL} v2")
    assert overview(jobs)["deliver"] == "success", said(jobs)
    world.end_pause()
    eventually(lambda: world.rollout()["phase"] == "Healthy", "the canary has taken over")
    looked = project.verify()
    assert overview(looked) == {"verify": "success"}, said(looked)
    jobs = world.deliver(f"prod: {MODEL} runs v2")
    assert overview(jobs)["deliver"] == "success", said(jobs)
    assert (world.released("prod").version[:3], world.released("prod").stable) == ("v2-", "")
    assert world.image("prod") == world.image("dev")


def an_environment_goes_back_by_a_pull_request(world: World) -> None:
    world.propose("rollback", MODEL, "--env", "prod")
    (opened,) = world.project.opened()
    jobs = world.deliver(opened["title"])
    assert jobs["scope"].outputs["environments"] == '["prod"]'
    assert overview(jobs)["deliver"] == "success", said(jobs)
    assert world.released("prod").version.startswith("v1-")
    eventually(lambda: world.rollout()["phase"] == "Healthy", "it takes no steps back")
    assert world.image("prod") != world.image("dev")
