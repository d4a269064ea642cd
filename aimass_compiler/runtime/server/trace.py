"""The trace that a request belongs to, as its caller names it.

Source: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import re

HEADER = b"traceparent"
_PARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<parent>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}"
)


def trace_of(header: bytes | None) -> bytes | None:
    """The header where it names a trace; what does not is none, as the recommendation says."""
    return header if header is not None and _PARENT.fullmatch(header) else None


def logged(trace: bytes) -> dict[str, str]:
    """What a log line tells of it: the ids by which collectors put lines and spans together."""
    _, trace_id, parent_id, _ = trace.decode().split("-")
    return {"trace_id": trace_id, "parent_id": parent_id}
