"""A proxy for the Model Context Protocol: a server to its client, a client of the real server, and a door between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx2

from harness.adapters.mcp.relay import Relay, Send
from harness.adapters.mcp.stdio import MakeRelay, relay_stdio, signalled, start_server
from harness.adapters.mcp.upstream import relay_upstream
from harness.door.app import Harness
from harness.door.listening import listening
from harness.errors import UsageError

Tell = Callable[[str], None]
"""Says something to people."""

_GRACE_S: Final = 3
_CONNECT_S: Final = 10.0


@asynccontextmanager
async def opened(app: Harness, tell: Tell, prefix: str = "", agent: str | None = None) -> AsyncIterator[MakeRelay]:
    """Open the session of one client, which is one trace, and give what makes its relay.

    What passed without being judged is kept as its last note, by method.
    """
    async with app.session(agent=agent) as session:
        run = session.started()
        made: list[Relay] = []

        def relay(to_client: Send, to_server: Send) -> Relay:
            made.append(Relay(run, to_client, to_server, narrow=app.narrowed, prefix=prefix, tell=tell))
            return made[0]

        yield relay
        session.note("passed without being judged", **dict(sorted(made[0].unseen.items())))
    tell(f"{session.steps} calls · {session.verdict} · {session.trace.path}")


async def serve_stdio(
    app: Harness, command: Sequence[str], *, tell: Tell, prefix: str = "", agent: str | None = None
) -> int:
    """Stand before a server that is started by a command, on this process's stdin and stdout; give its exit code.

    UsageError where the server cannot be started.
    """
    with signalled() as stop:
        server = await start_server(command)
        async with opened(app, tell, prefix, agent) as make_relay:
            return await relay_stdio(server, make_relay, stop)


async def serve_upstream_stdio(
    app: Harness, url: str, *, tell: Tell, prefix: str = "", agent: str | None = None
) -> None:
    """Stand before a server at a URL that speaks streamable HTTP, on this process's stdin and stdout."""
    async with _http() as http:
        with signalled() as stop:
            await relay_upstream(http, url, lambda: opened(app, tell, prefix, agent), stop, tell)


async def serve_http(
    app: Harness,
    url: str,
    *,
    tell: Tell,
    host: str = "127.0.0.1",
    port: int = 0,
    names: Collection[str] = (),
    prefix: str = "",
    agent: str | None = None,
) -> None:
    """Stand before a server at a URL, both sides streamable HTTP, until SIGTERM or SIGINT; 0 is any free port.

    Clients are to reach it as this machine, as ``host`` or by one of ``names``. UsageError where the port is taken or
    the extra ``server`` is missing.
    """
    try:
        import uvicorn

        from harness.adapters.mcp.http import LOCAL, PATH, Door
    except ImportError as error:
        cure = "pip install 'agent-assurance-harness[server]'"
        raise UsageError(f"a side over HTTP needs {error.name}", cure=cure) from None

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: object) -> None:
            super().handle_exit(sig, frame)  # type: ignore[arg-type]
            loop.call_soon_threadsafe(stop.set)

    loop, listener = asyncio.get_running_loop(), listening(host, port)
    async with _http() as http:
        with signalled() as stop:
            door = Door(lambda: opened(app, tell, prefix, agent), http, url, tell, {*LOCAL, host, *names})
            ending = asyncio.create_task(_ended(stop, door.close))
            tell(f"http://{host}:{listener.getsockname()[1]}{PATH} stands before {url}")
            config = uvicorn.Config(door, log_level="warning", lifespan="off", timeout_graceful_shutdown=_GRACE_S)
            try:
                await Server(config).serve(sockets=[listener])
            finally:
                stop.set()
                await ending


async def _ended(stop: asyncio.Event, close: Callable[[], Awaitable[None]]) -> None:
    await stop.wait()
    await close()


def _http() -> httpx2.AsyncClient:
    """Give a client that waits for answers as long as they take, and follows nobody elsewhere."""
    limits = httpx2.Limits(max_connections=None)
    return httpx2.AsyncClient(timeout=httpx2.Timeout(None, connect=_CONNECT_S), limits=limits)
