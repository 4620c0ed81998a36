"""Coverage at the door: real clients, tools past the door, sockets, and what rules on surfaces stop."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

import harness
from harness.adapters.files import open_trace
from harness.cli import execute
from harness.door.app import Harness
from harness.door.current import session_var
from harness.registry.load import load
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call, calls, say
from harness.trace.covered import Covered

OFFERED: Any = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("look", "peek", "idle")]
COMMON = Path(harness.__file__).parents[1] / "registries"

app = Harness()


@app.tool(effect="read")
def look(at: str) -> str:
    """Look, through the door."""
    return at.upper()


@app.tool(effect="read")
async def wait(delay_ms: int) -> str:
    """Look after a while, through the door."""
    await asyncio.sleep(delay_ms / 1000)
    return str(delay_ms)


def peek(at: str) -> str:
    """Look, past the door."""
    return at.lower()


def policy(request: ModelRequest) -> Reply:
    """Ask for both at once, then answer."""
    said = [message for message in request.messages if message.get("role") == "tool"]
    return say("done") if said else calls(call("look", at="door"), call("peek", at="door"))


def agent() -> str:
    """Call what the model asks for until it has an answer."""
    messages: list[Any] = [{"role": "user", "content": "look around"}]
    with app.wrap(OpenAI()) as client:
        while True:
            answer = client.chat.completions.create(model="m", messages=messages, tools=OFFERED).choices[0].message
            if not answer.tool_calls:
                return answer.content or ""
            messages.append(answer.to_dict())
            for one in answer.tool_calls:
                function: Any = {"look": look, "peek": peek}[one.function.name]  # type: ignore[union-attr]
                found = function(**json.loads(one.function.arguments))  # type: ignore[union-attr]
                messages.append({"role": "tool", "tool_call_id": one.id, "content": found})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Give a scripted server, and the environment a client needs to find it."""
    with ModelServer(policy) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-never-on-disk-123")
        yield running


def told(session: Any) -> dict[str, str]:
    """Give the status of each surface of a session."""
    return {one.name: one.status for one in session.coverage}


def violated(trace: str) -> list[tuple[str, str]]:
    """Give the rules that did not hold, and what they said."""
    with open_trace(trace) as reader:
        return [(event.body["rule"], event.body["says"]) for event in reader if event.kind == "verdict"]


def test_every_surface_of_a_run_is_told(server: ModelServer, tmp_path: Path) -> None:
    """The session tells it, live and at the end, and a replay tells the same."""
    session = app.session(trace=tmp_path / "a.mat.jsonl")
    assert session.coverage == ()
    assert session.run(agent) == "done"
    assert told(session) == {
        "peek": "unseen",
        "look": "mediated",
        "openai:chat/completions": "mediated",
        "idle": "unused",
    }
    with app.replaying(session.trace.path) as again:
        app.agent(agent)()
    assert again.coverage == session.coverage


def test_calls_that_are_judged_in_the_answer_are_mediated(server: ModelServer, tmp_path: Path) -> None:
    """They come to the door with the model's ids while the answer is on its way, whoever performs them then."""

    def judged() -> str:
        messages: list[Any] = [{"role": "user", "content": "look around"}]
        with app.wrap(OpenAI(), judge_calls=True) as client:
            answer = client.chat.completions.create(model="m", messages=messages, tools=OFFERED).choices[0].message
            results = [{"role": "tool", "tool_call_id": one.id, "content": "x"} for one in answer.tool_calls or ()]
            messages += [answer.to_dict(), *results]
            return (
                client.chat.completions.create(model="m", messages=messages, tools=OFFERED).choices[0].message.content
                or ""
            )

    session = app.session(trace=tmp_path / "j.mat.jsonl")
    assert session.run(judged) == "done"
    assert {one.name: one.status for one in session.coverage if one.kind == "tool"} == {
        "look": "mediated",
        "peek": "mediated",
        "idle": "unused",
    }


