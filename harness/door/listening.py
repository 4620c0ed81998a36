"""The socket that a server of the door listens at."""

from __future__ import annotations

import socket

from harness.errors import UsageError


def listening(host: str, port: int, backlog: int = 2048) -> socket.socket:
    """Bind an address, port 0 for any that is free, and listen; UsageError where that cannot be done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with its protocol named: asyncio sends without delay only where it is, and 40 ms late elsewhere
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        cure = "name another --port, or 0 for any that is free"
        raise UsageError(f"cannot listen: {error.strerror}", where=f"{host}:{port}", cure=cure) from None
    return listener
