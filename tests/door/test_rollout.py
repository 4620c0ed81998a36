"""Rules that come into force step by step, change while sessions run, are rolled back, and a switch that stops all."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from harness.adapters.approvals.folder import Folder
from harness.adapters.files import open_trace
from harness.errors import Refused, RegistryError, UsageError, Waiting
from harness.ports import Approval, Question
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event

TEXT = """
registry: shop
version: {version}
default: allow
{more}
parameters: {{limit: {{value: {limit}, narrower: lower}}}}
tools: {{pay: {{effect: write, arguments: {{properties: {{cents: {{type: integer}}}}}}}}}}
invariants:
  - {{id: LIMIT, on: action, tool: pay, require: call.args.cents <= params.limit, otherwise: block}}
"""


def rules(version: int = 1, more: str = "", limit: int = 100) -> Registry:
    """Load a version of the rules."""
    return load(TEXT.format(version=version, more=more, limit=limit), f"v{version}.yaml")


class Shop:
    """An app with a tool that pays."""

    def __init__(self, folder: Path, registry: Any = None, **options: Any) -> None:
        self.app = harness.Harness(registry or rules(), traces=folder / "runs", **options)
        self.paid: list[int] = []

        @self.app.tool(effect="write")
        def pay(cents: int) -> int:
            self.paid.append(cents)
            return cents

        self.pay = pay

    def tried(self, cents: int) -> str:
        """Pay in the session around the caller; give the rule that refuses it, empty where none does."""
        try:
            self.pay(cents)
        except Refused as refused:
            return refused.rule
        return ""

    def alone(self, cents: int, **labels: Any) -> str:
        """Pay in a session of its own."""
        with self.app.session(**labels):
            return self.tried(cents)


def read(path: str) -> tuple[dict[str, Any], list[Event]]:
    """Read the head of a trace and its events."""
    with open_trace(path) as reader:
        return reader.header.run, list(reader)


def test_from_shadow_to_enforced_and_back_while_sessions_run(tmp_path: Path) -> None:
    """Each session keeps the rules it began with; the kill switch reaches all of them."""
    for version, share in enumerate(("0 %", "50 %", "100 %"), 1):
        (tmp_path / f"v{version}.yaml").write_text(
            TEXT.format(version=version, more=f"rollout: {{LIMIT: {share}}}", limit=100)
        )
    shop = Shop(tmp_path, str(tmp_path / "v1.yaml"))
    turns: dict[str, tuple[Queue[bool], Queue[str]]] = {name: (Queue(), Queue()) for name in ("old", "new")}
    traces: dict[str, str] = {}

    def long_session(name: str) -> None:
        go, said = turns[name]
        with shop.app.session(conversation=name) as session:
            while go.get(timeout=30):
                said.put(shop.tried(500))
            traces[name] = session.trace.path

    def turn(name: str) -> str:
        go, said = turns[name]
        go.put(True)
        return said.get(timeout=30)

    threads = {name: threading.Thread(target=long_session, args=(name,)) for name in turns}
    threads["old"].start()
    assert turn("old") == ""  # 0 %: the rule observes everywhere

    first = shop.app.reload(str(tmp_path / "v2.yaml"))
    people = [f"person {number}" for number in range(40)]
    half = [shop.alone(500, conversation=one) for one in people]
    assert 5 < half.count("LIMIT") < 35
    assert half == [shop.alone(500, conversation=one) for one in people]  # the same conversations again
    second = shop.app.reload(str(tmp_path / "v3.yaml"))
    assert [shop.alone(500, conversation=one) for one in people] == ["LIMIT"] * 40
    threads["new"].start()
    assert (turn("old"), turn("new")) == ("", "LIMIT")  # alive across both reloads

    assert shop.app.reload(second).version == "3"
    assert half == [shop.alone(500, conversation=one) for one in people]
    shop.app.reload(first)
    assert shop.alone(500) == ""
    assert (turn("old"), turn("new")) == ("", "LIMIT")

    shop.app.kill()
    assert (turn("old"), turn("new"), shop.alone(5)) == ("KILL-SWITCH",) * 3
    shop.app.revive()
    assert shop.alone(5) == ""
    for name, thread in threads.items():
        turns[name][0].put(False)
        thread.join(30)
    versions = {name: read(trace)[0]["registries"][0]["version"] for name, trace in traces.items()}
    assert versions == {"old": "1", "new": "3"}


def test_coroutines_keep_the_rules_they_began_with(tmp_path: Path) -> None:
    """Sessions of one event loop are as far apart as those of threads."""
    shop, reloaded = Shop(tmp_path), asyncio.Event()

    async def one(began: asyncio.Event) -> tuple[str, str]:
        async with shop.app.session():
            before = shop.tried(500)
            began.set()
            await reloaded.wait()
            return before, shop.tried(500)

    async def all_of_them() -> list[tuple[str, str]]:
        early = [asyncio.Event() for _ in range(3)]
        tasks = [asyncio.create_task(one(began)) for began in early]
        for began in early:
            await began.wait()
        shop.app.reload(rules(2, limit=1000))
        late = asyncio.Event()
        tasks.append(asyncio.create_task(one(late)))
        await late.wait()
        reloaded.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(all_of_them()) == [("LIMIT", "LIMIT")] * 3 + [("", "")]


def test_rules_that_cannot_be_loaded_change_nothing(tmp_path: Path) -> None:
    """Neither what is wrong in itself, nor what does not fit the code or the parameters that are bound."""
    shop = Shop(tmp_path, parameters={"limit": 50})
    (tmp_path / "broken.yaml").write_text("registry: broken")
    laxer = load(TEXT.format(version=2, more="", limit=9).replace("effect: write", "effect: read"), "laxer.yaml")
    nameless = load(TEXT.format(version=2, more="", limit=9).replace("limit", "most"), "nameless.yaml")
    for wrong in (str(tmp_path / "broken.yaml"), laxer, nameless):
        with pytest.raises(RegistryError):
            shop.app.reload(wrong)
        assert (shop.alone(60), shop.alone(50)) == ("LIMIT", "")
    before = shop.app.reload(rules(2, limit=9), parameters={"limit": 8})
    assert (shop.alone(9), shop.alone(8)) == ("LIMIT", "")
    shop.app.reload(before)
    assert (shop.alone(60), shop.alone(50)) == ("LIMIT", "")


def test_a_run_keeps_its_side_of_a_rollout(tmp_path: Path) -> None:
    """Its head says which rules observe, and by what; a run without a conversation draws a number of its own."""
    shop = Shop(tmp_path, rules(more="rollout: {LIMIT: 50 %}"))
    sides = set()
    for _ in range(40):
        with shop.app.session() as session:
            refused = shop.tried(500)
        run, events = read(session.trace.path)
        sides.add(refused)
        assert run["rollout"]["observes"] == ([] if refused else ["LIMIT"])
        verdict = next(one for one in events if one.kind == "verdict")
        assert verdict.body.get("would") == (None if refused else "block")
        with shop.app.replaying(session.trace.path):
            assert shop.tried(500) == refused
    assert sides == {"", "LIMIT"}
    assert len({read(str(path))[0]["rollout"]["identity"] for path in (tmp_path / "runs").glob("*.jsonl")}) == 40


def test_a_fork_stays_on_its_side(tmp_path: Path) -> None:
    """What is changed in it is one thing; which rules observe is not."""
    shop = Shop(tmp_path, rules(more="rollout: {LIMIT: 50 %}"))
    _SHOPS[:] = [shop]
    for number in range(4):
        with shop.app.session(conversation=f"c-{number}" if number % 2 else None) as session:
            session.run(tried, cents=500)
        forked = harness.fork(session.trace.path, set={"input./cents": 600}, app=shop.app)
        assert read(forked.path)[0]["rollout"] == read(session.trace.path)[0]["rollout"]
        assert forked.result == shop.alone(500, conversation=read(forked.path)[0]["rollout"]["identity"])


def test_the_switch_is_no_door_of_the_agent(tmp_path: Path) -> None:
    """Its file is looked at by the harness itself, also where an agent may open none."""
    shop = Shop(tmp_path, kill_switch=tmp_path / "stop", uncaptured="refuse")
    now, done = threading.Event(), threading.Event()

    def operator() -> None:
        assert now.wait(30)
        shop.app.kill()
        done.set()

    thread = threading.Thread(target=operator)  # outside of the session
    thread.start()
    with shop.app.session() as session:
        assert shop.tried(5) == ""
        now.set()
        assert done.wait(30)
        assert shop.tried(5) == "KILL-SWITCH"
    thread.join(30)
    assert session.uncaptured == ()


def test_without_a_rollout_a_trace_says_nothing_of_it(tmp_path: Path) -> None:
    """What is not used costs nothing, not even a word."""
    shop = Shop(tmp_path)
    with shop.app.session(conversation="c") as session:
        shop.tried(5)
    assert "rollout" not in read(session.trace.path)[0]


def test_a_killed_run_is_refused_plainly_and_replays_alike(tmp_path: Path) -> None:
    """Rules judge all the same; on replay the switch is where it was, whatever it is now."""
    shop = Shop(tmp_path)
    with shop.app.session() as session:
        assert shop.tried(5) == ""
        shop.app.kill()
        assert shop.app.killed
        with pytest.raises(Refused) as caught:
            shop.pay(500)
        shop.app.revive()
        assert shop.tried(7) == ""
    assert (caught.value.rule, caught.value.reason) == ("KILL-SWITCH", "the kill switch is thrown")
    assert shop.paid == [5, 7]
    _, events = read(session.trace.path)
    assert [one.body["rule"] for one in events if one.kind == "verdict"] == ["LIMIT"]
    for throw in (shop.app.revive, shop.app.kill):
        throw()
        with shop.app.replaying(session.trace.path):
            assert [shop.tried(cents) for cents in (5, 500, 7)] == ["", "KILL-SWITCH", ""]
    assert shop.paid == [5, 7]


def test_failing_open_lets_pass_and_says_so(tmp_path: Path) -> None:
    """Every action has its line; rules observe it and its result, also in a session that is replayed."""
    shop = Shop(tmp_path, rules(more="kill: fail_open"))
    with shop.app.session() as session:
        assert shop.tried(500) == "LIMIT"
        shop.app.kill()
        assert [shop.tried(cents) for cents in (500, 5)] == ["", ""]
        shop.app.revive()
        assert shop.tried(500) == "LIMIT"
    _, events = read(session.trace.path)
    told = [(one.body["decision"], one.body["rule"]) for one in events if one.kind == "decision"]
    assert told == [("block", "LIMIT"), ("allow", "KILL-SWITCH"), ("allow", "KILL-SWITCH"), ("block", "LIMIT")]
    assert [one.body.get("would") for one in events if one.kind == "verdict"] == [None, "block", None]
    with shop.app.replaying(session.trace.path):
        assert [shop.tried(cents) for cents in (500, 500, 5, 500)] == ["LIMIT", "", "", "LIMIT"]


def test_the_switch_is_a_file_for_other_processes(tmp_path: Path) -> None:
    """Whoever makes the file throws it, and so does ``kill``; in shadow mode too."""
    file = tmp_path / "stop"
    shop, other = (Shop(tmp_path, kill_switch=file, mode=mode) for mode in ("enforce", "shadow"))
    file.touch()
    assert (shop.alone(5), other.alone(5)) == ("KILL-SWITCH", "KILL-SWITCH")
    file.unlink()
    shop.app.kill()
    assert other.app.killed
    other.app.revive()
    assert (shop.alone(5), other.alone(5)) == ("", "")
    assert not file.exists()


def test_a_yes_that_comes_after_the_switch_allows_nothing(tmp_path: Path) -> None:
    """The answer stands in the trace, and the call is not made; a replay takes it from there."""
    asking = rules(more="").to_yaml().replace("otherwise: block", "otherwise: escalate")

    def boss(_: Question) -> Approval:
        shop.app.kill()
        return Approval(True, "ann")

    shop = Shop(tmp_path, load(asking, "asking.yaml"), approver=boss)
    with shop.app.session() as session:
        assert shop.tried(500) == "KILL-SWITCH"
        shop.app.revive()
    decision = read(session.trace.path)[1][-1].body
    assert (decision["decision"], decision["rule"], decision["answer"]["by"]) == ("block", "KILL-SWITCH", "ann")
    with shop.app.replaying(session.trace.path):
        assert shop.tried(500) == "KILL-SWITCH"
    assert shop.paid == []


_SHOPS: list[Shop] = []


def entry(cents: int) -> int:
    """Pay once."""
    return int(_SHOPS[0].pay(cents))


def tried(cents: int) -> str:
    """Try to pay, and tell the rule that refuses it."""
    return _SHOPS[0].tried(cents)


def test_a_run_that_waits_is_not_resumed_while_the_switch_is_thrown(tmp_path: Path) -> None:
    """Nothing that was begun or allowed before is done then; afterwards it is."""
    asking = rules(more="rollout: {LIMIT: 100 %}").to_yaml().replace("otherwise: block", "otherwise: escalate")
    shop = Shop(tmp_path, load(asking, "asking.yaml"), approver=Folder(tmp_path / "desk"))
    _SHOPS[:] = [shop]
    session = shop.app.session()
    with pytest.raises(Waiting) as waiting:
        session.run(entry, cents=500)
    question = next((tmp_path / "desk").glob("*.question.json"))
    answer = question.with_name(question.name.replace("question", "answer"))
    digest = question.name.partition(".")[0]
    answer.write_text(f'{{"allowed": true, "by": "ann", "digest": "{digest}"}}')
    shop.app.kill()
    with pytest.raises(UsageError, match="the kill switch is thrown"):
        harness.resume(waiting.value.trace, app=shop.app)
    shop.app.revive()
    assert harness.resume(waiting.value.trace, app=shop.app).result == 500
    assert shop.paid == [500]


def test_a_session_is_under_one_version_however_often_rules_change(tmp_path: Path) -> None:
    """Threads begin sessions while rules are exchanged: what each trace names is what judged all of its calls."""
    shop, stop = Shop(tmp_path), threading.Event()
    versions = [rules(1), rules(2, limit=1000)]
    found: list[tuple[str, str, str]] = []

    def work() -> None:
        while not stop.is_set() and len(found) < 200:
            with shop.app.session() as session:
                tried = shop.tried(500), shop.tried(500)
            found.append((read(session.trace.path)[0]["registries"][0]["version"], *tried))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(2000):
        shop.app.reload(versions[number % 2])
        if len(found) >= 200:
            break
    stop.set()
    for thread in threads:
        thread.join(30)
    assert set(found) == {("1", "LIMIT", "LIMIT"), ("2", "", "")}


@given(
    st.sampled_from(["fail_closed", "fail_open"]),
    st.lists(st.sampled_from([5, 500, "kill", "revive", "reload"]), max_size=12),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_thrown_a_replay_is_equal(tmp_path: Path, kill: str, said: list[Any]) -> None:
    """Calls, the switch and reloads in any order come to what they must, and a replay of them to the same."""
    versions = [(rules(1, f"kill: {kill}"), 100, kill), (rules(2, limit=1000), 1000, "fail_closed")]
    shop, mine, thrown = Shop(tmp_path, versions[0][0]), None, False
    answers, expected = [], []
    with shop.app.session() as session:
        for one in said:
            if one == "reload":
                versions.reverse()
                shop.app.reload(versions[0][0])
            elif isinstance(one, str):
                getattr(shop.app, one)()
                thrown = one == "kill"
            else:
                mine = mine or versions[0]
                _, limit, how = mine
                stopped = {"fail_closed": "KILL-SWITCH", "fail_open": ""}[how]
                expected.append(stopped if thrown else "LIMIT" if one > limit else "")
                answers.append(shop.tried(one))
    assert answers == expected
    assert len(shop.paid) == answers.count("")
    if mine is None:
        return
    shop.app.revive()
    shop.app.reload(mine[0])
    with shop.app.replaying(session.trace.path):
        assert [shop.tried(one) for one in said if type(one) is int] == answers
    assert len(shop.paid) == answers.count("")


def test_a_kill_switch_stays_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that goes to another folder is stopped by the same file."""
    monkeypatch.chdir(tmp_path)
    app = harness.Harness(traces=tmp_path, kill_switch="stop")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "stop").touch()
    assert app.killed
    app.revive()
    assert not (tmp_path / "stop").exists()


def test_a_kill_switch_is_a_file() -> None:
    """What is none is told with its cure."""
    with pytest.raises(UsageError, match="a kill switch is a file, not True"):
        harness.Harness(kill_switch=True)  # type: ignore[arg-type]
