"""Who gets captured values, who gets real ones, and what is left afterwards."""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from random import random as draw
from time import time as now
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import Divergence


def recorded(app: Harness, agent: Callable[..., Any], **arguments: Any) -> tuple[Any, str]:
    """Run an agent and give its result and its trace."""
    session = app.session()
    return session.run(agent, **arguments), session.trace.path


def reads(trace: str) -> list[list[Any]]:
    """Give everything a trace says was read."""
    with open_trace(trace) as reader:
        return [read for entry in reader.entries() if entry.event.kind == "read" for read in entry.event.body["reads"]]


def redirected() -> list[str]:
    """Name what is not what it is in a fresh interpreter."""
    found = [f"time.{name}" for name in ("time", "monotonic_ns", "sleep") if getattr(time, name).__self__ is not time]
    found += ["os.urandom"] * (os.urandom.__self__.__name__ != "posix")  # type: ignore[attr-defined]
    found += ["datetime.now"] * (type(vars(datetime.datetime)["now"]).__name__ != "classmethod_descriptor")
    found += ["random"] * (type(random._inst) is not random.Random)  # type: ignore[attr-defined]
    found += ["os.environ"] * (type(os.environ).__getitem__.__module__ != "os")
    found += ["sys.meta_path"] * any(type(finder).__module__.startswith("harness.") for finder in sys.meta_path)
    return found


def test_nothing_is_left_redirected(tmp_path: Path) -> None:
    """After the last session every source is the object it was."""
    assert redirected() == []
    with Harness(traces=tmp_path).session():
        assert len(redirected()) == 8
    assert redirected() == []


def test_an_agent_that_fails_leaves_nothing_redirected(tmp_path: Path) -> None:
    """The way out of a session does not matter."""

    def agent() -> None:
        raise ZeroDivisionError(now())

    with pytest.raises(ZeroDivisionError):
        recorded(Harness(traces=tmp_path), agent)
    assert redirected() == []


def test_what_is_read_before_the_run_begins_is_nobodys(tmp_path: Path) -> None:
    """A session without an entry or a call leaves no trace, whatever its code reads."""
    with Harness(traces=tmp_path).session() as session:
        draw()
        now()
    assert session.trace.path == ""


def test_what_is_read_after_the_entry_has_returned_is_nobodys(tmp_path: Path) -> None:
    """A caller that takes the time around its agent adds nothing to the trace."""
    app = Harness(traces=tmp_path)

    @app.agent
    def agent() -> float:
        return now()

    with app.session() as session:
        before = now()
        read = agent()
        assert now() - before >= 0
    assert reads(session.trace.path) == [["time.time", read]]


def test_an_effect_reads_the_real_clock(tmp_path: Path) -> None:
    """What a tool reads is part of its outcome, which is recorded as a whole."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def look() -> list[Any]:
        return [now(), draw(), os.urandom(4).hex(), os.environ.get("HOME")]

    def agent() -> list[Any]:
        return look()

    result, trace = recorded(app, agent)
    assert reads(trace) == []
    assert replay(trace, entry=agent, app=app).result == result


@pytest.mark.parametrize("worker", [False, True])
def test_plumbing_reads_the_real_clock(
    worker: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log line takes the time, on a worker of Ray once more, and the trace does not know."""
    import logging

    space: dict[str, Any] = {"__name__": "ray._private.log", "logging": logging, "time": time}
    exec("def factory(*given, **named):\n    time.time_ns()\n    return logging.LogRecord(*given, **named)", space)
    monkeypatch.setattr(logging, "_logRecordFactory", space["factory"] if worker else logging.LogRecord)

    def agent() -> None:
        logging.getLogger("agent").warning("now")

    _, trace = recorded(Harness(traces=tmp_path), agent)
    assert reads(trace) == []
    assert len(caplog.records) == 1


def test_a_module_that_is_imported_reads_the_real_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module is imported once per process, not once per run; what it reads then is not the run's."""
    (tmp_path / "stamped_once.py").write_text("import time\nSTAMP = time.time()\n")
    monkeypatch.syspath_prepend(tmp_path)

    def agent() -> bool:
        import stamped_once  # type: ignore[import-not-found]

        return bool(stamped_once.STAMP > 0)

    app = Harness(traces=tmp_path)
    try:
        _, first = recorded(app, agent)
        _, second = recorded(app, agent)
    finally:
        sys.modules.pop("stamped_once", None)
    assert reads(first) == reads(second) == []


def test_code_outside_a_session_is_left_alone(tmp_path: Path) -> None:
    """A thread that belongs to no session draws from the process's generator while a session is open."""
    app = Harness(traces=tmp_path)
    outside: list[list[float]] = []

    def elsewhere() -> None:
        random.seed(5)
        outside.append([random.random(), random.gauss(0, 1), random.random()])

    def agent() -> float:
        random.seed(7)
        worker = threading.Thread(target=lambda: None)
        worker.start()
        worker.join()
        return draw()

    expected = random.Random(5)
    wanted = [expected.random(), expected.gauss(0, 1), expected.random()]
    opened, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=lambda: (opened.wait(), elsewhere(), done.set()))
    worker.start()
    with app.session():
        opened.set()
        done.wait()
        assert app.agent(agent)() == 0.32383276483316237
    worker.join()
    assert outside == [wanted]