def test_an_agent_may_look_at_its_own_coverage(tmp_path: Path) -> None:
    """While it runs; that harness reads the trace for it is no reading of the agent's."""

    def looking() -> list[str]:
        look("a")
        return [one.name for one in app.session().coverage]

    session = app.session(trace=tmp_path / "l.mat.jsonl")
    assert session.run(looking) == ["look"]
    assert session.uncaptured == ()
    again = harness.replay(session.trace.path, entry=looking)
    assert again.equal, again.divergence
    cut = tmp_path / "cut.mat.jsonl"
    cut.write_bytes(b"".join(Path(session.trace.path).read_bytes().splitlines(keepends=True)[:3]))
    assert harness.resume(cut, entry=app.agent(looking)).result == ["look"]


def test_show_lists_them(server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a table with the counts of each status, and as JSON."""
    session = app.session(trace=tmp_path / "a.mat.jsonl")
    session.run(agent)
    assert execute(["show", session.trace.path, "--coverage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=4) == [
        "unseen",
        "tool",
        "peek",
        "1×",
        "a result came back without a call at the door",
    ]
    assert lines[-1] == "4 surfaces: 2 mediated, 1 unseen, 1 unused"
    assert execute(["show", session.trace.path, "--coverage", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["surfaces"] == [one._asdict() for one in session.coverage]


def test_the_page_shows_what_is_shown(server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The listing of ``docs/coverage.md`` is that of this agent, and its registries load."""
    session = app.session(trace=tmp_path / "around.mat.jsonl")
    session.run(agent)
    execute(["show", session.trace.path, "--coverage"])
    page = (Path(harness.__file__).parents[1] / "docs" / "coverage.md").read_text(encoding="utf-8")
    shown = capsys.readouterr().out
    assert "".join(f"    {line}\n" for line in shown.splitlines()) in page
    for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        assert load(text, "desk.yaml", read=lambda base: (COMMON / f"{base}.yaml").read_text()).invariants


def test_what_slipped_past_is_a_violation(server: ModelServer, tmp_path: Path) -> None:
    """The common registry warns when the result comes back; the replay and an offline check say the same."""
    warning = app.with_registry("common/unmediated")
    session = warning.session(trace=tmp_path / "w.mat.jsonl")
    assert session.run(agent) == "done"
    says = "tool peek does not pass the door (a result came back without a call at the door)."
    assert violated(session.trace.path) == [("UNMEDIATED-TOLD", says)]
    assert session.verdict == "violated"
    again = harness.replay(session.trace.path, entry=agent)
    assert again.equal, again.divergence
    checked = harness.check(session.trace.path, registry="common/unmediated")
    assert [one.verdict.rule for one in checked.findings] == ["UNMEDIATED-TOLD"]


def test_a_model_is_told_nothing_more_once_something_slipped_past(server: ModelServer, tmp_path: Path) -> None:
    """Where the parameters say so, the request that would bring the result is refused, and so is its retry."""
    strict = app.with_registry("common/unmediated", parameters={"blocked_surfaces": ["tool", "hosted"]})

    def stubborn() -> str:
        found: Any = {"role": "tool", "tool_call_id": "", "content": "a door"}
        messages: list[Any] = [{"role": "user", "content": "look around"}]
        with app.wrap(OpenAI()) as client:
            answer = client.chat.completions.create(model="m", messages=messages, tools=OFFERED).choices[0].message
            assert answer.tool_calls
            messages += [answer.to_dict(), *(found | {"tool_call_id": one.id} for one in answer.tool_calls)]
            for _ in range(2):
                with pytest.raises(openai.PermissionDeniedError, match="UNMEDIATED-BLOCKED"):
                    client.chat.completions.create(model="m", messages=messages, tools=OFFERED)
        return "stopped"

    session = strict.session(trace=tmp_path / "b.mat.jsonl")
    assert session.run(stubborn) == "stopped"
    assert len(server.requests) == 1
    again = harness.replay(session.trace.path, entry=strict.agent(stubborn))
    assert again.equal, again.divergence


def test_a_hosted_tool_is_refused_unless_it_is_exempt(server: ModelServer) -> None:
    """By its name."""
    parameters = "parameters:\n  blocked_surfaces: {value: [hosted], bind: free, override: true}\n"
    exempt = "  exempt_surfaces: {value: [web_search], narrower: subset, override: true}\n"

    def search(parameters: str) -> Any:
        text = f"registry: r\nversion: 1\ndefault: allow\nextends: [common/unmediated]\n{parameters}"
        registry = load(text, "r.yaml", read=lambda base: (COMMON / f"{base}.yaml").read_text())
        with Harness(registry).session(), app.wrap(OpenAI()) as client:
            return client.responses.create(model="m", input="search", tools=[{"type": "web_search"}]).output

    assert search(parameters + exempt)
    with pytest.raises(openai.PermissionDeniedError, match="web_search"):
        search(parameters)


def opener() -> str:
    """Open a socket and a process past the door, each before a call at it."""
    with socket.socket() as reached:
        reached.connect_ex(("127.0.0.1", 9))
    first = look("a")
    subprocess.run([sys.executable, "-c", ""], check=True)
    return first + look("b")


async def waiting_opener() -> str:
    """Do the same beside other tasks, each call as late as its name says."""

    async def one(delay_ms: int) -> str:
        first = await wait(delay_ms)
        with socket.socket() as reached:
            reached.connect_ex(("127.0.0.1", 9))
        return first + await wait(delay_ms)

    return "".join(await asyncio.gather(*map(one, (60, 40, 20))))


def test_sockets_and_processes_past_the_door_are_violations(tmp_path: Path) -> None:
    """They are told with the function that opened them, and the replay, which opens them again, is told the same."""
    warning = app.with_registry("common/unmediated")
    session = warning.session(trace=tmp_path / "o.mat.jsonl")
    session.run(opener)
    found = [says.partition(" (")[0] for _, says in violated(session.trace.path)]
    place = f"{opener.__module__}:opener"
    assert found == [f"network {place} does not pass the door", f"process {place} does not pass the door"]
    assert {one.kind: one.status for one in session.coverage if one.name == place} == {
        "network": "observed",
        "process": "observed",
    }
    again = harness.replay(session.trace.path, entry=opener)
    assert again.equal, again.divergence


def test_a_verdict_on_what_was_read_keeps_the_order_of_tasks(tmp_path: Path) -> None:
    """In a loop of somebody else's, where a replay waits for whose turn it is."""
    warning = app.with_registry("common/unmediated")

    async def served() -> Any:
        async with warning.session(trace=tmp_path / "s.mat.jsonl") as session:
            await app.agent(waiting_opener)()
        return session

    session = asyncio.run(served())
    assert [rule for rule, _ in violated(session.trace.path)] == ["UNMEDIATED-TOLD"]
    again = harness.replay(session.trace.path, entry=waiting_opener)
    assert again.equal, again.divergence


def test_what_an_adapter_says_is_written_once_and_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs no line of its own, and a replay under an adapter that says something else goes on as recorded."""
    surfaces = [Covered("tool", "look", "mediated"), Covered("network", "telemetry", "unseen", "sent by a thread")]

    def framework() -> str:
        session = session_var.get()
        assert session is not None
        for _ in range(2):
            app._doorway.covers("frame", surfaces)
            look("door")
        return "done"

    session = app.session(trace=tmp_path / "f.mat.jsonl")
    session.run(framework)
    with open_trace(session.trace.path) as reader:
        assert [event.kind for event in reader] == ["read", "action", "observation", "action", "observation", "note"]
    assert told(session) == {"look": "mediated", "telemetry": "unseen"}
    surfaces.append(Covered("hosted", "search", "observed"))
    assert harness.replay(session.trace.path, entry=framework).digest == session.trace.digest


def test_outside_a_session_an_adapter_says_nothing() -> None:
    """There is no trace to say it in."""
    app._doorway.covers("frame", [Covered("tool", "look", "mediated")])
