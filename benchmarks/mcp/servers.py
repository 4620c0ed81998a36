"""The reference servers of MCP (everything, filesystem), spoken to directly and through ``harness mcp-proxy``.

Everything is spoken to over stdio and over streamable HTTP, both sides of the proxy alike; filesystem over stdio.

``python -m benchmarks.mcp.servers [--json] [--node DIR]``: DIR is a folder where npm has installed
``@modelcontextprotocol/server-everything`` and ``server-filesystem``; without it they are installed into a temporary
one (node, npm and the npm registry are needed, and the Python package ``mcp``).

Every request of the tour is sent to each server twice, directly and through the proxy, and the answers have to be
equal, but for the two tools that a rule is about: ``move_file`` is blocked, and ``write_file`` is rewritten so that it
writes in one folder and nowhere else. Times in answers are left out of the comparison. The time that the proxy adds
to a call is the difference of the medians, with one client and no load.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageResult, ElicitResult, TextContent

from benchmarks.speed.measure import Figure, report
from harness.adapters.files import open_trace

PACKAGES = ("@modelcontextprotocol/server-everything", "@modelcontextprotocol/server-filesystem")
CALLS = 200
RULES = """
registry: reference-servers
version: 1.0.0
default: allow
unknown: block_writes
tools:
  move_file: {effect: write}
  write_file:
    effect: write
    arguments: {type: object, properties: {path: {type: string}, content: {type: string}}}
invariants:
  - {id: NO-MOVES, title: files stay where they are, on: action, tool: move_file, require: "False", otherwise: block,
     says: copy the file instead}
  - id: KEPT
    title: files are written in kept/ and nowhere else
    on: action
    tool: write_file
    require: call.args.path.matches("^FOLDER/kept/[^/]+$")
    otherwise: rewrite
    rewrite: {args.path: '"FOLDER/kept/" + call.args.path.split("/")[-1]'}
"""

_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3} \w{3} \d\d \d{4} [\d:]+ GMT[^\n\"]*|\d\d?:\d\d:\d\d( [AP]M)?")

Tour = list[tuple[str, dict[str, Any]]]
Where = list[str] | str
"""How a server is reached: the command that starts it, or its address."""


class Heard:
    """What a client's callbacks were called with."""

    def __init__(self) -> None:
        self.progress, self.asked = 0, 0

    async def on_progress(self, *_: Any) -> None:
        self.progress += 1

    async def sample(self, *_: Any) -> CreateMessageResult:
        self.asked += 1
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="yes"), model="none")

    async def elicit(self, *_: Any) -> ElicitResult:
        self.asked += 1
        return ElicitResult(action="decline")


@asynccontextmanager
async def client(where: Where, heard: Heard) -> Any:
    """Open a session with a server."""
    with logged() as log, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(where, str):
            connected: Any = streamable_http_client(where)
        else:
            connected = stdio_client(StdioServerParameters(command=where[0], args=where[1:]), errlog=log)
        async with (
            connected as streams,
            ClientSession(*streams[:2], sampling_callback=heard.sample, elicitation_callback=heard.elicit) as session,
        ):
            await session.initialize()
            yield session


def everything_tour() -> Tour:
    """Give the calls for the everything server."""
    return [
        ("echo", {"message": "naïve 😀"}),
        ("get-sum", {"a": 2, "b": 3}),
        ("get-sum", {"a": "two", "b": 3}),
        ("get-tiny-image", {}),
        ("get-annotated-message", {"messageType": "error", "includeImage": True}),
        ("get-resource-links", {"count": 3}),
        ("get-resource-reference", {"resourceType": "Text", "resourceId": 1}),
        ("get-structured-content", {"location": "New York"}),
        ("trigger-long-running-operation", {"duration": 0.2, "steps": 4}),
        ("trigger-sampling-request", {"prompt": "hello", "maxTokens": 5}),
        ("trigger-elicitation-request", {}),
        ("no-such-tool", {}),
    ]


def filesystem_tour(folder: Path) -> Tour:
    """Give the calls for the filesystem server."""
    one = str(folder / "one.txt")
    return [
        ("list_allowed_directories", {}),
        ("read_text_file", {"path": one}),
        ("read_text_file", {"path": one, "head": 1}),
        ("read_multiple_files", {"paths": [one, str(folder / "none.txt")]}),
        ("list_directory", {"path": str(folder)}),
        ("list_directory_with_sizes", {"path": str(folder)}),
        ("directory_tree", {"path": str(folder)}),
        ("search_files", {"path": str(folder), "pattern": "*.txt"}),
        ("get_file_info", {"path": one}),
        ("read_text_file", {"path": "/etc/passwd"}),
        ("write_file", {"path": str(folder / "kept" / "two.txt"), "content": "two"}),
        ("write_file", {"path": str(folder / "three.txt"), "content": "three"}),
        ("write_file", {"path": f"{folder}/kept/../../escaped.txt", "content": "out"}),
        ("edit_file", {"path": one, "edits": [{"oldText": "first", "newText": "1st"}]}),
        ("create_directory", {"path": str(folder / "new" / "deep")}),
        ("move_file", {"source": one, "destination": str(folder / "moved.txt")}),
    ]


