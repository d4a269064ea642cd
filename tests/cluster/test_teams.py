"""Two teams on one real server: each applies its models, and reaches neither the other nor its own bounds."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.rollback import Rollback, roll_back
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, cloned, names
from tests.cluster.test_access import SPEC, answers
from tests.harness.releases import DIGEST, release

pytestmark = pytest.mark.cluster
ROUTE = "serving: {replicas: {min: 1, max: 2}, gateway: {host: %s}}\n"


@dataclass(frozen=True)
class Company:
    """Two teams whose namespaces an administrator made, each with a compiled model called `churn`."""

    project: Project
    teams: tuple[str, str]
    cluster: Cluster

    def namespace(self, team: str) -> str:
        return f"ml-{team}-dev"

    def as_deployer(self, team: str) -> Project:
        """The project in the hands of who applies a team's models."""
        account = self.cluster.kubeconfig_for(f"{self.namespace(team)}/aimass")
        return Project(self.project.root, self.namespace(team), account)

    def compile(self, team: str, serving: str) -> None:
        """Let generated/ stand for the team's model; those of both have one name."""
        self.project.root.joinpath("specs", team).mkdir(parents=True, exist_ok=True)
        self.project.root.joinpath("specs", team, "churn.yaml").write_text(SPEC + serving, encoding="utf-8")
        assert main(["compile", "--root", str(self.project.root)]) == ExitCode.DONE
        release(self.project.root, f"{team}/churn")


def described(root: Path, **teams: dict[str, Any]) -> None:
    """Let teams/ describe these."""
    for file in (root / "teams").glob("*.yaml"):
        file.unlink()
    for name, team in teams.items():
        (root / "teams").mkdir(exist_ok=True)
        (root / "teams" / f"{name}.yaml").write_text(yaml.safe_dump(team), encoding="utf-8")


def route(namespace: str, *hosts: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"parentRefs": [{"name": "gateway"}]} | ({"hostnames": [*hosts]} if hosts else {})
    head = {"name": "route", "namespace": namespace}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": head, "spec": spec}


def refused(company: Company, kubeconfig: Path, given: Mapping[str, Any]) -> str:
    """Why the server does not take an object; nothing where it would."""
    words = ("apply", "--server-side", "--dry-run=server", "-f-")
    return company.cluster.try_kubectl(*words, given=given, kubeconfig=kubeconfig).stderr


def in_force(company: Company) -> None:
    """Wait until the server asks what was applied of hosts, which it learns a little later.

    A policy without a binding asks nothing, so both must have been learnt.
    """
    end = time.monotonic() + 30
    for team in company.teams:
        while not refused(company, company.project.kubeconfig, route(company.namespace(team))):
            assert time.monotonic() < end, f"the hosts of {team} are not asked for"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Company]:
    """Shared by the tests of this module, each of which leaves the other team as it was."""
    ours, theirs = (f"{letter}-{secrets.token_hex(3)}" for letter in "at")
    found = Company(
        Project(tmp_path_factory.mktemp("company"), "", cluster.kubeconfig), (ours, theirs), cluster
    )
    root = found.project.root
    (root / "aimass.yaml").write_text("environments: {dev: {}}", encoding="utf-8")
    bounded = {"quota": {"cpu": 8, "pods": 4}, "queue": {"cluster_queue": "q"}}
    described(root, **{name: bounded | {"hosts": [f"*.{name}.example.com"]} for name in found.teams})
    for name in found.teams:
        found.compile(name, ROUTE % f"m.{name}.example.com")
    applied = found.project.run("fleet", "--apply")
    assert (applied.code, applied.told) == (0, "")
    in_force(found)
    yield found
    for name in found.teams:
        where = f"-k{root / 'generated/fleet/teams' / name / 'dev'}"
        cluster.kubectl("delete", "--wait=false", where)


def as_they_are(company: Company, team: str) -> dict[str, Any]:
    """Everything of a team that could be changed, with its version."""
    kinds = "deployments,services,configmaps,httproutes,networkpolicies,roles,rolebindings,resourcequotas"
    found = company.cluster.objects(kinds, company.namespace(team))
    return {
        f"{each['kind']} {each['metadata']['name']}": each["metadata"]["generation"]
        if "generation" in each["metadata"]
        else each.get("spec", each.get("data"))
        for each in found
    }


