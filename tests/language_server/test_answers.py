"""Answers: the tokens that were certified, whole and streamed alike, and of the form that was asked for."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from server.collector import collecting, values

from aimass_compiler import conventions
from language_server.asking import EXAMPLE, packaged, refused, serving_text

if TYPE_CHECKING:
    from pathlib import Path

    from language_server.asking import TextServer

TICKET = "I was charged twice, and please refund me"
KIND = {
    "type": "object",
    "properties": {"kind": {"enum": ["billing", "other"]}},
    "required": ["kind"],
    "additionalProperties": False,
}


def test_the_certified_answer_is_given_with_its_log_probabilities(text: TextServer) -> None:
    golden = json.loads((EXAMPLE / conventions.GOLDEN_FILE).read_text())["prompts"][0]
    reply = text.server.ask(
        "POST",
        conventions.CHAT_PATH,
        {"messages": golden["messages"], "logprobs": True, "top_logprobs": 2},
    )
    (choice,) = json.loads(reply.body)["choices"]
    assert choice["message"] == {"role": "assistant", "content": "billing: we look into it"}
    assert choice["finish_reason"] == "stop"
    told = choice["logprobs"]["content"]
    assert [entry["logprob"] for entry in told] == pytest.approx(golden["log_probabilities"], abs=1e-4)
    assert all(entry["top_logprobs"][0]["logprob"] == entry["logprob"] for entry in told)
    usage = json.loads(reply.body)["usage"]
    assert usage["prompt_tokens"] == len(golden["prompt_ids"])
    assert usage["completion_tokens"] == len(golden["answer_ids"])
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_tokens_instead_of_a_text_are_the_same_prompt(text: TextServer) -> None:
    golden = json.loads((EXAMPLE / conventions.GOLDEN_FILE).read_text())["prompts"][1]
    reply = text.complete(golden["prompt_ids"], max_tokens=24, model="example")
    assert json.loads(reply.body)["choices"][0]["text"] == "other: we look into it"


@pytest.mark.parametrize("seed", range(6))
def test_a_stream_says_what_the_whole_answer_says(text: TextServer, seed: int) -> None:
    """Random tokens are bytes of characters that nothing completes, and those that something does."""
    document: dict[str, Any] = {
        "messages": [{"role": "user", "content": "grüße aus Köln 🙂"}],
        "seed": seed,
        "temperature": 2 if seed else 0,
        "max_tokens": 60,
        "logprobs": True,
        "stream_options": {"include_usage": True},
    }
    whole = json.loads(text.server.ask("POST", conventions.CHAT_PATH, document).body)
    *events, last = text.events(conventions.CHAT_PATH, document)
    choices = [event["choices"][0] for event in events]
    assert choices[0]["delta"]["role"] == "assistant"
    assert (
        "".join(choice["delta"].get("content", "") for choice in choices)
        == (whole["choices"][0]["message"]["content"])
    )
    assert [choice["finish_reason"] for choice in choices][-1] == whole["choices"][0]["finish_reason"]
    told = [entry for choice in choices for entry in (choice["logprobs"] or {}).get("content", [])]
    assert told == whole["choices"][0]["logprobs"]["content"]
    assert (last["choices"], last["usage"]) == ([], whole["usage"])


def test_a_seed_gives_the_same_answer_and_another_one_another(text: TextServer) -> None:
    found = [text.words(TICKET, seed=seed, temperature=2, max_tokens=20) for seed in (7, 7, 8, -1, 2**40)]
    assert found[0] == found[1]
    assert len(set(found)) == 4


@pytest.mark.parametrize(
    ("stop", "left"),
    [
        ("look", "billing: we "),
        (["ing", "look"], "bill"),
        ("g: w", "billin"),
        ("nowhere", "billing: we look into it"),
    ],
)
def test_an_answer_ends_before_a_stop_wherever_tokens_end(text: TextServer, stop: Any, left: str) -> None:
    assert text.words(TICKET, stop=stop) == left
    events = text.events(
        conventions.CHAT_PATH, {"messages": [{"role": "user", "content": TICKET}], "stop": stop}
    )
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events) == left
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"structured_outputs": {"choice": ["yes (1)", "no-way"]}}, {"yes (1)", "no-way"}),
        ({"structured_outputs": {"choice": ["größer", "日本"]}}, {"größer", "日本"}),
        ({"structured_outputs": {"json": KIND}}, {'{"kind":"billing"}', '{"kind":"other"}'}),
        ({"structured_outputs": {"json": json.dumps(KIND)}}, {'{"kind":"billing"}', '{"kind":"other"}'}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "kind", "schema": KIND}}},
            {'{"kind":"billing"}', '{"kind":"other"}'},
        ),
        ({"response_format": {"type": "text"}}, {"billing: we look into it"}),
    ],
)
def test_an_answer_has_the_form_that_was_asked_for(text: TextServer, asked: Any, wanted: set[str]) -> None:
    assert text.words(TICKET, **asked) in wanted


def test_an_answer_by_a_regular_expression_follows_it(text: TextServer) -> None:
    answer = text.words(TICKET, structured_outputs={"regex": "[0-9]{3}-[0-9]{2}"})
    assert (len(answer), answer[3]) == (6, "-")


def test_the_length_ends_an_answer_that_goes_on(text: TextServer) -> None:
    (choice,) = json.loads(text.chat(TICKET, max_tokens=2).body)["choices"]
    assert choice["finish_reason"] == "length"


def test_log_probabilities_of_completions_are_told_by_token(text: TextServer) -> None:
    (choice,) = json.loads(text.complete("grüße", max_tokens=4, logprobs=2).body)["choices"]
    told = choice["logprobs"]
    assert {len(values) for values in told.values()} == {4}
    assert all(value <= 0 and math.isfinite(value) for value in told["token_logprobs"])
    assert all(len(others) == 2 for others in told["top_logprobs"])


def test_the_model_is_listed_with_its_context(text: TextServer) -> None:
    (model,) = json.loads(text.server.get(conventions.SERVED_MODELS_PATH).body)["data"]
    assert (model["id"], model["max_model_len"]) == ("example", 256)
    assert json.loads(text.server.get(f"{conventions.SERVED_MODELS_PATH}/example").body) == model
    reply = text.server.get(f"{conventions.SERVED_MODELS_PATH}/another")
    assert (reply.status, refused(reply)["code"]) == (404, "model_not_found")


def test_an_answer_is_a_span_with_the_time_of_its_first_token(tmp_path: Path) -> None:
    with (
        collecting() as collector,
        serving_text(
            packaged(tmp_path / "example"),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_TRACES_SAMPLER_ARG="1",
        ) as server,
    ):
        assert server.words("I was charged twice")
        assert server.server.stop() == 0
        (line,) = [event for event in server.server.events() if event.get("code") == 200]
        spans = collector.of(line["trace_id"], 3, seconds=2)
    request, first, rest = (
        spans[name] for name in ("POST /v1/chat/completions", "first token", "generation")
    )
    assert {first.parent_span_id, rest.parent_span_id} == {request.span_id}
    told = values(request.attributes)
    assert told["gen_ai.usage.output_tokens"] == line["answer_tokens"]
    assert first.end_time_unix_nano == rest.start_time_unix_nano