def test_a_session_takes_one_draw_from_the_process(tmp_path: Path) -> None:
    """The process's own generator goes on as if one seed had been drawn from it."""

    def agent() -> list[float]:
        return [draw() for _ in range(10)]

    random.seed(11)
    recorded(Harness(traces=tmp_path), agent)
    after = random.random()
    random.seed(11)
    random.getrandbits(128)
    assert random.random() == after


def test_sessions_in_threads_keep_their_streams_apart(tmp_path: Path) -> None:
    """Two sessions that run side by side draw, seed and read each for itself, and both replay."""
    app = Harness(traces=tmp_path)
    meet = threading.Barrier(2)

    @app.tool(effect="read")
    def together() -> None:
        meet.wait()

    def agent(seed: int) -> list[float]:
        drawn = []
        random.seed(seed)
        for _ in range(20):
            together()
            drawn.append(draw())
        return [*drawn, now()]

    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda seed: copy_context().run(recorded, app, agent, seed=seed), (1, 2)))
    for seed, (result, trace) in enumerate(runs, 1):
        own = random.Random(seed)
        assert result[:-1] == [own.random() for _ in range(20)]
        assert replay(trace, entry=agent, app=app).result == result


def test_sessions_in_tasks_keep_their_streams_apart(tmp_path: Path) -> None:
    """Two sessions in one event loop draw each from its own stream."""
    app = Harness(traces=tmp_path)

    async def agent(seed: int) -> list[float]:
        random.seed(seed)
        drawn = []
        for _ in range(20):
            await asyncio.sleep(0)
            drawn.append(draw())
        return drawn

    async def one(seed: int) -> list[float]:
        async with app.session():
            return await app.agent(agent)(seed=seed)

    async def both() -> list[list[float]]:
        return await asyncio.gather(one(1), one(2))

    first, second = random.Random(1), random.Random(2)
    assert asyncio.run(both()) == [[own.random() for _ in range(20)] for own in (first, second)]


def changing(*sources: Callable[[], Any]) -> tuple[Callable[[], None], Callable[[list[int]], None]]:
    """Give an agent that reads some of the sources, and a way to say which."""
    chosen = list(range(len(sources)))

    def agent() -> None:
        for number in chosen:
            sources[number]()

    def choose(numbers: list[int]) -> None:
        chosen[:] = numbers

    return agent, choose


@pytest.mark.parametrize(
    ("numbers", "what"),
    [
        ([0, 1, 1], "os.getpid is read, which the record does not have here"),
        ([1, 0], "os.getpid is read where the record has time.time"),
        ([0], "/reads"),
    ],
)
def test_a_read_that_differs_is_a_divergence_with_its_place(tmp_path: Path, numbers: list[int], what: str) -> None:
    """An extra, another and a missing read are told; where something was read, with file and line."""
    app = Harness(traces=tmp_path)
    agent, choose = changing(now, os.getpid)
    _, trace = recorded(app, agent)
    assert replay(trace, entry=agent, app=app).equal
    choose(numbers)
    divergence = replay(trace, entry=agent, app=app).divergence
    assert isinstance(divergence, Divergence)
    assert what in str(divergence)
    if numbers != [0]:
        assert divergence.site.startswith(f"{__file__}:")


def test_a_run_that_was_cut_off_reads_on_for_real(tmp_path: Path) -> None:
    """Where the trace has no seal, what was not written down yet is no divergence."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def look() -> int:
        return 1

    def agent() -> None:
        look()
        now()
        look()

    _, trace = recorded(app, agent)
    cut = tmp_path / "cut.mat.jsonl"
    cut.write_bytes(b"".join(Path(trace).read_bytes().splitlines(keepends=True)[:3]))
    again = replay(cut, entry=agent, app=app)
    assert again.divergence is None
    assert again.ended is not None


def test_a_secret_variable_is_kept_out_of_the_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live agent gets the value, the trace a placeholder wherever it goes, and the replay something of its own."""
    monkeypatch.setenv("SHOP_API_KEY", "sk-very-secret")
    app = Harness(traces=tmp_path)
    seen: list[str] = []

    @app.tool(effect="read")
    def send(header: str) -> str:
        return "ok"

    def agent() -> None:
        seen.append(os.environ["SHOP_API_KEY"])
        send(f"Bearer {seen[-1]}")

    _, trace = recorded(app, agent)
    assert "sk-very-secret" not in Path(trace).read_text()
    assert reads(trace) == [["env:SHOP_API_KEY", "⟦secret:env.SHOP_API_KEY⟧"]]
    monkeypatch.delenv("SHOP_API_KEY")
    assert replay(trace, entry=agent, app=app).equal
    assert seen == ["sk-very-secret", "stand-in-for-SHOP_API_KEY"]


def test_a_short_value_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MAX_TOKENS stays a number on replay."""
    monkeypatch.setenv("MAX_TOKENS", "4096")
    app = Harness(traces=tmp_path)

    def agent() -> int:
        return int(os.environ["MAX_TOKENS"])

    _, trace = recorded(app, agent)
    monkeypatch.delenv("MAX_TOKENS")
    assert replay(trace, entry=agent, app=app).result == 4096
