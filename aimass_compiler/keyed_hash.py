"""What stands in records in the place of a personal value: servers write it, and erasing looks for it."""

from __future__ import annotations

import hmac

#: Of a SHA-256 in hexadecimal: 128 bits, which nobody meets by chance.
_DIGITS = 32


def keyed_hash(key: bytes, column: str, value: object) -> str:
    """The same for the same value of a column and the same key, and for no other.

    A whole number is the same whether it came as 7, as 7.0 or as text. Source: RFC 2104, with SHA-256.
    """
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return hmac.digest(key, f"{column}={text}".encode(), "sha256").hex()[:_DIGITS]
