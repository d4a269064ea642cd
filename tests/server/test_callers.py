"""Who may ask: callers are known by what they send, others refused, and each pays for itself alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from harness.issuer import KEY_ID, TestIssuer, key_of, mounted, write
from openapi_spec_validator import OpenAPIV31SpecValidator

from aimass_compiler import access_folder, conventions
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, Reply, Server, serving
from server.test_grpc import CODE, EXAMPLE, Caller, grpc_port
from server.test_shared import list_model, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CREDENTIAL = "credential-of-the-gateway"
SCORER = "spiffe://example.com/ns/batch/sa/scorer"
CALLERS: dict[str, dict[str, Any]] = {
    "shop": {},
    "hashed": {},
    "slow": {"limits": [{"unit": "requests", "count": 30, "seconds": 60, "burst": 3}]},
    "daily": {"limits": [{"unit": "requests", "count": 2}]},
    "bulk": {"limits": [{"unit": "rows", "count": 1, "seconds": 10}]},
    "support": {"token": {"issuer": "login", "claims": {"azp": "support"}}},
    "scorer": {"certificate": SCORER},
}


@pytest.fixture(scope="module")
def issuer() -> TestIssuer:
    return TestIssuer()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, issuer: TestIssuer) -> Path:
    keys = {name: key_of(name) for name in ("shop", "slow", "daily", "bulk")}
    keys["hashed"] = f"sha256:{hashlib.sha256(key_of('hashed').encode()).hexdigest()}\n"
    root = tmp_path_factory.mktemp("access")
    write(root / access_folder.ACCESS_CREDENTIAL, CREDENTIAL)
    return mounted(root, CALLERS, keys=keys, issuer=issuer, trusted="gateway")


@pytest.fixture(scope="module", params=["alone", "shared"])
def guarded(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """Serves churn to these callers, in a server of its own and in one that it shares."""
    root = tmp_path_factory.mktemp("guarded")
    package, variables = packages.churn(root / "churn"), {conventions.VARIABLE_ACCESS: str(folder)}
    if request.param == "alone":
        with serving(package, **variables) as server:
            yield server
        return
    (root / "models").mkdir()
    list_model(root / "models", package, hosts=[HOST], variables=variables)
    with shared(root / "models") as server:
        yield server


def predict(server: Server, headers: dict[str, str], rows: int = 1) -> Reply:
    return server.ask("POST", "/predict", {"rows": [CHURN_EXAMPLE] * rows}, headers)


def with_key(caller: str) -> dict[str, str]:
    return {"x-api-key": key_of(caller)}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "key-of-somebody-0123456789"},
        {"x-api-key": ""},
        {"authorization": "Basic c2hvcDpzaG9w"},
        bearer("not.a.token"),
        bearer("key-of-somebody-0123456789"),
        {"x-aimass-caller": "shop"},
        {"x-api-key": hashlib.sha256(key_of("hashed").encode()).hexdigest()},
    ],
    ids=["nothing", "another-key", "empty", "basic", "no-token", "bearer", "name-alone", "the-digest"],
)
def test_an_unknown_caller_is_refused(guarded: Server, headers: dict[str, str]) -> None:
    reply = predict(guarded, headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "error" in reply.json


@pytest.mark.parametrize(
    "headers",
    [
        with_key("shop"),
        with_key("hashed"),
        bearer(key_of("shop")),
        {"x-forwarded-client-cert": f"Hash=ab;URI={SCORER}", access_folder.GATEWAY_HEADER: CREDENTIAL},
    ],
    ids=["key", "hashed-key", "bearer-key", "certificate"],
)
def test_a_caller_is_answered(guarded: Server, headers: dict[str, str]) -> None:
    assert predict(guarded, headers).status == 200


def test_who_keeps_watch_needs_no_key_and_who_looks_around_does(guarded: Server) -> None:
    open_paths = (
        conventions.READY_PATH,
        conventions.LIVE_PATH,
        conventions.METRICS_PATH,
        "/v2/models/churn/ready",
    )
    assert {guarded.get(path).status for path in open_paths} == {200}
    for path in ("/", conventions.OPENAPI_PATH, "/v2/models/churn", "/nothing"):
        assert guarded.get(path).status == 401
    assert guarded.ask("GET", "/v2/models/churn", headers=with_key("shop")).status == 200


def test_the_contract_says_how_callers_are_known(guarded: Server) -> None:
    document = guarded.ask("GET", conventions.OPENAPI_PATH, headers=with_key("shop")).json
    OpenAPIV31SpecValidator(document).validate()
    asked = document["paths"][conventions.PREDICT_PATH]["post"]
    assert asked["security"] == [{"key": []}, {"bearer": []}]
    assert {"401", "403", "429"} <= asked["responses"].keys()
    assert "security" not in document["paths"][conventions.READY_PATH]["get"]


def test_a_certificate_counts_only_from_the_gateway(guarded: Server) -> None:
    said = {"x-forwarded-client-cert": f"URI={SCORER}"}
    assert predict(guarded, said).status == 401
    assert predict(guarded, {**said, access_folder.GATEWAY_HEADER: "guessed"}).status == 401
    known = {access_folder.GATEWAY_HEADER: CREDENTIAL}
    assert (
        predict(guarded, {**known, "x-forwarded-client-cert": "URI=spiffe://example.com/other"}).status == 403
    )
    # What a client puts before the gateway's own element says nothing.
    forged = f"URI={SCORER},Hash=ab;URI=spiffe://example.com/other"
    assert predict(guarded, {**known, "x-forwarded-client-cert": forged}).status == 403


def test_a_token_of_the_issuer_is_believed(guarded: Server, issuer: TestIssuer) -> None:
    assert predict(guarded, bearer(issuer.token(azp="support"))).status == 200
    reply = predict(guarded, bearer(issuer.token(azp="someone")))
    assert reply.status == 403
    assert "belongs to no caller" in reply.json["error"]
    # Words count in scopes only: who may choose a name could else choose this one, too.
    assert predict(guarded, bearer(issuer.token(azp="x support"))).status == 403


def headed(issuer: TestIssuer, algorithm: str) -> str:
    """Head and payload of a caller's token, with another algorithm."""
    head = json.dumps({"alg": algorithm, "kid": KEY_ID}).encode()
    return f"{base64.urlsafe_b64encode(head).decode().strip('=')}.{issuer.token(azp='support').split('.')[1]}"


