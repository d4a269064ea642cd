"""What is refused, in OpenAI's form: with the field, what is wrong with it, and the way out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler import conventions
from language_server.asking import refused

if TYPE_CHECKING:
    from language_server.asking import TextServer

HELLO = [{"role": "user", "content": "thank you"}]
DEEP: Any = {"type": "string"}
for _ in range(300):
    DEEP = {"type": "object", "properties": {"a": DEEP}}
CASES: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "gpt-4"}, 404, "there is no model"),
    ({"messages": []}, 400, "`messages` must be a list of messages"),
    ({"messages": "thank you"}, 400, "`messages` must be a list of messages"),
    ({"messages": [{"role": "king", "content": "x"}]}, 400, "`messages[0].role` is"),
    ({"messages": [{"role": "user", "content": 7}]}, 400, "`messages[0].content` must be text"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "parts of type `text`"),
    ({"messages": [{"role": "user", "content": "a\0b"}]}, 400, "NUL"),
    ({"max_tokens": 0}, 400, "`max_tokens` must be"),
    ({"max_tokens": -5}, 400, "`max_tokens` must be"),
    ({"max_tokens": 2.5}, 400, "`max_tokens` must be"),
    ({"max_tokens": True}, 400, "`max_tokens` must be"),
    ({"max_completion_tokens": 10**18}, 400, "where the context is 256"),
    ({"temperature": -1}, 400, "`temperature` must be a number from 0 to 2"),
    ({"temperature": 1e999}, 400, "JSON"),
    ({"temperature": "hot"}, 400, "`temperature` must be a number"),
    ({"top_p": 1.5}, 400, "`top_p` must be a number from 0 to 1"),
    ({"top_k": -2}, 400, "`top_k` must be"),
    ({"repetition_penalty": 0}, 400, "`repetition_penalty` must be"),
    ({"seed": 1.5}, 400, "`seed` must be"),
    ({"n": 2}, 400, "`n` of 2 is not supported"),
    ({"tools": [{"type": "function"}]}, 400, "`tools` of"),
    ({"presence_penalty": 0.5}, 400, "`presence_penalty` of 0.5 is not supported"),
    ({"logit_bias": {"5": 1}}, 400, "`logit_bias` of"),
    ({"stop": [""]}, 400, "`stop` must be"),
    ({"stop": ["x"] * 17}, 400, "`stop` must be"),
    ({"stream": "yes"}, 400, "`stream` must be true or false"),
    ({"stream_options": []}, 400, "`stream_options` must be an object"),
    ({"top_logprobs": 3}, 400, "needs `logprobs`"),
    ({"logprobs": True, "top_logprobs": 21}, 400, "`top_logprobs` must be"),
    ({"tempratur": 1}, 400, "did you mean `temperature`?"),
    ({"structured_outputs": {"choice": []}}, 400, "`structured_outputs.choice` must be"),
    ({"structured_outputs": {"grammar": "x"}}, 400, "`structured_outputs` must be"),
    ({"structured_outputs": {"regex": "(("}}, 400, "the engine refuses the request"),
    ({"structured_outputs": {"regex": "(a{1,999}){1,999}"}}, 400, "the engine refuses the request"),
    ({"structured_outputs": {"json": {"type": "blub"}}}, 400, "the engine refuses the request"),
    ({"structured_outputs": {"json": {"$ref": "http://127.0.0.1:1/x"}}}, 400, "the engine refuses"),
    ({"structured_outputs": {"json": DEEP}}, 400, ""),
    ({"structured_outputs": {"regex": "x" * 20_000}}, 400, "16384 are the most"),
    ({"response_format": {"type": "xml"}}, 400, "`response_format` must have a `type`"),
    ({"response_format": {"type": "json_schema"}}, 400, "must have a JSON Schema"),
]


@pytest.mark.parametrize(("asked", "status", "words"), CASES, ids=lambda value: str(value)[:40])
def test_a_chat_is_refused_with_what_is_wrong(text: TextServer, asked: Any, status: int, words: str) -> None:
    body = json.dumps({"messages": HELLO, **asked}).replace("Infinity", "1e999").encode()
    reply = text.server.ask("POST", conventions.CHAT_PATH, body)
    error = refused(reply)
    assert (reply.status, words in error["message"]) == (status, True), error
    assert len(reply.body) < 1000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "not JSON"),
        (b"[1]", "must be an object"),
        (b'{"prompt":"\xff\xfe"}', "not JSON"),
        (b'{"prompt":"\\ud800"}', "not JSON"),
        (b'{"prompt":[1,"x"]}', "`prompt` must be"),
        (b'{"prompt":["a","b"]}', "`prompt` must be"),
        (b'{"prompt":[]}', "the prompt is empty"),
        (b'{"prompt":""}', "the prompt is empty"),
        (b'{"prompt":[99999]}', "has the token 99999"),
        (b'{"prompt":[-1]}', "has the token -1"),
        (b'{"prompt":"a","echo":true}', "`echo` of true is not supported"),
        (b'{"prompt":"a","best_of":3}', "`best_of` of 3 is not supported"),
        (b'{"prompt":"a","logprobs":true}', "`logprobs` must be"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_completion_is_refused_with_what_is_wrong(text: TextServer, body: bytes, words: str) -> None:
    reply = text.server.ask("POST", conventions.COMPLETIONS_PATH, body)
    assert (reply.status, words in refused(reply)["message"]) == (400, True), reply.body


@pytest.mark.parametrize("letters", [3_000, 900_000])
def test_a_prompt_beyond_the_context_is_refused_with_both_numbers(text: TextServer, letters: int) -> None:
    reply = text.chat("xy" * (letters // 2))
    error = refused(reply)
    assert (reply.status, error["code"]) == (400, "context_length_exceeded")
    assert "256" in error["message"]
    assert any(int(word) > 100 for word in error["message"].split() if word.isdigit())


def test_prompt_and_answer_together_are_held_against_the_context(text: TextServer) -> None:
    error = refused(text.complete([5] * 200, max_tokens=57))
    assert error["message"].startswith(
        "the prompt has 200 tokens, and `max_tokens` asks for 57: together 257"
    )
    assert text.complete([5] * 200, max_tokens=56).status == 200
    assert text.complete([1] * 255, max_tokens=1).status == 200


def test_a_body_beyond_the_limit_is_refused(text: TextServer) -> None:
    reply = text.chat("x" * (1 << 20))
    assert (reply.status, refused(reply)["type"]) == (413, "invalid_request_error")


def test_another_path_and_another_method_are_refused(text: TextServer) -> None:
    reply = text.server.get("/v1/completion")
    assert (reply.status, "/v1/completions" in refused(reply)["message"]) == (404, True)
    reply = text.server.get(conventions.CHAT_PATH)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_what_was_refused_took_no_place(text: TextServer) -> None:
    assert text.comes_to("num_requests_running", 0)
    assert text.comes_to("requests_in_flight", 0)
    assert text.metric("kv_cache_usage_perc") == 0