def test_a_team_applies_its_model_and_sees_no_drift(company: Company) -> None:
    team, _ = company.teams
    project = company.as_deployer(team)
    applied = project.apply(f"{team}/churn")
    assert (applied.code, applied.told) == (0, "")
    assert "HTTPRoute churn" in applied.actions(f"{team}/churn")
    assert project.run("drift", f"{team}/churn").code == 0
    assert project.run("status", f"{team}/churn").code == 0
    assert project.run("delete", f"{team}/churn", "--yes", "--no-wait").code == 0


def test_the_model_of_another_team_is_refused_and_nothing_of_it_changes(company: Company) -> None:
    ours, theirs = company.teams
    assert company.as_deployer(theirs).apply(f"{theirs}/churn").code == 0
    before = as_they_are(company, theirs)
    company.compile(theirs, ROUTE % f"other.{theirs}.example.com")
    run = company.as_deployer(ours).apply(f"{theirs}/churn")
    assert run.code == ExitCode.REFUSED
    run = company.as_deployer(ours).run("delete", f"{theirs}/churn", "--yes", "--no-wait")
    assert run.code == ExitCode.REFUSED
    assert as_they_are(company, theirs) == before


def paths(namespace: str) -> dict[str, str]:
    """Where objects of a model and of its team are, by what they are."""
    core, networking = f"/api/v1/namespaces/{namespace}", f"/apis/networking.k8s.io/v1/namespaces/{namespace}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    policies = "/apis/admissionregistration.k8s.io/v1"
    gateway = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}"
    return {
        "server": f"/apis/apps/v1/namespaces/{namespace}/deployments/churn",
        "address": f"{core}/services/churn",
        "account": f"{core}/serviceaccounts/churn",
        "inventory": f"{core}/configmaps/aimass-churn-dev",
        "lease": f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/aimass-churn-dev",
        "route": f"{gateway}/httproutes/churn",
        "doors": f"{networking}/networkpolicies/churn",
        "alerts": f"/apis/monitoring.coreos.com/v1/namespaces/{namespace}/prometheusrules/churn",
        "budget": f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/churn",
        # What lets a model off a policy is part of the policy, which is the whole cluster's.
        "waiver": f"{policies}/validatingadmissionpolicies/servers.deployments",
        "waiver's place": f"{policies}/validatingadmissionpolicybindings/servers.deployments",
        "quota": f"{core}/resourcequotas/team",
        "limits": f"{core}/limitranges/team",
        "role": f"{rbac}/roles/aimass-deployer",
        "binding": f"{rbac}/rolebindings/aimass-deployer",
        "queue": f"/apis/kueue.x-k8s.io/v1beta2/namespaces/{namespace}/localqueues/churn",
        "namespace": f"/api/v1/namespaces/{namespace}",
        "secret": f"{core}/secrets/login",
    }


#: What bounds a team, in its own namespace, too.
BOUNDS = ("waiver", "waiver's place", "quota", "limits", "role", "binding", "queue", "namespace", "secret")


def everything_asked(kubeconfig: Path, namespace: str) -> dict[tuple[str, str], int]:
    """What the server answers to every kind of request for every object; a change has no sound body."""
    found: dict[tuple[str, str], int] = {}
    for what, path in paths(namespace).items():
        several, body = path.rpartition("/")[0], {"metadata": {"name": "more"}}
        found["GET", what] = answers(kubeconfig, "GET", path, None)
        found["PATCH", what] = answers(kubeconfig, "PATCH", path, body)
        found["PUT", what] = answers(kubeconfig, "PUT", path, body)
        found["POST", what] = answers(kubeconfig, "POST", several, body)
        found["LIST", what] = answers(kubeconfig, "GET", several, None)
        found["DELETE", what] = answers(kubeconfig, "DELETE", path, None)
    return found


def test_no_object_of_another_team_can_be_read_changed_or_deleted(company: Company) -> None:
    ours, theirs = company.teams
    assert company.as_deployer(theirs).apply(f"{theirs}/churn").code == 0
    answered = everything_asked(company.as_deployer(ours).kubeconfig, company.namespace(theirs))
    assert {key: code for key, code in answered.items() if code != 403} == {}
    # Of its own, the other one may read and change what its models bring, which is what the test can see.
    mine = company.as_deployer(theirs).kubeconfig
    own = paths(company.namespace(theirs))
    found = {what: answers(mine, "GET", path, None) for what, path in own.items() if what not in BOUNDS}
    assert set(found.values()) <= {200, 404}
    assert found["inventory"] == found["route"] == found["server"] == 200


