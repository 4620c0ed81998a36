"""Runs that were cut off anywhere, and go on: record, cut, resume, replay."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pytest

from harness.adapters.live import nobody
from harness.door.app import Harness
from harness.door.fork import fork
from harness.door.replay import replay
from harness.door.resume import Resumed, resume
from harness.errors import Divergence, InDoubt, StoreError, UsageError
from harness.ports import Approval, Approver, Question
from harness.testing.model_server import ModelServer, say, script

RULES = """
registry: asked
version: "1"
default: allow
tools:
  draw: {effect: read}
  adraw: {effect: read}
  pay: {effect: write}
invariants:
  - {id: ASK, title: somebody says yes to a payment, on: action, tool: pay, require: "False", severity: high,
     otherwise: escalate}
"""


class World:
    """An app with tools that never give the same answer twice, and count their calls."""

    def __init__(self, folder: Path, registry: Any = None, approver: Approver = nobody) -> None:
        self.folder = folder
        self.app = Harness(registry, traces=folder, approver=approver)
        self.calls: Counter[str] = Counter()

        @self.app.tool(effect="read")
        def draw(name: str) -> float:
            self.calls[f"draw {name}"] += 1
            time.sleep(random.random() * 0.002)
            return random.random()

        @self.app.tool(effect="read")
        async def adraw(name: str) -> float:
            self.calls[f"adraw {name}"] += 1
            await asyncio.sleep(random.random() * 0.002)
            return random.random()

        @self.app.tool(effect="write")
        def pay(name: str) -> str:
            self.calls[f"pay {name}"] += 1
            return f"paid {name}"

        @self.app.tool(effect="read")
        def look_and_pay(name: str) -> str:
            return f"{draw(name):.3f} {pay(name)}"

        self.draw, self.adraw, self.pay, self.look_and_pay = draw, adraw, pay, look_and_pay

    def record(self, agent: Callable[..., Any], **options: Any) -> list[bytes]:
        """Record a run, and give its lines without the footer."""
        session = self.app.session(**options)
        session.run(agent)
        self.calls.clear()
        return Path(session.trace.path).read_bytes().splitlines(keepends=True)[:-1]

    def cut(self, lines: list[bytes], count: int, torn: bytes = b"") -> Path:
        """Give a trace that was cut off after so many events."""
        path = self.folder / f"cut-{count}.mat.jsonl"
        path.write_bytes(b"".join(lines[: count + 1]) + torn)
        return path

    def resume(self, path: Path, agent: Callable[..., Any], **options: Any) -> Resumed:
        """Resume a trace, and check what is so of every resumed one."""
        before = path.read_bytes()
        resumed = resume(path, entry=agent, app=self.app, **options)
        assert resumed.error is None, resumed.error
        assert path.read_bytes() == before
        old, new = before.splitlines(keepends=True), Path(resumed.path).read_bytes().splitlines(keepends=True)
        assert new[1 : resumed.followed + 1] == old[1 : resumed.followed + 1]
        assert new[-1].startswith(b'{"footer":')
        calls = dict(self.calls)
        replayed = replay(resumed.path, entry=agent, app=self.app)
        assert replayed.equal, replayed.divergence or replayed.ended
        assert replayed.result == resumed.result
        assert self.calls == calls
        return resumed


def _loaded(folder: Path) -> Path:
    path = folder / "asked.yaml"
    path.write_text(RULES)
    return path


def one_after_another(world: World) -> Callable[[], Any]:
    """Give an agent that makes calls in order, with rests in between."""

    def agent() -> list[float]:
        said = []
        for name in ("one", "two", "three"):
            said.append(world.draw(name) + random.random())
            time.sleep(0.001)
        return said

    return agent


def side_by_side(world: World) -> Callable[[], Any]:
    """Give an agent that gathers, times out, takes what is first, and cancels the rest."""

    async def agent() -> list[Any]:
        said: list[Any] = list(await asyncio.gather(*(world.adraw(f"a{number}") for number in range(3))))
        for done in asyncio.as_completed([world.adraw(f"b{number}") for number in range(3)]):
            said.append(await done)
        tasks = [asyncio.create_task(world.adraw(f"c{number}")) for number in range(3)]
        _, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        try:
            async with asyncio.timeout(0.02):
                await asyncio.sleep(5)
        except TimeoutError:
            said.append(world.draw("late"))
        return said

    return agent


def in_threads(world: World) -> Callable[[], Any]:
    """Give an agent whose threads call side by side and share a list."""

    def agent() -> list[Any]:
        said: list[Any] = []
        lock = threading.Lock()

        def work(name: str) -> float:
            for turn in range(2):
                value = world.draw(f"{name}{turn}")
                with lock:
                    said.append(value)
            return value

        with ThreadPoolExecutor(3) as pool:
            said += list(pool.map(work, "abc"))
        return said

    return agent


@pytest.mark.parametrize("make", [one_after_another, side_by_side, in_threads])
def test_a_run_cut_off_anywhere_goes_on(make: Callable[[World], Callable[[], Any]], tmp_path: Path) -> None:
    """Whatever the last event that was kept, the run goes on, is sealed, and replays equal."""
    world = World(tmp_path)
    agent = make(world)
    lines = world.record(agent)
    for count in range(len(lines)):
        world.calls.clear()
        world.resume(world.cut(lines, count, torn=lines[-1][:20]), agent)


def test_only_what_is_missing_is_called(tmp_path: Path) -> None:
    """What the record knows is not called again."""
    world = World(tmp_path)
    agent = one_after_another(world)
    lines = world.record(agent)
    cut = next(number for number, line in enumerate(lines) if b'"two"' in line)
    resumed = world.resume(world.cut(lines, cut), agent)
    assert world.calls == {"draw two": 1, "draw three": 1}
    assert [(one.tool, one.decided) for one in resumed.doubts] == [("draw", "performed")]


def test_an_answer_that_was_given_is_not_asked_again(tmp_path: Path) -> None:
    """A question answered in the record is not asked again; one without an answer is, and then it is no doubt."""
    asked: list[str] = []

    def approver(question: Question) -> Approval:
        asked.append(f"{question.rule} {question.args['name']}")
        return Approval(True, "Ann")

    world = World(tmp_path, _loaded(tmp_path), approver)

    def agent() -> list[str]:
        return [world.pay("one"), world.pay("two")]

    lines = world.record(agent)
    assert asked == ["ASK one", "ASK two"]
    answers = [number for number, line in enumerate(lines) if b'"answer"' in line]
    asked.clear()
    resumed = world.resume(world.cut(lines, answers[1] - 1), agent)
    assert (asked, world.calls, resumed.doubts) == (["ASK two"], {"pay two": 1}, ())
    asked.clear()
    world.calls.clear()
    world.resume(world.cut(lines, answers[1]), agent)  # answered, so it may have been performed
    assert (asked, world.calls) == (["IN-DOUBT two"], {"pay two": 1})


def test_a_step_that_was_cut_in_itself_is_no_doubt(tmp_path: Path) -> None:
    """Where the intent was kept but not what was decided about it, nothing was performed, and nobody is asked twice."""
    asked: list[str] = []

    def approver(question: Question) -> Approval:
        asked.append(question.rule)
        return Approval(True, "Ann")

    world = World(tmp_path, _loaded(tmp_path), approver)

    def agent() -> str:
        return world.pay("one")

    lines = world.record(agent)
    intent = next(number for number, line in enumerate(lines) if b'"kind":"action"' in line)
    asked.clear()
    resumed = world.resume(world.cut(lines, intent), agent)
    assert (asked, world.calls, resumed.doubts) == (["ASK"], {"pay one": 1}, ())


def test_a_read_that_has_paid_inside_is_not_repeated(tmp_path: Path) -> None:
    """A tool that is declared harmless, and had begun something inside that is not, is in doubt like that."""
    world = World(tmp_path)

    def agent() -> str:
        try:
            return world.look_and_pay("one")
        except InDoubt as doubt:
            return str(doubt)

    lines = world.record(agent)
    inner = next(number for number, line in enumerate(lines) if b'"tool":"pay"' in line)
    resumed = world.resume(world.cut(lines, inner), agent)
    assert (world.calls, resumed.doubts[0].decided) == ({}, "left")
    assert "may have happened" in resumed.result
    world.calls.clear()
    world.resume(world.cut(lines, inner - 1), agent)  # only looked so far: it may be performed again
    assert world.calls == {"draw one": 1, "pay one": 1}


@pytest.mark.parametrize("key", ["", "k-1"])
def test_what_was_paid_inside_counts_by_the_key_it_had(tmp_path: Path, key: str) -> None:
    """A tool that may be repeated is not repeated where a keyed write inside was begun without its key."""
    world = World(tmp_path)

    @world.app.tool(effect="write", idempotency_key="key")
    def charge(key: str = "") -> str:
        world.calls["charge"] += 1
        return "charged"

    @world.app.tool(effect="write", idempotent=True)
    def outer() -> str:
        return charge(key)

    def agent() -> str:
        try:
            return outer()
        except InDoubt:
            return "in doubt"

    lines = world.record(agent)
    inner = next(number for number, line in enumerate(lines) if b'"tool":"charge"' in line)
    resumed = world.resume(world.cut(lines, inner), agent)
    assert (world.calls, resumed.doubts[0].decided) == (({"charge": 1}, "performed") if key else ({}, "left"))


@pytest.fixture
def model() -> Iterator[str]:
    """Give the address of a model that answers a few times."""
    with ModelServer(script([say("first answer"), say("second answer"), say("third answer")])) as server:
        yield server.base_url


def test_a_stream_in_doubt_is_asked_for_again(model: str, tmp_path: Path) -> None:
    """A model call changes nothing: wherever the run was cut off, the model is asked again, streams too."""
    world = World(tmp_path)

    async def agent() -> list[str]:
        async with openai.AsyncOpenAI(base_url=model, api_key="none") as plain:
            client = world.app.wrap(plain)
            messages: list[Any] = [{"role": "user", "content": "hello"}]
            said = []
            for _ in range(2):
                text = ""
                stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
                async for chunk in stream:
                    text += chunk.choices[0].delta.content or "" if chunk.choices else ""
                messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "go on"}]
                said.append(text)
            return said

    lines = world.record(agent)
    for count in range(len(lines)):
        resumed = world.resume(world.cut(lines, count), agent)
        assert resumed.result == ["first answer", "second answer"]


def test_another_agent_is_not_resumed(tmp_path: Path) -> None:
    """Where the agent does not do what is recorded, nothing is performed and no trace is begun."""
    world = World(tmp_path)
    lines = world.record(one_after_another(world))
    path = world.cut(lines, len(lines) - 2)

    def other() -> float:
        return world.draw("two")

    with pytest.raises(Divergence):
        resume(path, entry=other, app=world.app)
    assert world.calls == {}
    assert not list(tmp_path.glob("*.resumed*"))


def test_a_run_that_cannot_be_claimed_does_not_go_on(tmp_path: Path) -> None:
    """Where the disk does not take which trace goes on, nothing happens, though the agent would go over any error."""
    world = World(tmp_path)

    def agent() -> list[str]:
        said = []
        for name in ("one", "two", "three"):
            with suppress(Exception):
                said.append(world.pay(name))
        return said

    path = world.cut(world.record(agent), 2)
    (tmp_path / "cut-2.mat.jsonl.draft").mkdir()
    with pytest.raises(StoreError, match="nothing was done"):
        resume(path, entry=agent, app=world.app)
    assert world.calls == {}
    (tmp_path / "cut-2.mat.jsonl.draft").rmdir()
    assert world.resume(path, agent).result == ["paid one", "paid two", "paid three"]


def test_an_agent_that_goes_to_another_folder_is_resumed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new trace, and the word that it has taken over, stand beside the old one, whose name was a relative one."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    (tmp_path / "elsewhere").mkdir()

    def agent() -> list[str]:
        first = world.pay("one")
        os.chdir(tmp_path / "elsewhere")
        return [first, world.pay("two"), world.pay("three")]

    path = world.cut(world.record(agent), 4)
    monkeypatch.chdir(tmp_path)
    resumed = resume(path.name, entry=agent, app=world.app)
    assert (resumed.path, world.calls) == ("cut-4.resumed-1.mat.jsonl", {"pay three": 1})
    assert (tmp_path / resumed.path).exists()
    with pytest.raises(UsageError, match="resumed already"):
        resume(path, entry=agent, app=world.app)
    monkeypatch.chdir(tmp_path)
    forked = fork(path.name, at=1, set={"outcome": "paid 2"}, entry=agent, app=world.app)
    assert (tmp_path / forked.path).exists()


def test_a_sealed_run_has_ended(tmp_path: Path) -> None:
    """There is nothing to resume in a run that came to its end."""
    world = World(tmp_path)
    session = world.app.session()
    session.run(one_after_another(world))
    with pytest.raises(UsageError, match="has ended"):
        resume(session.trace.path, entry=one_after_another(world), app=world.app)


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda app: None, "is no tool of this app"),
        (lambda app: app.tool(effect="write", name="find")(lambda name: None), "declared to change something"),
        (lambda app: app.tool(effect="read", name="find")(lambda key: None), "takes key"),
    ],
)
def test_a_probe_that_cannot_be_called_is_told_first(
    declare: Callable[[Harness], Any], said: str, tmp_path: Path
) -> None:
    """Before anything runs: a probe must be a reading tool of the app that takes arguments of the call in doubt."""
    app = Harness(traces=tmp_path)
    called: list[str] = []

    @app.tool(effect="write", probe="find")
    def pay(name: str) -> None:
        called.append(name)

    declare(app)

    def agent() -> None:
        pay("one")

    session = app.session()
    session.run(agent)
    called.clear()
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)
    path = tmp_path / "cut.mat.jsonl"
    path.write_bytes(b"".join(lines[:-3]))  # without what it gave, what the agent returned, and the footer
    with pytest.raises(UsageError, match=said):
        resume(path, entry=agent, app=app)
    assert called == []


def test_secret_chance_goes_on(tmp_path: Path) -> None:
    """Secret bytes drawn before and after the cut stand beside the new trace; without the old ones nothing begins."""
    world = World(tmp_path)

    def agent() -> list[str]:
        first = secrets.token_hex(8)
        world.draw("one")
        second = secrets.token_hex(8)
        world.draw("two")
        return [first, second]

    session = world.app.session()
    first, _ = session.run(agent)
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)
    path = world.cut(lines, next(number for number, line in enumerate(lines) if b'"two"' in line) - 2)
    with pytest.raises(UsageError, match="secret bytes that are not there"):
        resume(path, entry=agent, app=world.app)
    shutil.copy(f"{session.trace.path}.secrets", f"{path}.secrets")
    resumed = world.resume(path, agent)
    assert resumed.result[0] == first


def test_chance_with_a_seed_goes_on_as_it_was(tmp_path: Path) -> None:
    """What tasks drew, and have acted by, before anything of their draws was written follows from the run's seed."""
    world = World(tmp_path)

    async def drawn(name: str) -> float:
        return await world.adraw(f"{name} {random.random()}")

    async def agent() -> list[float]:
        return await asyncio.gather(drawn("one"), drawn("two"))

    lines = world.record(agent, seed=7)
    for count in (1, 2, 3):
        assert len(world.resume(world.cut(lines, count), agent).result) == 2


def test_a_resumption_killed_before_it_took_over_changes_nothing(tmp_path: Path) -> None:
    """A new trace that does not hold the whole record yet is not resumed; the old one is, in another new trace."""
    world = World(tmp_path)
    agent = one_after_another(world)
    lines = world.record(agent)
    path = world.cut(lines, 4)
    first = Path(world.resume(path, agent).path)
    Path(f"{path}.resumed").unlink()
    whole = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join(whole[:3]))
    with pytest.raises(UsageError, match="before it had taken over") as refused:
        resume(first, entry=agent, app=world.app)
    assert str(path) in str(refused.value)
    assert Path(world.resume(path, agent).path).name == "cut-4.resumed-2.mat.jsonl"
