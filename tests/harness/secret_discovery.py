"""Gives an Envoy its certificates as the agent of a mesh does, by the secret discovery service.

Source: https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc

_METHOD = ("envoy.service.secret.v3.SecretDiscoveryService", "StreamSecrets")
_TYPE = b"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
#: Of a DiscoveryRequest: the names that are asked for.
_NAMES = 3


def _field(number: int, content: bytes) -> bytes:
    """A field of a message with a length, as protocol buffers write it."""
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes((*found, value))


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that have a length; those with a number are left out."""
    at = 0
    while at < len(message):
        tag, at = _read(message, at)
        length, at = _read(message, at)
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + length]
            at += length


def _read(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _inline(text: str) -> bytes:
    return _field(2, text.encode())


def own_certificate(certificate: str, key: str) -> bytes:
    """What a proxy shows."""
    return _field(2, _field(1, _inline(certificate)) + _field(2, _inline(key)))


def believed(authority: str) -> bytes:
    """Whom a proxy believes."""
    return _field(4, _field(1, _inline(authority)))


@contextmanager
def serving(secrets: Mapping[str, bytes]) -> Iterator[int]:
    """Answer with these secrets by name while the block lasts; the port."""

    def answer(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        answered: set[str] = set()
        for request in requests:
            names = {value.decode() for number, value in _fields(request) if number == _NAMES}
            if names - answered:
                answered |= names
                found = [_field(1, name.encode()) + secrets[name] for name in sorted(names & secrets.keys())]
                resources = b"".join(_field(2, _field(1, _TYPE) + _field(2, each)) for each in found)
                yield _field(1, b"1") + resources + _field(4, _TYPE) + _field(5, b"1")

    service, method = _METHOD
    handler = grpc.method_handlers_generic_handler(
        service, {method: grpc.stream_stream_rpc_method_handler(answer)}
    )
    server = grpc.server(ThreadPoolExecutor(8), handlers=(handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)
