"""A hundred sessions at once over one shared client, in a real server on the two usual event loops."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

import harness
from harness.adapters.files import open_trace, trace_files
from harness.testing.model_server import Answer, ModelRequest, ModelServer, say, slow

pytest.importorskip("starlette")
pytest.importorskip("uvloop")

ROOT = Path(__file__).parents[2]
SESSIONS, OUTSIDERS, THREADS = 100, 10, 20
WAYS = ("plain", "streaming", "gathering")


class Day(NamedTuple):
    """One day of the server: what came back, by question, what it wrote to stderr, and the folder it ran in."""

    inside: dict[str, Any]
    outside: dict[str, Any]
    threads: dict[str, Any]
    after: Any
    stderr: str
    folder: Path


def echo(request: ModelRequest) -> Answer:
    """Repeat the question, in pieces where it is streamed."""
    return slow(say(f"You said: {request.text}"), chunk_ms=1)


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Give a day of the server, which is over, as is the model."""
    folder = tmp_path_factory.mktemp(request.param)
    with ModelServer(echo) as model, served(folder, request.param, model) as url:
        inside, outside, threads, after = asyncio.run(ask_everything(url))
    return Day(inside, outside, threads, after, (folder / "stderr").read_text(), folder)


@contextmanager
def served(folder: Path, loop: str, model: ModelServer) -> Iterator[str]:
    """Serve the shop by uvicorn in a process of its own, on a port that is bound here."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, open(folder / "stderr", "wb") as stderr:
        command = [sys.executable, "-m", "uvicorn", "tests.server.shop:web", "--loop", loop, "--log-level", "warning"]
        command += ["--fd", str(listener.fileno())]
        environment = environment_of(OPENAI_BASE_URL=model.base_url, OPENAI_API_KEY="none-needed")
        server = subprocess.Popen(command, cwd=folder, env=environment, stderr=stderr, pass_fds=[listener.fileno()])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait()


def environment_of(**more: str) -> dict[str, str]:
    """Give an environment in which the shop can be imported, and no model be found."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}


async def ask_everything(url: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], Any]:
    """Ask all questions that need each other at the same moment, then the ones for threads."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as client:

        async def send(question: str, method: str, path: str, **content: Any) -> tuple[str, Any]:
            response = await client.request(method, path, **content)
            return question, response.raise_for_status().json()

        inside = [
            send(word, "POST", "/inside", json={"question": word, "way": WAYS[number % len(WAYS)]})
            for number, word in enumerate(words("inside", SESSIONS))
        ]
        outside = [send(word, "POST", "/outside", json={"question": word}) for word in words("outside", OUTSIDERS)]
        came = await asyncio.gather(*inside, *outside)
        threads = [send(word, "GET", "/thread", params={"question": word}) for word in words("thread", THREADS)]
        in_threads = await asyncio.gather(*threads)
        _, after = await send("", "GET", "/after")
    return dict(came[:SESSIONS]), dict(came[SESSIONS:]), dict(in_threads), after


def words(place: str, count: int) -> list[str]:
    """Give words of which none is part of another."""
    return [f"{place}-{number:03d}" for number in range(count)]


def words_in(text: str) -> set[str]:
    """Find such words."""
    return set(re.findall(r"(?:inside|outside|thread)-\d{3}", text))


def test_every_session_is_answered_and_sealed(day: Day) -> None:
    """A hundred sessions give a hundred sealed traces with the digests they reported, without a word of complaint."""
    assert day.stderr == ""
    assert len({said["trace"] for said in day.inside.values()}) == SESSIONS
    for said in day.inside.values():
        with open_trace(day.folder / said["trace"]) as reader:
            events = list(reader)
        assert reader.footer is not None
        assert reader.digest == said["digest"]
        assert events[-1].body == {"returned": said["answer"]}


def test_no_session_knows_of_another(day: Day) -> None:
    """The words of a question are in its own answer and trace, and no words of another question are."""
    for word, said in (day.inside | day.threads).items():
        assert words_in(said["answer"]) == {word}
        assert words_in((day.folder / said["trace"]).read_text()) == {word}


def test_each_trace_replays_alone_and_offline(day: Day) -> None:
    """Every trace, also of racing tasks and of threads, gives its digest and answer again without server and model."""
    for said in (day.inside | day.threads).values():
        replayed = harness.replay(day.folder / said["trace"])
        assert replayed.equal, replayed.divergence
        assert replayed.digest == said["digest"]
        assert replayed.result == said["answer"]


@pytest.mark.parametrize("way", WAYS)
def test_a_trace_replays_in_a_fresh_process(day: Day, way: str) -> None:
    """The command line finds the agent by its name and gives the digest that the server reported."""
    said = day.inside[words("inside", SESSIONS)[WAYS.index(way)]]
    command = [sys.executable, "-m", "harness", "replay", said["trace"], "--json"]
    done = subprocess.run(command, cwd=day.folder, env=environment_of(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert json.loads(done.stdout)["digest"] == said["digest"]


def test_threads_get_a_trace_each(day: Day) -> None:
    """Sessions that begin at the same moment in different threads never fight for one file."""
    assert len({said["trace"] for said in day.threads.values()}) == THREADS


def test_requests_outside_a_session_are_untouched(day: Day) -> None:
    """Beside open sessions they get their answers, leave no trace, and find the interpreter as it always was."""
    assert day.after == {"untouched": True}
    for word, said in day.outside.items():
        assert words_in(said["answer"]) == {word}
        assert said["untouched"]
        assert said["neighbours"] == SESSIONS
    assert len(trace_files([day.folder])) == SESSIONS + THREADS