async def spoken(where: Where, tour: Tour) -> tuple[list[str], Heard, list[float]]:
    """Send every request of a tour; give the answers, what callbacks heard, and milliseconds per cheap call."""
    heard, answers = Heard(), []

    async def answer(asked: Callable[[], Any]) -> None:
        try:
            found = (await asked()).model_dump(by_alias=True, mode="json", exclude_none=True)
        except Exception as error:  # noqa: BLE001 - an error is an answer too
            found = {"error": str(error)}
        answers.append(_TIMES.sub("TIME", json.dumps(found, sort_keys=True)))

    async with client(where, heard) as session:
        for listed in (session.list_tools, session.list_resources, session.list_prompts, session.send_ping):
            await answer(listed)
        await answer(lambda: session.read_resource("demo://resource/static/document/features.md"))
        await answer(lambda: session.get_prompt("args-prompt", {"city": "Paris", "state": "none"}))
        for name, arguments in tour:
            await answer(lambda: session.call_tool(name, arguments, progress_callback=heard.on_progress))  # noqa: B023
        cheap, times = tour[0], []
        for _ in range(CALLS):
            began = time.perf_counter()
            await session.call_tool(*cheap)
            times.append((time.perf_counter() - began) * 1000)
    return answers, heard, times


def fresh(folder: Path) -> Path:
    """Give the folder as it is at the beginning."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "kept").mkdir(parents=True)
    (folder / "one.txt").write_text("first\nsecond\n")
    return folder


def proxy_command(name: str, work: Path) -> list[str]:
    """Give the command that starts a proxy, up to what it stands before."""
    rules, traces = str(work / "rules.yaml"), str(work / name)
    return [sys.executable, "-m", "harness", "mcp-proxy", "--registry", rules, "--traces", traces]


@contextmanager
def over_http(server: list[str], proxy: list[str]) -> Iterator[tuple[str, str]]:
    """Start a server and a proxy before it, both over streamable HTTP, and give their addresses."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [one.getsockname()[1], other.getsockname()[1]]
    direct, proxied = (f"http://127.0.0.1:{port}/mcp" for port in ports)
    with logged() as log, ExitStack() as running:
        environment = os.environ | {"PORT": str(ports[0])}
        for command in ([*server, "streamableHttp"], [*proxy, "--upstream", direct, "--port", str(ports[1])]):
            started = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            running.callback(started.wait)
            running.callback(started.terminate)
        for port in ports:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.05)
        yield direct, proxied


def logged() -> Any:
    """Open the file that takes what servers tell people."""
    return Path(tempfile.gettempdir(), "benchmarks-mcp.log").open("a")


def compared(name: str, direct_at: Where, proxied_at: Where, tour: Tour, folder: Path, work: Path) -> dict[str, Any]:
    """Speak to a server directly and through the proxy; give one row."""
    fresh(folder)
    direct, heard, alone = asyncio.run(spoken(direct_at, tour))
    fresh(folder)
    proxied, also, behind = asyncio.run(spoken(proxied_at, tour))
    asked = [*range(len(direct) - len(tour)), *(tool for tool, _ in tour)]
    differ = [one for one, mine, other in zip(asked, direct, proxied, strict=True) if mine != other]
    (trace,) = (work / name).glob("*.mat.jsonl")
    with open_trace(trace) as reader:
        events = list(reader)
        sealed = reader.footer is not None
    decided = [one.body["decision"] for one in events if one.kind == "decision"]
    return {
        "server": name,
        "requests": len(direct),
        "differ": differ,
        "callbacks": [heard.progress, heard.asked],
        "callbacks_equal": (heard.progress, heard.asked) == (also.progress, also.asked),
        "blocked": decided.count("block"),
        "rewritten": decided.count("rewrite"),
        "sealed": sealed,
        "direct_ms": statistics.median(alone),
        "proxied_ms": statistics.median(behind),
    }


def node_folder() -> Path:
    """Give the folder where the servers are installed."""
    if "--node" in sys.argv:
        return Path(sys.argv[sys.argv.index("--node") + 1])
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-mcp-"))
    subprocess.run(
        ["npm", "install", "--no-fund", "--no-audit", *PACKAGES], cwd=folder, check=True, capture_output=True
    )
    return folder


def main() -> None:
    modules = node_folder() / "node_modules"
    work = Path(tempfile.mkdtemp(prefix="benchmarks-mcp-runs-")).resolve()
    folder = work / "files"
    programs = {one.rpartition("-")[2]: ["node", str(modules / one / "dist" / "index.js")] for one in PACKAGES}
    (work / "rules.yaml").write_text(RULES.replace("FOLDER", str(folder)))

    def over_stdio(name: str, server: list[str], tour: Tour) -> dict[str, Any]:
        return compared(name, server, [*proxy_command(name, work), "--", *server], tour, folder, work)

    everything = over_stdio("everything", programs["everything"], everything_tour())
    filesystem = over_stdio("filesystem", [*programs["filesystem"], str(folder)], filesystem_tour(folder))
    with over_http(programs["everything"], proxy_command("everything-http", work)) as at:
        over = compared("everything-http", *at, everything_tour(), folder, work)
    rows = [everything, filesystem, over]
    escaped = (folder / "three.txt").exists() or (work / "escaped.txt").exists()
    meant = sum(1 for row in rows for one in row["differ"] if one not in ("move_file", "write_file"))
    figures = {
        "requests": Figure(sum(row["requests"] for row in rows), "requests"),
        "answers_changed_though_no_rule_is_about_them": Figure(meant, "requests", target="== 0"),
        "blocked": Figure(filesystem["blocked"], "calls", target="== 1"),
        "rewritten": Figure(filesystem["rewritten"], "calls", target="== 2"),
        "written_outside_the_folder": Figure(int(escaped), "files", target="== 0"),
        "callbacks_that_differ": Figure(sum(not row["callbacks_equal"] for row in rows), "servers", target="== 0"),
        "unsealed_traces": Figure(sum(not row["sealed"] for row in rows), "traces", target="== 0"),
        "added_ms": Figure(max(row["proxied_ms"] - row["direct_ms"] for row in rows), "ms"),
    }
    report("mcp_servers", figures, rows)


if __name__ == "__main__":
    main()
