"""``harness proxy --upstream URL``: a door before the HTTP API of a model."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.approvals import approver_of
from harness.adapters.live import nobody
from harness.cli.parameters import HELP, read_parameters
from harness.errors import UsageError


def command(
    upstream: Annotated[str, typer.Option(metavar="URL", help="The service, as its own clients would name it.")],
    registry: Annotated[list[str] | None, typer.Option(help="A registry to check by; may be repeated.")] = None,
    traces: Annotated[Path, typer.Option(help="The folder for the traces, one for each conversation.")] = Path("runs"),
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=HELP)] = None,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at; 0 takes a free one.")] = 8787,
    approve: Annotated[str, typer.Option(help="Who is asked: terminal, a folder, or a URL.")] = "",
    acting: Annotated[str | None, typer.Option("--agent", help="Who acts, by the name that rules know.")] = None,
    key_env: Annotated[str, typer.Option(help="The variable with the key to send up in the place of clients'.")] = "",
    idle: Annotated[float, typer.Option(metavar="SECONDS", help="After such a silence a trace is sealed.")] = 300.0,
    grace: Annotated[float, typer.Option(metavar="SECONDS", help="For answers under way, when it is stopped.")] = 30.0,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="For the upstream to say something.")] = 600.0,
    max_mb: Annotated[int, typer.Option(help="The largest body that is judged.")] = 64,
    kill_switch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="While this file is there, everything is stopped.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what is not judged.")] = False,
) -> None:
    """Stand before the HTTP API of a model: record conversations, judge requests, and the tool calls in answers.

    Give clients this address as their base URL and change nothing else. SIGTERM ends it when answers under way have
    come to their end, SIGHUP loads the registry anew. Without a registry everything is recorded and nothing is checked.
    """
    try:
        from harness.adapters.proxy.upstream import Upstream
        from harness.door.app import Harness
        from harness.door.proxy import Place, serve
    except ModuleNotFoundError as error:
        cure = "pip install 'agent-assurance-harness[server]'"
        raise UsageError(f"{error.name} is not installed", cure=cure) from None
    key = _key_in(key_env) if key_env else ""
    app = Harness(
        registry or None,
        traces=traces,
        parameters=read_parameters(param),
        approver=approver_of(approve) if approve else nobody,
        secrets={"api_key": key} if key else None,
        kill_switch=kill_switch,
    )
    place = Place(host, port, idle, grace, max_mb << 20, strict)
    serve(app, Upstream(upstream, key=key, timeout_s=timeout), place, traces=traces, agent=acting, tell=_tell)


def _key_in(variable: str) -> str:
    key = os.environ.get(variable, "")
    if not key:
        raise UsageError(f"the environment has no {variable}", cure="set it to the key of the service")
    return key


def _tell(said: str) -> None:
    print(f"harness proxy: {said}", file=sys.stderr, flush=True)
