"""What ``harness proxy`` adds to streams: a hundred at a time, against the model server directly, in the same run.

Model server, proxy and clients are processes of their own on one machine. A hundred clients hold conversations of a few
turns; each answer is a stream of ten pieces of 16 characters a second, some 40 tokens. They begin spread over the
length of a stream, so that a hundred are always under way. ``burst`` is the other extreme: all hundred ask in the same
moment, and are answered at once; then what is measured is how long a queue takes. ``first`` is the time to the first
piece, ``whole`` that to the end, in which the model server's own delay under load is contained.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from benchmarks.speed.measure import Samples, measured, report
from harness.testing.model_server import Answer, ModelRequest, ModelServer, say, slow

ROOT: Final = Path(__file__).parents[2]
STREAMS: Final = 100
TURNS: Final = 3
REPETITIONS: Final = 5
PIECES: Final = 20
PIECE_MS: Final = 100.0
FIRST_MS: Final = 100.0
RULES: Final = """
registry: speed
version: "1"
default: allow
tools: {refund: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}}
invariants:
  - {id: CAP, on: action, tool: refund, require: call.args.cents <= 20000, otherwise: block}
"""


class Times(NamedTuple):
    """How long one stream took, in milliseconds: to its first piece of text, and to its end."""

    first: float
    whole: float


def policy(request: ModelRequest) -> Answer:
    """Answer at the pace of a model, or at once where the question says so."""
    said = say("sixteen letters " * PIECES)
    return said if request.text.startswith("now") else slow(said, first_ms=FIRST_MS, chunk_ms=PIECE_MS)


@contextlib.contextmanager
def serving(command: list[str]) -> Iterator[int]:
    """Start a process that says its address on stderr, and give the port."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield int(re.search(r"http://127\.0\.0\.1:(\d+)", process.stderr.readline())[1])  # type: ignore[index]
    finally:
        process.terminate()
        process.wait()


async def conversation(port: int, name: str, turns: int, delay_s: float) -> list[Times]:
    """Hold one conversation over one connection; give the times of its streams."""
    await asyncio.sleep(delay_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    messages, times = [{"role": "user", "content": name}], []
    for turn in range(turns):
        began = time.perf_counter()
        writer.write(request_bytes(messages))
        answer = b""
        first = 0.0
        while not answer.endswith(b"0\r\n\r\n"):
            came = await reader.read(1 << 16)
            if not came:
                raise ConnectionError(answer[-300:].decode(errors="replace"))
            answer += came
            if not first and b'"content":"s' in answer:
                first = time.perf_counter() - began
        times.append(Times(first * 1000, (time.perf_counter() - began) * 1000))
        messages += [{"role": "assistant", "content": "sixteen letters " * PIECES}]
        messages += [{"role": "user", "content": f"{name} {turn}"}]
    writer.close()
    return times


def request_bytes(messages: list[dict[str, str]]) -> bytes:
    """Spell a request as the official clients do."""
    body = orjson.dumps({"model": "scripted", "messages": messages, "stream": True})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    return f"{head}content-type: application/json\r\nauthorization: Bearer sk-a-key-of-somebody\r\n\r\n".encode() + body


async def paced(port: int, label: str) -> list[Times]:
    """Have a hundred conversations at a time, spread over the length of a stream."""
    length_s = (FIRST_MS + PIECES * PIECE_MS) / 1000
    each = (conversation(port, f"{label} {n}", TURNS, n * length_s / STREAMS) for n in range(STREAMS))
    return [times for one in await asyncio.gather(*each) for times in one]


async def burst(port: int, label: str) -> list[Times]:
    """Ask a hundred questions at once, which are answered at once."""
    each = (conversation(port, f"now {label} {n}", 1, 0.0) for n in range(STREAMS))
    return [times for one in await asyncio.gather(*each) for times in one]


def medians(times: list[Times]) -> Times:
    """Give the median of each time."""
    return Times(statistics.median(one.first for one in times), statistics.median(one.whole for one in times))


def added(direct: list[Times], proxied: list[Times], field: str) -> Samples:
    """Give what the proxy added, repetition by repetition."""
    return Samples(
        "ms", tuple(getattr(two, field) - getattr(one, field) for one, two in zip(direct, proxied, strict=True))
    )


def main() -> None:
    if "--serve" in sys.argv:
        with ModelServer(policy) as server:
            print(server.base_url, file=sys.stderr, flush=True)
            while True:
                time.sleep(60)
    taken: dict[str, list[Times]] = {}
    with tempfile.TemporaryDirectory() as folder, serving(["-m", "benchmarks.speed.proxy", "--serve"]) as model:
        rules = Path(folder) / "rules.yaml"
        rules.write_text(RULES)
        command = ["-m", "harness", "proxy", "--upstream", f"http://127.0.0.1:{model}/v1", "--port", "0"]
        with serving([*command, "--traces", folder, "--registry", str(rules)]) as proxy:
            for repetition in range(-1, REPETITIONS):
                for shape in (paced, burst):
                    for way, port in (("direct", model), ("proxied", proxy)):
                        times = asyncio.run(shape(port, f"{repetition}"))
                        if repetition >= 0:
                            taken.setdefault(f"{shape.__name__}_{way}", []).append(medians(times))
    figures = {}
    for shape, target in (("paced", "< 5"), ("burst", "")):
        direct, proxied = taken[f"{shape}_direct"], taken[f"{shape}_proxied"]
        for field in Times._fields:
            alone = Samples("ms", tuple(getattr(one, field) for one in direct))
            figures[f"{shape}_{field}_direct_ms"] = measured(alone)
            figures[f"{shape}_{field}_added_ms"] = measured(added(direct, proxied, field), target)
    report("proxy", figures)


if __name__ == "__main__":
    main()
