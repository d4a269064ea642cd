"""A deployed model is asked as strangers would, and as a caller until its budget ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness.issuer import AUDIENCE, URL, TestIssuer, key_of, mounted, write
from harness.loopback import Answers
from harness.loopback import Server as Loopback
from server import packages
from server.serving import serving

from aimass_compiler import access_folder, conventions
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.projects import Project

ACCESS = f"""\
  access:
    keys: churn-callers
    issuers: {{login: {{url: "{URL}", audience: {AUDIENCE}, config_map: login-keys}}}}
    callers:
      shop: {{}}
      slow: {{rate: {{requests: 2/h, burst: 2}}}}
      support: {{token: {{claims: {{azp: support}}}}}}
      scorer: {{certificate: "spiffe://example.com/ns/batch/sa/scorer"}}
"""
WAYS = 8
"""What strangers send where callers are known by keys, tokens and certificates."""


@pytest.fixture
def guarded(project: Project) -> Project:
    project.edit("serving:\n", f"serving:\n{ACCESS}")
    project.write("aimass.yaml", "environments: {dev: {gateway: {implementation: istio}}}\n")
    return project


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that has been told of these callers."""
    root = tmp_path_factory.mktemp("access")
    callers = {
        "shop": {},
        "slow": {"limits": [{"unit": "requests", "count": 2, "seconds": 3600, "burst": 2}]},
        "support": {"token": {"issuer": "login", "claims": {"azp": "support"}}},
        "scorer": {"certificate": "spiffe://example.com/ns/batch/sa/scorer"},
    }
    write(root / access_folder.ACCESS_CREDENTIAL, "credential-of-the-gateway")
    keys = {name: key_of(name) for name in ("shop", "slow")}
    folder = mounted(root, callers, keys=keys, issuer=TestIssuer(), trusted="gateway")
    package: Path = packages.churn(tmp_path_factory.mktemp("guarded") / "churn")
    with serving(package, **{conventions.VARIABLE_ACCESS: str(folder)}) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_strangers_are_refused(guarded: Project, url: str) -> None:
    done = guarded.aimass("callers", "churn", "--env", "dev", "--url", url)
    assert (done.code, done.err) == (ExitCode.DONE, "")
    assert [line[:5] for line in done.out.splitlines()] == ["401  "] * WAYS


def test_a_caller_is_let_in(guarded: Project, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMASS_CREDENTIAL", key_of("shop"))
    done = guarded.aimass("callers", "churn", "--env", "dev", "--url", url, "--as", "shop")
    assert (done.code, done.out.splitlines()[-1]) == (ExitCode.DONE, "422  `shop`, who is let in")
    monkeypatch.setenv("AIMASS_CREDENTIAL", "an-old-key-of-the-shop")
    done = guarded.aimass("callers", "churn", "--env", "dev", "--url", url, "--as", "shop")
    assert (done.code, done.out.splitlines()[-1]) == (ExitCode.SERVICE, "401  `shop`: a caller is refused")


def test_a_budget_ends(guarded: Project, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMASS_CREDENTIAL", key_of("slow"))
    spend = ("callers", "churn", "--env", "dev", "--url", url, "--as", "slow", "--spend")
    done = guarded.aimass(*spend, "2")
    assert done.code == ExitCode.SERVICE
    assert done.out.splitlines()[-1] == "422  `slow`: its budget has not ended after 2 requests"
    done = guarded.aimass(*spend, "5")
    assert done.code == ExitCode.DONE
    assert "429  `slow`, whose budget ended after 0 requests; it may come again in " in done.out


def test_a_model_that_lets_anyone_in_is_found(guarded: Project) -> None:
    class Open(Answers):
        def do_POST(self) -> None:
            self.answer(200)

    with Loopback(Open) as server:
        done = guarded.aimass("callers", "churn", "--env", "dev", "--url", f"http://{server.place}")
    assert done.code == ExitCode.SERVICE
    assert done.out.splitlines()[0] == "200  nothing: a stranger is let in"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--env", "moon"), "`churn` is not in `moon`"),
        (("--env", "dev"), "`churn` has no route in dev"),
        (("--env", "dev", "--url", "http://127.0.0.1:9", "--spend", "5"), "--spend needs --as"),
        (("--env", "dev", "--url", "http://127.0.0.1:9", "--as", "shp"), "there is no caller `shp`"),
        (("--env", "dev", "--url", "http://127.0.0.1:9", "--as", "scorer"), "shows a certificate"),
        (("--env", "dev", "--url", "http://127.0.0.1:9", "--as", "shop"), "AIMASS_CREDENTIAL has no key"),
    ],
)
def test_arguments_that_make_no_sense(guarded: Project, arguments: tuple[str, ...], told: str) -> None:
    done = guarded.aimass("callers", "churn", *arguments)
    assert done.code == ExitCode.USAGE
    assert told in done.err


def test_an_address_that_does_not_answer(guarded: Project) -> None:
    done = guarded.aimass("callers", "churn", "--env", "dev", "--url", "http://127.0.0.1:9")
    assert done.code == ExitCode.FAILED
    assert "http://127.0.0.1:9 does not answer" in done.err
