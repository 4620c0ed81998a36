"""What harness costs in a server that holds 500 sessions at once: ``python -m benchmarks.speed.sessions [--json]``.

Each way of running (without harness, at three levels of durability, and under OpenTelemetry's own instrumentation of
the openai client, where it is installed) is a uvicorn process of its own. 500 requests are open all the while; each is
an agent that begins within a few seconds, thinks, calls a tool that takes 5 ms ten times, and a model twice, which
takes 20 ms and answers from the same process. Every call is timed from where the agent makes it to where it goes on, so
the trace's being opened, the turns of other sessions and the garbage collector are all in it. Added is what a
percentile is more than without harness in the same round; the median of the rounds is reported, their least and most
beside it.

Time is that of a core of its own: the event loop's clock counts the processor time that the process takes, all its
threads, and skips what it would sleep. What else the machine does is left out that way, and so is what the disk takes;
``--wall`` takes the clock on the wall, for a machine that does nothing else.

Ten rules speak of the tool. Its calls are writes that may be repeated, so no level of durability waits for the disk:
there is no fsync in these figures. Memory is the resident set while all sessions are open and have made their calls,
less what it was before them, for each; that of a server without harness is taken off. OpenTelemetry's spans, with the
messages in them, go through its batch processor to a file; it sees the calls of the model and not those of the tool. It
is what ``pip install opentelemetry-instrumentation-openai-v2 opentelemetry-util-genai==1.0b0 httpx`` brings.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import orjson

from benchmarks.speed.conversation import MODEL, completion
from benchmarks.speed.door import ARGUMENTS, RESULT, RULES
from benchmarks.speed.measure import Figure, Samples, installed, measured, report

SESSIONS: Final = 500
WARM_UP: Final = 20
TOOL_CALLS: Final = 10
MODEL_CALLS: Final = 2
BEGIN_WITHIN_S: Final = 4.0
THINKS_S: Final = 3.0
TOOL_S: Final = 0.005
MODEL_S: Final = 0.020
ROUNDS: Final = 3
DURABILITIES: Final = ("none", "batch", "step")
PEER: Final = "opentelemetry-instrumentation-openai-v2"
BARS: Final = {"tool_p99": "<= 1", "model_p99": "<= 1"}

_ANSWER: Final = orjson.dumps(completion(1, "The order is on its way; it was sent on Monday. " * 8))
_SYSTEM: Final = "You book flights for customers of a small airline, and ask before you pay. " * 12


class Taken(NamedTuple):
    """What one process has measured: milliseconds of each call, and resident kilobytes for each session."""

    tool: list[float]
    model: list[float]
    session_kb: float


# --- the server ------------------------------------------------------------------------------------------------------


class OwnCore(asyncio.SelectorEventLoop):
    """An event loop whose clock counts what this process does, and what it would have slept."""

    def __init__(self) -> None:
        super().__init__(_Skipping(self))
        self.skipped_s = 0.0

    def time(self) -> float:
        return time.process_time() + self.skipped_s


class _Skipping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Wait for nothing but news from outside."""

    def __init__(self, loop: OwnCore) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        news = super().select(None if timeout is None else 0)
        if not news and timeout is not None:
            self._loop.skipped_s += max(timeout, 0)
        return news


