"""Two Envoys share budgets: Envoy's rate limit service counts in Redis, as Envoy Gateway configures it."""

from __future__ import annotations

import http.client
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from harness.issuer import TestIssuer, key_of
from harness.loopback import Answers
from harness.loopback import Server as Loopback
from render.models import pipeline

from aimass_compiler.programs import kustomize
from aimass_compiler.render import render
from nightly.test_envoy import HTTP, NAMESPACE, around, gateway, secret
from scripts.cluster import envoy, rate_limit_service
from scripts.cluster.programs import BuildFailed, ProgramMissing
from tests.cluster.conftest import give_up
from tests.harness.releases import released

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nightly
HOST = "churn.example.com"
ACCESS: dict[str, Any] = {
    "keys": "churn-callers",
    "issuers": {
        "login": {"url": "https://login.example.com/", "audience": "churn", "config_map": "login-keys"}
    },
    "callers": {
        "shop": {"rate": {"requests": "4/h", "burst": 100}},
        "daily": {"quota": {"requests": 3}},
        "bakery": {"rate": {"requests": "1000/s"}},
        "support": {"token": {"claims": {"scope": "ask"}}, "rate": {"requests": "2/h"}},
    },
}
PATHS = ("/predict", "/v2/models/churn/infer")


def objects_of(root: Path) -> list[dict[str, Any]]:
    """What is rendered for prod."""
    implementation = {"implementation": "envoy-gateway", "limits": "global"}
    built = pipeline(
        {"serving": {"gateway": {"host": HOST}, "access": ACCESS}},
        settings={"environments": {"prod": {"gateway": implementation}}},
    )
    return kustomize.find().build(released(root, built.name, render(built)) / "overlays/prod")


class Answering(Answers):
    """A server that answers all that reaches it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200)


@pytest.fixture(scope="module")
def issuer() -> TestIssuer:
    return TestIssuer()


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory, issuer: TestIssuer) -> Iterator[tuple[int, int]]:
    """Two Envoys, as of a gateway with two pods."""
    root = tmp_path_factory.mktemp("limits")
    keys = {name: key_of(name) for name in ("shop", "daily", "bakery")}
    objects = [
        each for each in around(objects_of(root), issuer) if each["metadata"]["name"] != "churn-callers"
    ]
    given = [*gateway(HTTP), *objects, secret("churn-callers", NAMESPACE, **keys)]
    try:
        configured, found = rate_limit_service.configurations(given, root), envoy.translated(given, root)
        with ExitStack() as stack:
            upstream = stack.enter_context(Loopback(Answering)).server_port
            limits = stack.enter_context(rate_limit_service.running(configured, root))
            first, second = (
                stack.enter_context(envoy.running(found, upstream, root, (), limits)) for _ in range(2)
            )
            yield first, second
    except (ProgramMissing, BuildFailed) as error:
        give_up(error)


def ask(port: int, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, b"{}", {"host": HOST, **named})
    reply = connection.getresponse()
    reply.read()
    return reply


def asked_in_turns(ports: tuple[int, int], count: int, **headers: str) -> list[http.client.HTTPResponse]:
    """So many requests: by each proxy in turn, and at each path of the model in turn."""
    return [ask(ports[each % 2], PATHS[each // 2 % 2], **headers) for each in range(count)]


def test_proxies_and_paths_share_a_budget(ports: tuple[int, int]) -> None:
    replies = asked_in_turns(ports, 6, x_api_key=key_of("shop"))
    assert [reply.status for reply in replies] == [200] * 4 + [429] * 2


def test_a_caller_is_told_when_to_come_again(ports: tuple[int, int]) -> None:
    *_, last = asked_in_turns(ports, 6, x_api_key=key_of("shop"))
    assert last.status == 429
    assert last.headers["retry-after"] == "1", "the shortest time that is counted: of the bakery"
    assert last.headers["content-type"] == "application/json"


def test_a_quota_of_a_day_is_counted_for_all(ports: tuple[int, int]) -> None:
    replies = asked_in_turns(ports, 4, x_api_key=key_of("daily"))
    assert [reply.status for reply in replies] == [200] * 3 + [429]
    assert replies[-1].headers["retry-after"] == "1"


def test_another_caller_is_not_disturbed(ports: tuple[int, int]) -> None:
    assert {reply.status for reply in asked_in_turns(ports, 6, x_api_key=key_of("bakery"))} == {200}


def test_a_caller_cannot_spend_the_budget_of_another(ports: tuple[int, int]) -> None:
    said = {"x_aimass_caller": "bakery", "x_aimass_claim_scope": "other"}
    assert ask(ports[0], PATHS[0], x_api_key=key_of("shop"), **said).status == 429


def test_callers_by_token_have_budgets(ports: tuple[int, int], issuer: TestIssuer) -> None:
    token = issuer.token(scope="openid ask")
    replies = asked_in_turns(ports, 3, authorization=f"Bearer {token}")
    assert [reply.status for reply in replies] == [200, 200, 429]
