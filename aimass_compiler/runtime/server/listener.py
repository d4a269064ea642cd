"""The socket that a server listens on: bound before the model is loaded, and shut before it is closed."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.response import ServerFailure

#: What the kernel keeps of a connection, in each direction (Linux doubles it). Left alone it is up to 4 MiB
#: for a caller that does not read, out of the container's memory.
_BUFFER_BYTES = 128 << 10
_SO_ATTACH_FILTER = 26
#: A program for the kernel's packet filter: load the flags of the TCP header; drop SYN, take the rest.
#: Source: https://docs.kernel.org/networking/filter.html
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address but takes no connection yet, so that nobody waits for the load.

    Raises ServerFailure when the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # connections inherit them
            listener.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER_BYTES)
        listener.bind(address)
    except OSError as error:
        message = f"{host}:{port} cannot be served from: {error.strerror or error}"
        raise ServerFailure(ExitCode.ADDRESS, f"{message}; choose another with --host and --port") from error
    return listener


def shut_out(listener: socket.socket) -> None:
    """Let nobody new knock, while those who did are still let in.

    Closing a listening socket resets every connection that it has not accepted yet. Whoever knocks now is not
    heard, asks again after a second, and is refused by then: its request was never sent, so none is lost.
    """
    if sys.platform != "linux":
        return
    steps = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _NO_SYN))
    program = struct.pack("HP", len(_NO_SYN), ctypes.addressof(steps))
    with contextlib.suppress(OSError):  # sandboxes that have no such filter lose what was just arriving
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
