"""A proxy for the Model Context Protocol: a server to its client, a client of the real server, and a door between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from harness.adapters.mcp_relay import Relay, Send
from harness.adapters.mcp_stdio import relay_stdio, signalled, start_server
from harness.door.app import Harness


async def serve_stdio(
    app: Harness,
    command: Sequence[str],
    *,
    tell: Callable[[str], None],
    prefix: str = "",
    agent: str | None = None,
) -> int:
    """Stand before a server that is started by a command, on this process's stdin and stdout; give its exit code.

    The session of the one client is one trace. What passed without being judged is kept as its last note, by method.
    ``tell`` is for people. UsageError where the server cannot be started.
    """
    with signalled() as stop:
        return await _served(app, command, stop, tell, prefix, agent)


async def _served(
    app: Harness,
    command: Sequence[str],
    stop: asyncio.Event,
    tell: Callable[[str], None],
    prefix: str,
    agent: str | None,
) -> int:
    server = await start_server(command)
    async with app.session(agent=agent) as session:
        run = session.started()
        made: list[Relay] = []

        def relay(to_client: Send, to_server: Send) -> Relay:
            made.append(Relay(run, to_client, to_server, narrow=app.narrowed, prefix=prefix, tell=tell))
            return made[0]

        code = await relay_stdio(server, relay, stop)
        session.note("passed without being judged", **dict(sorted(made[0].unseen.items())))
    tell(f"{session.steps} calls · {session.verdict} · {session.trace.path}")
    return code
