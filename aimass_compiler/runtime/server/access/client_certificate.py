"""What a proxy says of the client certificate that it verified: the header X-Forwarded-Client-Cert.

Source: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
"""

from __future__ import annotations

import re

_HEADER = b"x-forwarded-client-cert"
#: One `Key=value`, whose value may be in quotes, and what ends it: `;` within an element, `,` between two.
_PAIR = re.compile(rb'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)\s*([;,]|$)')


def spiffe_id(headers: dict[bytes, bytes]) -> str | None:
    """The SPIFFE ID in the certificate of who asked the proxy; None where there is none.

    Each proxy adds an element: only the last is of the one that is believed. A header that is not written
    like this says nothing.
    """
    header = headers.get(_HEADER)
    if header is None:
        return None
    found: list[bytes] = []
    place, is_over = 0, False
    while not is_over:
        pair = _PAIR.match(header, place)
        if pair is None:
            return None
        if pair[1].lower() == b"uri":
            found.append(pair[2].strip(b'"'))
        place, is_over = pair.end(), not pair[3]
        if pair[3] == b",":
            found.clear()
    # A SPIFFE certificate has exactly one URI.
    return found[0].decode("ascii", "replace") if len(found) == 1 else None
