"""``harness mcp-proxy -- SERVER ARGS…`` or ``--upstream URL``: a door before a server of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import KillSwitch
from harness.cli.parameters import HELP, read_parameters
from harness.door.app import Harness
from harness.door.mcp_proxy import serve_http, serve_stdio, serve_upstream_stdio
from harness.errors import UsageError


def command(
    server: Annotated[
        list[str] | None, typer.Argument(metavar="-- SERVER ARGS…", help="The command that starts the server.")
    ] = None,
    registry: Annotated[list[str] | None, typer.Option(help="A registry to check by; may be repeated.")] = None,
    traces: Annotated[Path, typer.Option(help="The folder for the traces, one for each client's session.")] = Path(
        "runs"
    ),
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=HELP)] = None,
    prefix: Annotated[str, typer.Option(help="What stands before the names of the server's tools.")] = "",
    acting: Annotated[str | None, typer.Option("--agent", help="Who acts, by the name that rules know.")] = None,
    upstream: Annotated[
        str | None, typer.Option(metavar="URL", help="A server that speaks streamable HTTP, instead of a command.")
    ] = None,
    port: Annotated[int, typer.Option(help="Where clients of --upstream find the proxy; 0 is any free port.")] = 8765,
    host: Annotated[str, typer.Option(help="The address it listens at; by default nobody else's machine sees it.")] = (
        "127.0.0.1"
    ),
    name: Annotated[
        list[str] | None, typer.Option(help="A further host name that clients may use; may be repeated.")
    ] = None,
    kill_switch: KillSwitch = None,
    stdio: Annotated[bool, typer.Option("--stdio", help="Speak to one client of --upstream over stdio.")] = False,
) -> None:
    """Stand before an MCP server: judge, record and rewrite the calls of its tools, and pass on everything else.

    Put it before the server's own command line wherever a client is told how to start the server; it exits with the
    server's exit code. Or give it a URL with --upstream, and clients http://127.0.0.1:8765/mcp. Without a registry
    calls are recorded and nothing is checked.
    """
    if bool(server) == bool(upstream):
        raise UsageError("name one server", cure="write its command line after --, or its address after --upstream")
    app = Harness(registry or None, traces=traces, parameters=read_parameters(param), kill_switch=kill_switch)
    if server:
        raise typer.Exit(asyncio.run(serve_stdio(app, server, tell=_tell, prefix=prefix, agent=acting)))
    assert upstream is not None
    if stdio:
        asyncio.run(serve_upstream_stdio(app, upstream, tell=_tell, prefix=prefix, agent=acting))
        return
    names = name or []
    serving = serve_http(app, upstream, tell=_tell, host=host, port=port, names=names, prefix=prefix, agent=acting)
    asyncio.run(serving)


def _tell(said: str) -> None:
    print(f"harness mcp-proxy: {said}", file=sys.stderr, flush=True)