def unsigned(issuer: TestIssuer) -> str:
    return f"{headed(issuer, 'none')}."


def signed_with_the_public_key(issuer: TestIssuer) -> str:
    """A token that takes the public key for a shared secret, which PyJWT itself refuses to write."""
    signed = headed(issuer, "HS256")
    signature = hmac.digest(issuer.keys.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().strip('=')}"


@pytest.mark.parametrize(
    "made",
    [
        lambda issuer: issuer.token(-120, azp="support"),
        lambda issuer: issuer.token(azp="support", aud="another"),
        lambda issuer: issuer.token(azp="support", iss="https://evil.example.com/"),
        lambda issuer: issuer.token(azp="support", nbf=time.time() + 600),
        lambda _: TestIssuer().token(azp="support"),
        lambda issuer: issuer.token(azp="support")[:-4] + "AAAA",
        unsigned,
        signed_with_the_public_key,
    ],
    ids=["expired", "audience", "issuer", "early", "other-key", "changed", "none", "shared-secret"],
)
def test_no_other_token_is(guarded: Server, issuer: TestIssuer, made: Any) -> None:
    reply = predict(guarded, bearer(made(issuer)))
    assert reply.status == 401
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_who_asks_too_fast_is_answered_when_to_come_again(guarded: Server) -> None:
    replies = [predict(guarded, with_key("slow")) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert replies[0].headers["ratelimit"] == '"requests";r=2;t=0'
    refused = replies[-1]
    assert refused.headers["ratelimit-policy"] == '"requests";q=3;w=6'
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert "`slow` has used up its requests" in refused.json["error"]
    time.sleep(int(refused.headers["retry-after"]) + 0.1)
    assert predict(guarded, with_key("slow")).status == 200


def test_a_quota_lasts_until_midnight(guarded: Server) -> None:
    assert [predict(guarded, with_key("daily")).status for _ in range(3)] == [200, 200, 429]
    wait = int(predict(guarded, with_key("daily")).headers["retry-after"])
    assert abs(wait - (86_400 - time.time() % 86_400)) < 5


def test_rows_are_paid_for_afterwards(guarded: Server) -> None:
    assert predict(guarded, with_key("bulk"), rows=5).status == 200
    refused = predict(guarded, with_key("bulk"))
    assert refused.status == 429
    assert 40 <= int(refused.headers["retry-after"]) <= 50
    assert "used up its rows" in refused.json["error"]


def test_metrics_and_the_log_name_callers_and_never_unknown_ones(guarded: Server) -> None:
    unknown = guarded.metric(conventions.METRIC_UNKNOWN_CALLERS, code="401")
    predict(guarded, with_key("shop"), rows=2)
    predict(guarded, {"x-api-key": "key-of-somebody-0123456789"})
    assert guarded.metric(conventions.METRIC_CALLER_REQUESTS, caller="shop", outcome="admitted") >= 1
    assert guarded.metric(conventions.METRIC_CALLER_SPENT, caller="shop", unit="rows") >= 2
    assert guarded.metric(conventions.METRIC_CALLER_REQUESTS, caller="daily", outcome="limited") >= 1
    assert guarded.metric(conventions.METRIC_UNKNOWN_CALLERS, code="401") == unknown + 1
    asked = [event for event in guarded.events() if event["event"] == "request"]
    assert asked[-2]["caller"] == "shop"
    assert "caller" not in asked[-1]
    assert "key-of-" not in guarded.log.read_text()


def until_it_counts(server: Server, headers: dict[str, str], status: int) -> bool:
    until = time.monotonic() + 10
    while predict(server, headers).status != status:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def test_keys_and_limits_change_without_a_restart(tmp_path: Path) -> None:
    folder = mounted(tmp_path / "access", {"shop": {}})
    package = packages.churn(tmp_path / "churn")
    with serving(package, **{conventions.VARIABLE_ACCESS: str(folder)}) as server:
        write(folder / "keys/shop.next", "the-second-key-0123456789")
        assert until_it_counts(server, {"x-api-key": "the-second-key-0123456789"}, 200)
        assert predict(server, with_key("shop")).status == 200
        write(folder / "keys/shop", "the-second-key-0123456789")
        (folder / "keys/shop.next").unlink()
        assert until_it_counts(server, with_key("shop"), 401)
        assert predict(server, {"x-api-key": "the-second-key-0123456789"}).status == 200
        # A file that cannot be read changes nothing.
        write(folder / access_folder.ACCESS_FILE, "{")
        time.sleep(1.2)
        assert predict(server, {"x-api-key": "the-second-key-0123456789"}).status == 200
        mounted(folder, {"other": {}}, keys={"other": key_of("other")})
        assert until_it_counts(server, with_key("other"), 200)
        assert predict(server, {"x-api-key": "the-second-key-0123456789"}).status == 401
        errors = [
            event["error"] for event in server.events() if event["event"] == "access" and "error" in event
        ]
        assert any("cannot be read" in error for error in errors)


CROWD, EACH = 1000, 2


def test_a_thousand_callers_do_not_feel_the_one_that_floods(tmp_path: Path) -> None:
    limits = [{"unit": "requests", "count": 10, "seconds": 1, "burst": 5}]
    names = [f"caller-{number}" for number in range(CROWD)]
    folder = mounted(tmp_path / "access", {name: {"limits": limits} for name in (*names, "flood")})
    package = packages.churn(tmp_path / "churn")
    body = json.dumps({"rows": [CHURN_EXAMPLE]}).encode()
    is_over = threading.Event()

    def ask(names: list[str], times: int) -> list[int]:
        connection, found = http.client.HTTPConnection(HOST, server.port, timeout=20), []
        for name in names:
            for _ in range(times):
                connection.request("POST", "/predict", body, with_key(name))
                reply = connection.getresponse()
                reply.read()
                found.append(reply.status)
        connection.close()
        return found

    def flood() -> list[int]:
        found: list[int] = []
        while not is_over.is_set():
            found += ask(["flood"], 20)
        return found

    with (
        serving(package, **{conventions.VARIABLE_ACCESS: str(folder)}) as server,
        ThreadPoolExecutor(20) as threads,
    ):
        flooding = [threads.submit(flood) for _ in range(4)]
        asking = [threads.submit(ask, names[start::16], EACH) for start in range(16)]
        answered = [status for each in asking for status in each.result()]
        is_over.set()
        flooded = [status for each in flooding for status in each.result()]
    assert answered == [200] * CROWD * EACH
    assert flooded.count(429) > flooded.count(200) > 0


def test_over_grpc_the_same_callers_pay_the_same(tmp_path: Path) -> None:
    limits = [{"unit": "requests", "count": 1, "seconds": 60, "burst": 1}]
    folder = mounted(tmp_path / "access", {"shop": {"limits": limits}, "other": {}})
    variables = {conventions.VARIABLE_ACCESS: str(folder)}
    with serving(packages.churn(tmp_path / "churn"), "--grpc-port=0", **variables) as server:
        caller = Caller(grpc_port(server))
        asked: dict[str, Any] = {"model_name": "churn", "inputs": EXAMPLE}
        assert caller.refusal("ModelInfer", **asked)[0] == CODE.UNAUTHENTICATED
        assert caller.refusal("ModelMetadata", name="churn")[0] == CODE.UNAUTHENTICATED
        assert caller.ask("ServerReady").ready
        known = (("x-api-key", key_of("shop")),)
        assert caller.ask("ModelInfer", **asked, metadata=known).model_name == "churn"
        assert caller.refusal("ModelInfer", **asked, metadata=known)[0] == CODE.RESOURCE_EXHAUSTED
        assert predict(server, with_key("shop")).status == 429
        assert predict(server, with_key("other")).status == 200
