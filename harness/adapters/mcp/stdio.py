"""The stdio transport of a relay: this process's own pipes on one side, a server that it starts on the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import IO, Final

from harness.adapters.mcp.relay import Relay, Send
from harness.errors import UsageError

MAX_LINE_BYTES: Final = 64 << 20
_CHUNK_BYTES: Final = 1 << 16
_PATIENCE_S: Final = 3.0

MakeRelay = Callable[[Send, Send], Relay]
"""How the relay is made once there are ways to both sides."""


async def start_server(command: Sequence[str]) -> asyncio.subprocess.Process:
    """Start a server whose stderr is our own, in a group of its own; UsageError where it cannot be started."""
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, start_new_session=True)
    except OSError as error:
        cure = "write the server's command line after --, as you would run it"
        raise UsageError(f"cannot be started: {error.strerror}", where=command[0], cure=cure) from None


@contextlib.contextmanager
def signalled() -> Iterator[asyncio.Event]:
    """Turn SIGTERM and SIGINT into an event; open before a server is started, which would outlive us otherwise."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def relay_stdio(server: asyncio.subprocess.Process, make_relay: MakeRelay, stop: asyncio.Event) -> int:
    """Pass messages to and fro until the server has ended; give its exit code (128 and the number, for a signal).

    The end of the client's input is passed on when every call it had sent is answered; a server that does not end then
    is stopped, as it is by ``stop``. Lines of more than 64 MiB are answered with an error.
    """
    loop = asyncio.get_running_loop()
    assert server.stdin is not None and server.stdout is not None
    to_client, to_server = await writer_of(sys.stdout.buffer), _sender(server.stdin)
    relay = make_relay(to_client, to_server)
    stopping = loop.create_task(_stopped(server, stop))
    client = loop.create_task(_from_client(await reader_of(sys.stdin.buffer), relay, server))
    try:
        async for line in lines(server.stdout):
            if line.strip():
                await relay.from_server(line)
        code = await _ended(server)
        await relay.lost(f"the server has ended (exit code {code})")
        if client.done():
            client.result()  # raises what ended it, if that was no end of input
        return code
    finally:
        client.cancel()
        stopping.cancel()


async def _from_client(reader: asyncio.StreamReader, relay: Relay, server: asyncio.subprocess.Process) -> None:
    try:
        async for line in lines(reader):
            if line.strip():
                await relay.from_client(line)
        await relay.settled()
    finally:
        assert server.stdin is not None
        server.stdin.close()
    await _ended(server)


async def _stopped(server: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    await stop.wait()
    _stop(server, signal.SIGTERM)
    return await _ended(server)


async def _ended(server: asyncio.subprocess.Process) -> int:
    """Wait a little for a server to end, then stop it, at last by force; give its exit code."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            await asyncio.wait_for(server.wait(), _PATIENCE_S)
            break
        except TimeoutError:
            _stop(server, number)
    code = await server.wait()
    return code if code >= 0 else 128 - code


def _stop(server: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, number)  # what starts a server (npx, a shell) may not pass a signal on


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines that come, without their ends; of one that is too long its first part, which is no message."""
    kept = bytearray()
    too_long = False
    while chunk := await reader.read(_CHUNK_BYTES):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            if not too_long:
                kept += part
            yield bytes(kept)
            kept.clear()
            too_long = False
        if not too_long:
            kept += rest
            too_long = len(kept) > MAX_LINE_BYTES
            if too_long:
                del kept[_CHUNK_BYTES:]
    if kept:
        yield bytes(kept)


async def reader_of(pipe: IO[bytes]) -> asyncio.StreamReader:
    """Read a pipe, or a file."""
    reader = asyncio.StreamReader()
    try:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    except ValueError:  # a file, all of which is there
        reader.feed_data(pipe.read())
        reader.feed_eof()
    return reader


async def writer_of(pipe: IO[bytes]) -> Send:
    """Give what writes a message to a pipe, or to a file, on a line of its own."""
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    except ValueError:  # a file, which never keeps anybody waiting

        async def write(line: bytes) -> None:
            pipe.write(line + b"\n")
            pipe.flush()

        return write
    return _sender(asyncio.StreamWriter(transport, protocol, None, loop))


def _sender(writer: asyncio.StreamWriter) -> Send:
    async def send(line: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(line + b"\n")
            await writer.drain()

    return send
