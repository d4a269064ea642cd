"""Who may ask a language model: OpenAI's keys and errors, and tokens that are paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness.issuer import key_of, mounted

from aimass_compiler import conventions
from language_server.asking import LONG, TextServer, refused, serving_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Some answers' worth, which come again within a day only.
_TOKENS = 20


@pytest.fixture(scope="module")
def guarded(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextServer]:
    """Serves two callers, one of which has few tokens."""
    limits = [{"unit": "tokens", "count": _TOKENS}]
    folder = mounted(tmp_path_factory.mktemp("access"), {"shop": {}, "poor": {"limits": limits}})
    with serving_text(example, **{conventions.VARIABLE_ACCESS: str(folder)}) as server:
        yield server


def bearer(caller: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key_of(caller)}"}


def test_a_stranger_gets_openais_refusal(guarded: TextServer) -> None:
    reply = guarded.server.ask("POST", conventions.COMPLETIONS_PATH, LONG)
    assert reply.status == 401
    assert refused(reply)["code"] == "invalid_api_key"
    assert guarded.server.get(conventions.SERVED_MODELS_PATH).status == 401
    listed = guarded.server.ask("GET", conventions.SERVED_MODELS_PATH, headers=bearer("shop"))
    assert listed.status == 200
    assert all(
        guarded.server.get(path).status == 200 for path in (conventions.HEALTH_PATH, conventions.METRICS_PATH)
    )


def test_tokens_of_prompts_and_answers_are_paid_for(guarded: TextServer) -> None:
    document = {"prompt": "thank you", "max_tokens": 4}
    reply = guarded.server.ask("POST", conventions.COMPLETIONS_PATH, document, bearer("poor"))
    assert reply.status == 200
    used = reply.json["usage"]["total_tokens"]
    assert guarded.server.metric(conventions.METRIC_CALLER_SPENT, caller="poor", unit="tokens") == used
    for _ in range(_TOKENS):
        reply = guarded.server.ask("POST", conventions.COMPLETIONS_PATH, document, bearer("poor"))
        if reply.status != 200:
            break
    assert reply.status == 429
    assert refused(reply)["type"] == "rate_limit_error"
    assert int(reply.headers["retry-after"]) > 0
    assert reply.headers["ratelimit"].startswith('"tokens-day";r=0;')
    spent = guarded.server.metric(conventions.METRIC_CALLER_SPENT, caller="poor", unit="tokens")
    assert _TOKENS <= spent < _TOKENS + 2 * used
    assert guarded.server.ask("POST", conventions.COMPLETIONS_PATH, document, bearer("shop")).status == 200
    # It says nothing of what the server bears, which is what servers are added by.
    assert guarded.server.metric(conventions.METRIC_REJECTED, reason="concurrency") == 0
    asked = [event for event in guarded.server.events() if event["event"] == "request"]
    assert [asked[-2]["caller"], asked[-1]["caller"]] == ["poor", "shop"]
