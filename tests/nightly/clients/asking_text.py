"""A server of text asked by OpenAI's own client; run by the Python that has it, with its address."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import openai

TICKET: list[Any] = [{"role": "user", "content": "I was charged twice, and please refund me"}]
WANTED = "billing: we look into it"
KIND: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "kind",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"kind": {"enum": ["billing", "other"]}},
            "required": ["kind"],
            "additionalProperties": False,
        },
    },
}


def by_answers(client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "example"
    chat = client.chat.completions.create(model="example", messages=TICKET, logprobs=True, top_logprobs=2)
    assert chat.choices[0].message.content == WANTED
    assert chat.usage.completion_tokens == len(chat.choices[0].logprobs.content)
    completion = client.completions.create(model="example", prompt="grüße", max_tokens=3, logprobs=1)
    assert len(completion.choices[0].logprobs.tokens) == 3
    kind = client.chat.completions.create(model="example", messages=TICKET, response_format=KIND)
    assert json.loads(kind.choices[0].message.content)["kind"] in ("billing", "other")
    choice = client.chat.completions.create(
        model="example", messages=TICKET, extra_body={"structured_outputs": {"choice": ["yes", "no"]}}
    )
    assert choice.choices[0].message.content in ("yes", "no")


def by_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="example", messages=TICKET, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == WANTED
    assert chunks[-1].usage.total_tokens > chunks[-1].usage.prompt_tokens
    with client.completions.create(model="example", prompt="a", max_tokens=200, stream=True) as left:
        next(iter(left))


def by_mistakes(client: openai.OpenAI) -> None:
    for asked, kind, code in (
        ({"model": "example", "max_tokens": 5000}, openai.BadRequestError, "context_length_exceeded"),
        ({"model": "another"}, openai.NotFoundError, "model_not_found"),
    ):
        found = None
        try:
            client.chat.completions.create(messages=TICKET, **asked)
        except openai.APIStatusError as error:
            found = type(error), error.code
        assert found == (kind, code)


async def at_once(address: str) -> None:
    async with openai.AsyncOpenAI(base_url=address, api_key="none") as client:
        asked = [client.chat.completions.create(model="example", messages=TICKET) for _ in range(20)]
        for answer in await asyncio.gather(*asked):
            assert answer.choices[0].message.content == WANTED


if __name__ == "__main__":
    with openai.OpenAI(base_url=sys.argv[1], api_key="none") as client_:
        for part in (by_answers, by_streams, by_mistakes):
            part(client_)
    asyncio.run(at_once(sys.argv[1]))
