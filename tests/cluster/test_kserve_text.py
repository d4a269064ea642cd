"""KServe's own controller makes servers of the LLMInferenceService that is rendered, and takes them away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.catalog.servers import TEXT
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.rollback import Rollback, roll_back
from scripts.cluster import background, kserve, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.served import Model, Way, eventually, watched

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
NAMESPACE, NAME = "ml", "tickets"
MADE = f"{NAME}-kserve"
KINDS = "llminferenceservices,deployments,pods,services,httproutes,pdb,networkpolicies,secrets,configmaps"


@dataclass(frozen=True)
class ByKserve(Way):
    """A language model, by KServe and our server of text, or vLLM."""

    engine: str = "onnx"
    target: str = "kserve"

    def __str__(self) -> str:
        return f"{super().__str__()}-{self.engine}-{self.target}"

    @property
    def serving(self) -> dict[str, Any]:
        return {**super().serving, "target": self.target, "engine": self.engine}


OLD, NEW = ByKserve(2, 2), ByKserve(2, 2, seed=1)


@pytest.fixture
def model(tmp_path: Path, built: None, build: Callable[[Sequence[str]], None]) -> Iterator[Model]:
    """A model that nobody has applied, in a cluster of its own: KServe looks at all namespaces."""
    build(programs.KSERVE_LLM)
    with background.running(tmp_path / "cluster") as plane:
        cluster = Cluster(plane.kubeconfig, programs.program("kubectl"), tmp_path)
        cluster.namespaces(NAMESPACE)
        cluster.create_custom_resource_definitions("PodMonitor", "PrometheusRule")
        with kserve.running_text(cluster, NAMESPACE, tmp_path / "kserve") as controller:
            yield Model(tmp_path, NAMESPACE, cluster, name=NAME)
            assert controller.is_running, controller.last_words()


def pod_of(model: Model) -> dict[str, Any]:
    made = model.get("deployment", MADE)
    assert made["metadata"]["ownerReferences"][0]["kind"] == "LLMInferenceService"
    template: dict[str, Any] = made["spec"]["template"]
    return template


def test_what_is_applied_becomes_servers_that_answer_to_the_same_names(model: Model) -> None:
    project = model.as_served(OLD)
    done = project.run("apply", "--timeout=90s")
    assert done.code == 0, done.told
    again = project.run("apply", "--timeout=90s")
    assert set(again.actions(NAME).values()) == {"unchanged"}, "a second apply changes nothing"
    assert project.run("drift").code == 0
    (place,) = project.run("status").document["environments"]
    assert [each["health"] for each in place["models"]] == ["healthy"]

    status = model.get("llminferenceservice")["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions["Ready"] == conditions["MainWorkloadReady"] == "True"
    pod = pod_of(model)
    assert pod["metadata"]["labels"]["aimass.dev/environment"] == "dev"
    (server,) = pod["spec"]["containers"]
    assert server["image"].endswith(OLD.digest)
    # KServe's preset has other ones of each.
    assert server["command"] == [*TEXT.command]
    assert server["lifecycle"]["preStop"].keys() == {"exec"}
    assert server["readinessProbe"]["httpGet"]["port"] == "http"
    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["spec"]["terminationGracePeriodSeconds"] > 5
    assert model.objects("httproutes") == {f"HTTPRoute {NAME}"}, "ours, and none of KServe's"
    addresses = {}
    for each in model.cluster.objects("endpointslices", model.namespace):
        ready = [end for end in each["endpoints"] or () if end["conditions"].get("ready")]
        addresses[each["metadata"]["labels"]["kubernetes.io/service-name"]] = len(ready)
    assert addresses[NAME] == OLD.least


def test_vllm_is_started_as_the_spec_says_and_not_as_the_preset_does(model: Model) -> None:
    done = model.as_served(ByKserve(1, 1, engine="vllm")).run("apply", "--timeout=90s")
    assert done.code == 0, done.told
    (server,) = pod_of(model)["spec"]["containers"]
    assert server["command"] == ["vllm", "serve"]
    assert server["args"][:3] == ["/model/weights", "--served-model-name", NAME]


def test_a_new_version_is_waited_for_and_goes_back_in_git_and_at_once(model: Model) -> None:
    assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
    with watched(model) as seen:
        assert model.as_served(NEW).run("apply", "--timeout=90s").code == 0
        assert model.digests() == {NEW.digest}
        assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
        assert model.digests() == {OLD.digest}
        wanted = Rollback(NAME, "dev", model.namespace, "wrong answers", timeout=90)
        roll_back(connect(model.cluster.kubeconfig), wanted, list[str]().append)
        assert model.digests() == {NEW.digest}
    assert seen.fewest >= OLD.least
    assert model.as_served(OLD).apply().code == ExitCode.HELD


def test_no_server_is_lost_between_targets_and_a_model_that_is_deleted_leaves_nothing(model: Model) -> None:
    before = model.objects(KINDS)
    plain = ByKserve(2, 2, target="kubernetes")
    assert model.as_served(plain).run("apply", "--timeout=90s").code == 0
    with watched(model) as seen:
        for way in (OLD, plain, NEW):
            done = model.as_served(way).run("apply", "--timeout=90s")
            assert done.code == 0, done.told
    assert seen.fewest >= OLD.least
    done = model.as_served(NEW).run("delete", NAME, "--yes")
    assert done.code == 0, done.told
    eventually(lambda: model.objects(KINDS) <= before, "nothing is left")