def test_its_own_bounds_are_out_of_reach_of_a_team(company: Company) -> None:
    team, _ = company.teams
    answered = everything_asked(company.as_deployer(team).kubeconfig, company.namespace(team))
    found = {key: code for key, code in answered.items() if key[1] in BOUNDS and code != 403}
    assert found == {}


def test_a_route_has_hosts_of_its_own_team_only(company: Company) -> None:
    ours, theirs = company.teams
    mine, here = company.as_deployer(ours).kubeconfig, company.namespace(ours)
    assert refused(company, mine, route(here, f"a.{ours}.example.com")) == ""
    stolen = refused(company, mine, route(here, f"a.{ours}.example.com", f"m.{theirs}.example.com"))
    assert f"a host of this route belongs to team {theirs}" in stolen or f"the hosts of team {ours}" in stolen
    assert f"the hosts of team {ours} in dev are" in refused(company, mine, route(here))
    assert f"the hosts of team {ours} in dev are" in refused(company, mine, route(here, "example.com"))


def test_a_team_without_hosts_of_its_own_takes_none_of_another(company: Company, cluster: Cluster) -> None:
    """Nor does the admission look at namespaces that are no team's."""
    _, theirs = company.teams
    name = f"ml-u-{secrets.token_hex(3)}"
    cluster.namespaces(name, labels={"aimass.dev/team": "u"})
    admin = company.project.kubeconfig
    told = refused(company, admin, route(name, f"m.{theirs}.example.com"))
    assert f"a host of this route belongs to team {theirs}, which has: *.{theirs}.example.com" in told
    assert refused(company, admin, route(name, "u.example.com")) == ""
    assert refused(company, admin, route("default", f"m.{theirs}.example.com")) == ""
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def pod(namespace: str, name: str = "other", **container: Any) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{"name": "a", "image": "b", "securityContext": security, **container}],
    }
    head = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": head, "spec": spec}


