"""``harness mcp-proxy -- SERVER ARGS…``: a door before a server of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.parameters import HELP, read_parameters
from harness.door.app import Harness
from harness.door.mcp_proxy import serve_stdio


def command(
    server: Annotated[list[str], typer.Argument(metavar="-- SERVER ARGS…", help="The command that starts the server.")],
    registry: Annotated[list[str] | None, typer.Option(help="A registry to check by; may be repeated.")] = None,
    traces: Annotated[Path, typer.Option(help="The folder for the traces, one for each client's session.")] = Path(
        "runs"
    ),
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=HELP)] = None,
    prefix: Annotated[str, typer.Option(help="What stands before the names of the server's tools.")] = "",
    acting: Annotated[str | None, typer.Option("--agent", help="Who acts, by the name that rules know.")] = None,
) -> None:
    """Stand before an MCP server: judge, record and rewrite the calls of its tools, and pass on everything else.

    Put it before the server's own command line wherever a client is told how to start the server. It exits with the
    server's exit code. Without a registry calls are recorded and nothing is checked.
    """
    app = Harness(registry or None, traces=traces, parameters=read_parameters(param))
    raise typer.Exit(asyncio.run(serve_stdio(app, server, tell=_tell, prefix=prefix, agent=acting)))


def _tell(said: str) -> None:
    print(f"harness mcp-proxy: {said}", file=sys.stderr, flush=True)
