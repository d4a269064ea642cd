"""What a request's head may not be, though the parser takes it.

Where a proxy reads a request otherwise than the server, the rest of it is taken for another one: whatever
can be read in two ways is refused. Source: RFC 9112, 3.2 and 6.1 to 6.3; RFC 9110, 2.5 and 7.2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERSIONS = ("1.1", "1.0")
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]*")
_CODING = b"transfer-encoding"


def fault(version: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """What is wrong with a head, as a sentence; None for nearly all."""
    if version not in _VERSIONS:
        return f"HTTP/{version} is not supported; use HTTP/1.1"
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts != 1 and (hosts or version == "1.1"):
        return f"a request must have one `Host` header, not {hosts}"
    if hosts and not _HOST.fullmatch(headers[names.index(b"host")][1]):
        return "the `Host` header is not a host and port"
    return _fault_of_coding(version, names, headers) if _CODING in names else None


def _fault_of_coding(
    version: str, names: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]]
) -> str | None:
    if version == "1.0":
        return "HTTP/1.0 has no `Transfer-Encoding`; send the body's `Content-Length`"
    if b"content-length" in names:
        return "a body has a `Content-Length` or a `Transfer-Encoding`, not both"
    if [value.lower() for name, value in headers if name == _CODING] != [b"chunked"]:
        return "the only supported `Transfer-Encoding` is `chunked`"
    return None


def without_offer(method: bytes, url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A request's head without its `Upgrade`."""
    lines = [b"%s: %s\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"".join((b"%s %s HTTP/%s\r\n" % (method, url, version.encode()), *lines, b"\r\n"))
