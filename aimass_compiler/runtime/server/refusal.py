"""The answer to a request that is not read on."""

from __future__ import annotations

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE


class Refusal(Exception):  # noqa: N818  # of what a caller sent, not an error of ours
    """A request that is not read on."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    def written(self) -> bytes:
        """The whole answer."""
        body = orjson.dumps({"error": self.message})
        fields = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        return b"".join((STATUS_LINE[self.status], fields % len(body), body))
