"""`python scripts/stream_answer.py URL MODEL TEXT`: ask a model, and print its answer as it comes."""

from __future__ import annotations

import json
import sys
import urllib.request


def main(url: str, model: str, text: str) -> None:
    """Print the tokens of a streamed chat completion (server-sent events), each as soon as it is there."""
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "max_tokens": 64,
    }
    request = urllib.request.Request(  # noqa: S310  # an address of this machine
        f"{url}/v1/chat/completions", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # as above
        for line in answer:
            event = line.decode().removeprefix("data: ").strip()
            if not event or event == "[DONE]":
                continue
            for choice in json.loads(event)["choices"]:
                print(choice["delta"].get("content") or "", end="", flush=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:4])