class Server:
    """One way of running: the tool, the client, what a session is, and what was measured."""

    def __init__(self, way: str, folder: str) -> None:
        self.tool: Callable[..., Awaitable[Any]] = book
        self.client: Any = model_client()
        self.opened: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext
        if way in DURABILITIES:
            from harness.door.app import Harness

            app = Harness(RULES, traces=os.path.join(folder, way), durability=way)  # type: ignore[arg-type]
            self.tool = app.tool(effect="write", idempotent=True)(book)
            self.client, self.opened = app.wrap(self.client), app.session
        elif way == "otel":
            instrument(folder)
        self.taken: dict[str, list[float]] = {"tool": [], "model": []}
        self.before_kb = self.all_open_kb = 0.0
        self.all_here, self.all_done = asyncio.Barrier(SESSIONS), asyncio.Barrier(SESSIONS)

    async def agent(self, number: int, *, counts: bool) -> None:
        """Be the agent of one request, and wait until those of all others have made their calls too."""
        chance, loop = random.Random(number), asyncio.get_running_loop()
        if counts:
            await self.all_here.wait()
            await asyncio.sleep(number * BEGIN_WITHIN_S / SESSIONS)
        async with self.opened():
            said: list[dict[str, Any]] = [{"role": "system", "content": _SYSTEM}]
            for call in range(TOOL_CALLS + MODEL_CALLS):
                await asyncio.sleep(chance.expovariate(1 / THINKS_S) if counts else 0)
                began = loop.time()
                if call % (TOOL_CALLS // MODEL_CALLS + 1) == 0:
                    kind, result = "model", await self._ask(said)
                else:
                    kind, result = "tool", await self.tool(**ARGUMENTS | {"bags": call % 4})
                if counts:
                    self.taken[kind].append((loop.time() - began) * 1000)
                said.append({"role": "user" if kind == "tool" else "assistant", "content": json.dumps(result)})
            if counts and await self.all_done.wait() == 0:
                self.all_open_kb = resident_kb()
            if counts:
                await self.all_done.wait()

    async def _ask(self, said: list[dict[str, Any]]) -> str:
        answer = await self.client.chat.completions.create(model=MODEL, messages=said)
        return str(answer.choices[0].message.content)


async def book(
    customer: str, flight: str, cabin: str, passengers: list[str], bags: int, price_cents: int, insurance: bool
) -> dict[str, Any]:
    """Book nothing, in a while."""
    await asyncio.sleep(TOOL_S)
    return RESULT


def model_client() -> Any:
    """Give the official client with a model that answers in this process."""
    from openai import AsyncOpenAI

    async def answer(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(MODEL_S)
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=_ANSWER)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return AsyncOpenAI(base_url="http://scripted/v1", api_key="no-key-is-needed", http_client=client)


def instrument(folder: str) -> None:
    """Let OpenTelemetry instrument the openai client, with messages, and write its spans to a file."""
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    provider = TracerProvider()
    spans = Path(folder, "spans.jsonl").open("w")  # noqa: SIM115 - as long as the process
    provider.add_span_processor(
        BatchSpanProcessor(ConsoleSpanExporter(out=spans, formatter=lambda span: span.to_json(None) + "\n"))
    )
    OpenAIInstrumentor().instrument(tracer_provider=provider)


def resident_kb() -> float:
    """Give the resident set of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


def serve(way: str, folder: str, *, wall: bool) -> None:
    """Be the server of one way; the port is told on stdout."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    server = Server(way, folder)

    async def run(request: Request) -> JSONResponse:
        number = int(request.query_params["number"])
        await server.agent(number, counts=number >= 0)
        return JSONResponse("done")

    async def warm(_: Request) -> JSONResponse:
        server.before_kb = resident_kb()
        return JSONResponse("warm")

    async def taken(_: Request) -> JSONResponse:
        grown = (server.all_open_kb - server.before_kb) / SESSIONS
        return JSONResponse(Taken(server.taken["tool"], server.taken["model"], grown)._asdict())

    listening = socket.create_server(("127.0.0.1", 0), backlog=2 * SESSIONS)
    print(listening.getsockname()[1], flush=True)
    routes = [Route("/run", run), Route("/warm", warm), Route("/taken", taken)]
    config = uvicorn.Config(Starlette(routes=routes), log_level="warning", access_log=False, timeout_keep_alive=10**6)
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop if wall else OwnCore) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listening]))


# --- the clients -----------------------------------------------------------------------------------------------------


async def _driven(port: int) -> Taken:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=None, limits=limits) as client:

        async def run(number: int) -> None:
            answer = await client.get("/run", params={"number": number})
            assert answer.status_code == 200, answer.text

        await asyncio.gather(*(run(-1) for _ in range(WARM_UP)))
        await client.get("/warm")
        await asyncio.gather(*map(run, range(SESSIONS)))
        return Taken(**(await client.get("/taken")).json())


def measured_once(way: str, folder: str, options: list[str]) -> Taken:
    """Run a server of one way with all its sessions, and give what it measured."""
    command = [sys.executable, "-m", "benchmarks.speed.sessions", "--serve", way, "--folder", folder, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            return asyncio.run(_driven(int(process.stdout.readline())))
        finally:
            process.terminate()


def percentile(values: list[float], share: float) -> float:
    """Give the value that so large a share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _percentiles(taken: Taken) -> dict[str, float]:
    calls = {"tool": taken.tool, "model": taken.model}
    return {
        f"{kind}_p{share:.0%}".rstrip("%"): percentile(values, share)
        for kind, values in calls.items()
        for share in (0.5, 0.99)
    }


def figures_of(rounds: dict[str, list[Taken]]) -> dict[str, Figure]:
    """Give what each way adds to a call and to the memory of a session, against the plain one of its round."""
    figures: dict[str, Figure] = {}
    plain = [_percentiles(taken) for taken in rounds["plain"]]
    for name in plain[0]:
        figures[f"plain_{name}_ms"] = measured(Samples("ms", tuple(one[name] for one in plain)))
    for way, runs in rounds.items():
        if way == "plain":
            continue
        bars = BARS | {"kb": "<= 200"} if way != "otel" else {}
        for name in plain[0]:
            added = (_percentiles(taken)[name] - other[name] for taken, other in zip(runs, plain, strict=True))
            figures[f"{way}_adds_{name}_ms"] = measured(Samples("ms", tuple(added)), bars.get(name, ""))
        more = (taken.session_kb - other.session_kb for taken, other in zip(runs, rounds["plain"], strict=True))
        figures[f"{way}_adds_session_kb"] = measured(Samples("KB", tuple(more)), bars.get("kb", ""))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--serve", metavar="WAY")
    parser.add_argument("--folder", default="")
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.folder, wall=asked.wall)
        return
    ways = ["plain", *DURABILITIES, *(["otel"] if installed(PEER) else [])]
    rounds: dict[str, list[Taken]] = {way: [] for way in ways}
    for _ in range(asked.rounds):
        for way in ways:
            with tempfile.TemporaryDirectory() as folder:
                rounds[way].append(measured_once(way, folder, ["--wall"] if asked.wall else []))
    rows = [
        {
            "way": way,
            "sessions": SESSIONS,
            "calls": len(runs[0].tool) + len(runs[0].model),
            "session_kb": statistics.median(taken.session_kb for taken in runs),
        }
        for way, runs in rounds.items()
    ]
    report("sessions", figures_of(rounds), rows)


if __name__ == "__main__":
    main()