def test_pods_are_restricted_bounded_and_counted(company: Company, cluster: Cluster) -> None:
    """As the administrator, so that it is the bounds that refuse and no missing right."""
    ours, theirs = company.teams
    admin, here = company.project.kubeconfig, company.namespace(ours)
    assert 'violates PodSecurity "restricted' in refused(company, admin, pod(here, securityContext={}))
    asked = {"requests": {"cpu": "9", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    assert "exceeded quota: team" in refused(company, admin, pod(here, resources=asked))
    assert "exceeded quota: team" in refused(company, admin, pod(company.namespace(theirs), resources=asked))
    words = ("create", "--dry-run=server", "-ojson", "-f-")
    made = json.loads(cluster.kubectl(*words, given=pod(here)))["spec"]["containers"][0]["resources"]
    assert made == {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}}


def test_one_team_at_the_end_of_its_quota_leaves_the_other_its(company: Company, cluster: Cluster) -> None:
    ours, theirs = company.teams
    asked = {"requests": {"cpu": "7", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    cluster.apply([pod(company.namespace(ours), resources=asked)])
    company.compile(ours, "serving: {replicas: {min: 3, max: 3}, resources: {cpu: 500m}}\n")
    full = company.as_deployer(ours).run("apply", f"{ours}/churn", "--timeout=6s")
    assert full.code == ExitCode.NOT_READY
    assert "exceeds the quota `team`" in full.told
    assert company.as_deployer(theirs).run("apply", f"{theirs}/churn", "--timeout=60s").code == 0


def test_what_was_changed_by_hand_is_seen_and_taken_back_only_when_asked(company: Company) -> None:
    team, other = company.teams
    where, project = f"--namespace={company.namespace(team)}", company.project
    assert project.run("fleet").code == 0
    more = '{"spec":{"hard":{"pods":"99"}}}'
    company.cluster.kubectl("patch", "resourcequota", "team", where, "--type=merge", "-p", more)
    seen = project.run("fleet", form="people")
    assert seen.code == 2
    assert "spec.hard.pods: 99 → 4" in seen.document["text"]
    assert project.run("fleet", f"teams/{other}").code == 0
    refused = project.run("fleet", f"teams/{team}", "--apply")
    assert (refused.code, "is managed by `kubectl-patch`" in refused.told) == (ExitCode.CONFLICT, True)
    assert project.run("fleet", f"teams/{team}", "--apply", "--force-conflicts").code == 0
    assert project.run("fleet", f"teams/{team}").code == 0


def test_a_right_that_a_team_no_longer_has_is_taken_away(company: Company, tmp_path: Path) -> None:
    """With the policy of its hosts; the namespace and what is a model's stay."""
    name, cluster = f"w-{secrets.token_hex(3)}", company.cluster
    project = Project(tmp_path, "", cluster.kubeconfig)
    cloned(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "churn.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "aimass.yaml").write_text("environments: {dev: {}}", encoding="utf-8")

    def applied(**team: Any) -> dict[str, str]:
        described(tmp_path, **{name: team})
        assert main(["compile", "--root", str(tmp_path)]) == ExitCode.DONE
        run = project.run("fleet", "--apply")
        assert (run.code, run.told) == (0, "")
        return {what: each for what, each in run.actions(f"teams/{name}").items() if each != "unchanged"}

    first = applied(trainer={"group": "g"}, hosts=["a.example.com"], quota={"cpu": 1})
    assert set(first.values()) == {"created"}
    mine = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "mine", "namespace": f"ml-{name}-dev"},
    }
    cluster.apply([mine])
    policy = f"aimass-{name}-dev-hosts"
    assert applied() == {
        "ResourceQuota team": "deleted",
        "Role aimass-trainer": "deleted",
        "RoleBinding aimass-trainer": "deleted",
        f"ValidatingAdmissionPolicy {policy}": "deleted",
        f"ValidatingAdmissionPolicyBinding {policy}": "deleted",
    }
    assert applied() == {}
    assert "mine" in names(cluster, "configmaps", f"ml-{name}-dev")
    cluster.kubectl("delete", "namespace", f"ml-{name}-dev", "--wait=false")


def test_who_is_no_administrator_makes_no_namespace_and_no_right(company: Company) -> None:
    team, _ = company.teams
    mine = company.as_deployer(team)
    run = mine.run("fleet", f"teams/{team}", "--apply", "--force-conflicts")
    assert run.code == ExitCode.REFUSED
    assert "may not get configmaps" in run.told


ONCALL = """
environments: {dev: {oncall: {service_account: {name: oncall}}}}
servers: {small: {replicas: {min: 1, max: 1}}}
"""


@pytest.mark.parametrize("serving", ["", "serving: {shared: small}\n"], ids=["alone", "shared"])
def test_who_is_on_call_of_a_team_takes_back_a_release_and_no_more(
    cluster: Cluster, tmp_path: Path, serving: str
) -> None:
    team = f"o-{secrets.token_hex(3)}"
    namespace, bad = f"ml-{team}-dev", f"sha256:{'f' * 64}"
    project = Project(tmp_path, namespace, cluster.kubeconfig)
    (tmp_path / "specs" / team).mkdir(parents=True)
    (tmp_path / "specs" / team / "churn.yaml").write_text(SPEC + serving, encoding="utf-8")
    (tmp_path / "aimass.yaml").write_text(ONCALL, encoding="utf-8")
    described(tmp_path, **{team: {"quota": {"cpu": 8}}})
    assert main(["compile", "--root", str(tmp_path)]) == ExitCode.DONE
    assert project.run("fleet", "--apply").code == 0
    for version, digest in (("v1", DIGEST), ("v2", bad)):
        release(tmp_path, f"{team}/churn", digest=digest, version=version)
        assert project.apply(f"{team}/churn").code == 0
    oncall = cluster.kubeconfig_for(f"{namespace}/oncall")
    wanted = Rollback("churn", "dev", namespace, "it harms", 60)
    done = roll_back(connect(oncall), wanted, list[str]().append)
    assert (done.release.version, done.hold.version, done.hold.digests) == ("v1", "v2", (bad,))
    held = cluster.objects("configmaps,deployments", namespace)
    serving = json.dumps([each for each in held if each["metadata"]["name"] in {"churn", "churn-served"}])
    assert (f"churn@{DIGEST}" in serving, bad in serving) == (True, False)
    assert Project(tmp_path, namespace, oncall).apply(f"{team}/churn").code == ExitCode.REFUSED
    answered = everything_asked(oncall, namespace)
    assert {key: code for key, code in answered.items() if key[1] in BOUNDS and code != 403} == {}
    made_or_gone = [key for key, code in answered.items() if key[0] in {"POST", "DELETE"} and code != 403]
    assert made_or_gone == []
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")
