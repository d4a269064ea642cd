"""How a job logs in to a cluster: by GitHub's identity tokens, or by the kubeconfig of its environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from aimass_compiler.cli import main
from tests.harness.github_actions import token_service

NAMES = ("KUBE_SERVER", "KUBE_CERTIFICATE_AUTHORITY", "GIVEN_KUBECONFIG")


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path / "kubeconfig"


def test_kubectl_gets_a_token_for_the_audience(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBE_AUDIENCE", "my cluster")
    with token_service.running("my cluster", lambda: "a-token") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert main(["ci", "token"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "a-token"},
    }


def test_the_service_of_tokens_is_named_where_it_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBE_AUDIENCE", "another")
    with token_service.running("models", lambda: "a-token") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert main(["ci", "token"]) == 1
    assert "service of identity tokens does not answer: HTTP Error 403" in capsys.readouterr().err
    for name in variables:
        monkeypatch.delenv(name)
    assert main(["ci", "token"]) == 1
    assert "`id-token: write`" in capsys.readouterr().err


def test_a_cluster_that_trusts_github_stores_no_secret(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBE_SERVER", "https://cluster.example.com")
    monkeypatch.setenv("KUBE_CERTIFICATE_AUTHORITY", "Q0E=")
    assert main(["ci", "log-in"]) == 0
    written = yaml.safe_load(kubeconfig.read_text())
    (cluster,), (user,) = written["clusters"], written["users"]
    assert cluster["cluster"] == {
        "server": "https://cluster.example.com",
        "certificate-authority-data": "Q0E=",
    }
    command = user["user"]["exec"]
    assert (Path(command["command"]).name, command["args"]) == ("aimass", ["ci", "token"])


def test_a_given_kubeconfig_is_written_for_its_owner_only(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN_KUBECONFIG", "kind: Config")
    assert main(["ci", "log-in"]) == 0
    assert kubeconfig.read_text() == "kind: Config\n"
    assert kubeconfig.stat().st_mode & 0o777 == 0o600


def test_an_environment_without_a_cluster_says_what_it_lacks(
    kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ci", "log-in"]) == 1
    assert "KUBE_SERVER" in capsys.readouterr().out
