"""The router's suite: its oracle against the published tables, its worlds, its contenders, and what it would notice."""

from __future__ import annotations

import ast
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import harness
from benchmarks.suites import router
from benchmarks.suites.router import oracle
from benchmarks.suites.router.extra import EXTRAS
from benchmarks.suites.router.figures import figures
from benchmarks.suites.router.generated import generated, late_writes, registry_of_case
from benchmarks.suites.router.judge import WORLD, judged
from benchmarks.suites.router.oracle import START, Case, Outcome, predict
from benchmarks.suites.router.react import react
from benchmarks.suites.router.routed import ByModel, agent_of, declare, registry_of, routed, told_by
from benchmarks.suites.router.scenarios import DOWN, GOALS, GRAPHS, case_of, subsets
from benchmarks.suites.router.workflow import workflow
from benchmarks.suites.router.world import Ledger, World
from harness.adapters.files import SUFFIX
from harness.bench.runner import run_cells
from harness.bench.task import Cell, Condition, Row, Task
from harness.door.replay import replay
from harness.testing.model_server import ModelServer, say

PUBLISHED = {  # as printed: the tools that succeeded, ESC for an escalation, attempts/found/re-plans
    "CS-1": ("CRM Stripe Email", 3, 0, 0),
    "CS-2": ("CRM Razorpay Email", 4, 1, 1),
    "CS-3": ("CRM Stripe SMS", 4, 1, 1),
    "CS-4": ("CRM Razorpay SMS", 5, 2, 2),
    "CS-5": ("ESC CRM", 3, 2, 1),
    "CS-6": ("ESC CRM Stripe", 4, 2, 1),
    "CS-7": ("ESC", 1, 1, 0),
    "TB-1": ("Flight Hotel Car Payment", 4, 0, 0),
    "TB-2": ("Train Hotel Car Payment", 5, 1, 1),
    "TB-3": ("Flight Hostel Bus Payment", 5, 1, 1),
    "TB-4": ("ESC", 2, 2, 1),
    "TB-5": ("Train Hostel Bus Payment", 6, 2, 2),
    "TB-6": ("ESC Flight Hotel Car", 4, 1, 0),
    "CM-1": ("Text Toxicity Auto", 3, 0, 0),
    "CM-2": ("Image Toxicity Auto", 4, 1, 1),
    "CM-3": ("Text Toxicity Human", 4, 1, 1),
    "CM-4": ("Image Toxicity Human", 5, 2, 2),
    "CM-5": ("ESC", 3, 3, 2),
    "CM-6": ("ESC Text", 2, 1, 0),
}
UNDONE = {"CS-6": ("Stripe",), "TB-6": ("Car", "Hotel", "Flight")}


def scenario(name: str) -> Case:
    """Give one of the nineteen scenarios."""
    return case_of(name[:2], DOWN[name])


# --- the oracle -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_oracle_reproduces_the_published_table(name: str) -> None:
    """Path, attempts, failures found and re-plans are those that were printed, and what is undone is what is told."""
    seen = predict(scenario(name))
    path = " ".join((*(["ESC"] if seen.end == "escalated" else []), *seen.path))
    assert (path, len(seen.attempts), seen.found, seen.replans) == PUBLISHED[name]
    assert seen.undone == UNDONE.get(name, ())
    assert DOWN.keys() == PUBLISHED.keys()


@pytest.mark.parametrize(
    ("graph", "sums"), [("CS", (32, 9, 74, 37, 14)), ("TB", (128, 27, 498, 249, 148)), ("CM", (64, 21, 210, 105, 62))]
)
def test_the_oracle_reproduces_the_published_sums(graph: str, sums: tuple[int, ...]) -> None:
    """Subsets, solvable ones, attempts, failures found and re-plans over all subsets of failures."""
    seen = [predict(case_of(graph, down)) for down in subsets(graph).values()]
    solvable = sum(one.end == "served" for one in seen)
    counts = (sum(len(one.attempts) for one in seen), sum(one.found for one in seen), sum(one.replans for one in seen))
    assert (len(seen), solvable, *counts) == sums


@pytest.mark.parametrize("module", ["oracle", "scenarios", "judge", "world", "workflow"])
def test_what_judges_the_router_shares_no_code_with_it(module: str) -> None:
    """The oracle, its graphs, its worlds and the judgement import nothing of harness."""
    tree = ast.parse((Path(oracle.__file__).parent / f"{module}.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level]
    named += chain.from_iterable([one.name for one in node.names] for node in imports if isinstance(node, ast.Import))
    assert all(name.partition(".")[0] in sys.stdlib_module_names for name in named)


DEAD_END = (("Start", "A", 1), ("Start", "B", 2), ("A", "C", 1), ("B", "D", 1), ("C", "Goal", 0), ("D", "Goal", 0))


def test_the_oracle_backs_out_of_a_dead_end_where_it_can() -> None:
    """Work that leads nowhere is undone and another way taken; what cannot be undone is never doubled."""
    case = Case(DEAD_END, "Goal", {"A": "undoable", "B": "undoable"}, {"C": ("refused",)})
    assert predict(case) == Outcome("served", ("B", "D"), ("A", "C", "B", "D"), 1, 1, ("A",), {"B": 1})
    final = predict(replace(case, kinds={"A": "final", "B": "final"}))
    assert final == Outcome("escalated", ("A",), ("A", "C"), 1, 0, (), {"A": 1})


@pytest.mark.parametrize(
    ("moods", "declared", "end", "calls"),
    [
        (("late", "ok"), {"keyed"}, "served", 2),
        (("late",), {"keyed"}, "in doubt", 3),
        (("late",), {"keyed", "probed"}, "served", 3),
        (("late", "refused"), {"keyed"}, "in doubt", 3),
        (("late",), {"probed"}, "served", 1),
        (("lost", "ok"), {"probed"}, "served", 2),
        (("lost",), {"probed"}, "escalated", 3),
        (("late",), set(), "in doubt", 1),
        (("refused", "ok"), set(), "served", 2),
    ],
)
def test_the_oracle_knows_what_may_be_repeated(moods: Any, declared: set[str], end: str, calls: int) -> None:
    """A write that may have happened is repeated with its key, or looked for, or left; and happens at most once."""
    names = {name: frozenset({"A"}) for name in declared}
    case = Case((("Start", "A", 1), ("A", "Goal", 0)), "Goal", {"A": "final"}, {"A": moods}, 2, **names)
    seen = predict(case)
    assert (seen.end, len(seen.attempts)) == (end, calls)
    assert seen.net == ({"A": 1} if "late" in moods or "ok" in moods else {})


def test_tools_of_a_domain_go_down_together() -> None:
    """After one failure its twin is not called."""
    edges = tuple(
        (one, other, cost) for cost, tool in enumerate("ABC") for one, other in ((START, tool), (tool, "Goal"))
    )
    case = Case(edges, "Goal", {}, {"A": ("refused",)}, domains={"A": "x", "B": "x"})
    assert predict(case).attempts == ("A", "C")


# --- the world --------------------------------------------------------------------------------------------------------


def test_a_ledger_keeps_what_was_committed(tmp_path: Path) -> None:
    """An effect with a key happens once, one without happens each time; undoing takes back one; a file keeps it all."""
    ledger = Ledger(tmp_path / "ledger.db")
    for key in ("k1", "k1", "k2", None, None):
        ledger.commit("pay", key)
    assert ledger.net() == {"pay": 4}
    ledger.undo("pay", "k1")
    ledger.undo("pay")
    assert (ledger.net(), ledger.has("pay", "k1"), ledger.has("pay", "k2"), ledger.has("pay")) == (
        {"pay": 2},
        False,
        True,
        True,
    )
    with pytest.raises(LookupError):
        ledger.undo("pay", "k1")
    ledger.commit("pay", "k1")
    assert ledger.net() == {"pay": 3}
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        assert database.execute("select sum(done) from effects").fetchall() == [(3,)]


def test_a_tool_does_what_its_mood_says() -> None:
    """Refused and lost calls leave nothing, a late one its effect; a read leaves nothing at all."""
    edges = (("Start", "A", 1), ("Start", "R", 1))
    moods: Any = {"A": ("refused", "lost", "late", "ok")}
    with World(Case(edges, "Goal", {"A": "final"}, moods)) as world:
        for error in (ConnectionRefusedError, TimeoutError, TimeoutError):
            with pytest.raises(error):
                world.call("A")
        assert (world.ledger.net(), world.probe("A")["happened"]) == ({"A": 1}, True)
        assert world.call("A") == {"by": "A"}
        world.call("R")
        assert (world.attempts, world.answered, world.ledger.net()) == (["A"] * 4 + ["R"], ["A", "R"], {"A": 2})


# --- the baselines ----------------------------------------------------------------------------------------------------


def test_the_step_by_step_agent_gets_there_and_asks_at_every_step() -> None:
    """It is right in all nineteen; its server hears one request for each call, each undo, and each last word."""
    requests = calls = 0
    for name in DOWN:
        with World(scenario(name)) as world:
            seen, asked = react(scenario(name), world)
            expected = predict(scenario(name))
            assert judged(seen, expected, (*WORLD, "attempts", "found", "undone"))["correct"]
            assert asked == len(world.attempts) + len(world.undone) + 1
            requests, calls = requests + asked, calls + len(world.attempts)
    assert (requests, calls) == (94, 71)


def test_the_workflow_fails_in_silence_where_a_step_has_no_fallback() -> None:
    """It says that it served where a step was skipped, and the world says otherwise; three times, as published."""
    rows = {}
    for name in DOWN:
        with World(scenario(name)) as world:
            rows[name] = judged(workflow(name[:2], scenario(name), world), predict(scenario(name)), WORLD)
    assert [name for name, row in rows.items() if row["silent"]] == ["CS-7", "TB-6", "CM-6"]
    assert [name for name, row in rows.items() if not row["correct"]] == ["CS-6", "CS-7", "TB-6", "CM-6"]
    assert {name: row["duplicates"] for name, row in rows.items() if row["duplicates"]} == {
        "CS-6": 1,
        "CS-7": 2,
        "TB-6": 3,
    }


# --- harness ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("graph", GRAPHS)
def test_registry_and_oracle_speak_of_one_graph(graph: str) -> None:
    """The edges of the shipped registry are the oracle's, and so is what each tool is."""
    registry, case = registry_of(graph), case_of(graph, ())
    assert registry.graph is not None
    arcs = {(arc.needs[0].of[0], arc.gives[0], arc.cost) for arc in registry.graph.arcs}
    assert arcs == {(one, other, cost * 100_000) for one, other, cost in GRAPHS[graph]}
    assert [*registry.graph.goals] == [GOALS[graph]]
    for tool in case.tools:
        spec, kind = registry.tools[tool], case.kinds.get(tool, "read")
        assert (spec.effect == "write", spec.undo is not None) == (kind != "read", kind == "undoable")
    assert registry.graph.policy.retries == 0


@pytest.mark.parametrize("name", DOWN)
def test_harness_does_what_the_oracle_says(name: str, tmp_path: Path) -> None:
    """Path, calls, failures, re-plans, what is undone and left are the same; a model is asked where it must be."""
    with ModelServer(lambda request: say('{"stop": true}')) as server, ByModel(server.base_url) as model:
        with World(scenario(name)) as world:
            seen, told = routed(scenario(name), world, registry_of(name[:2]), tmp_path, model)
        expected = predict(scenario(name))
        assert seen == expected
        assert (tmp_path / told.pop("trace")).is_file()
        assert told == {"escalations": int(expected.end == "escalated"), "unhandled": 0, "rules_broken": 0}
        assert len(server.requests) == told["escalations"]


@pytest.mark.parametrize("name", EXTRAS)
def test_what_the_published_scenarios_leave_out(name: str, tmp_path: Path) -> None:
    """Each of the nine situations comes out as it is stated."""
    assert EXTRAS[name].play(tmp_path) == EXTRAS[name].expected


def test_all_nine_situations_are_there() -> None:
    """D1 to D9, each at least once."""
    assert {extra.shows for extra in EXTRAS.values()} == {f"D{number}" for number in range(1, 10)}


def test_generated_scenarios_agree_on_a_ledger_on_disk(tmp_path: Path) -> None:
    """Sixty scenarios with writes that commit and time out come out as predicted, in every way a route can end."""
    ends: Counter[str] = Counter()
    for number in range(60):
        case, folder = generated(7, f"case {number}"), tmp_path / str(number)
        folder.mkdir()
        expected = predict(case)
        with World(case, folder / "ledger.db") as world:
            seen, told = routed(case, world, registry_of_case(case), folder, lambda question: None)
        assert (seen, told["unhandled"], told["rules_broken"]) == (expected, 0, 0)
        assert late_writes(case, expected) > 0
        ends[seen.end] += 1
        ends["replanned"] += seen.replans > 0
        ends["undone"] += bool(seen.undone)
    assert ends.keys() >= {"served", "escalated", "in doubt", "replanned", "undone"}
    assert min(ends.values()) >= 5


def test_a_scenario_is_drawn_by_its_seed_and_name_alone() -> None:
    """The same seed and name draw the same scenario, others another one."""
    assert generated(7, "case 1") == generated(7, "case 1")
    assert len({generated(seed, name).edges for seed in (7, 8) for name in ("case 1", "case 2")}) == 4


def test_a_routed_run_has_the_same_trace_again(tmp_path: Path) -> None:
    """Also where writes take a key, which is another one in each run outside of a trial."""
    case = next(case for number in range(20) if (case := generated(7, f"case {number}")).keyed)
    traces = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        with World(case) as world:
            _, told = routed(case, world, registry_of_case(case), folder, lambda question: None)
        traces.append((folder / told["trace"]).read_bytes())
    assert traces[0] == traces[1]
    assert b"harness.nonce" in traces[0]


def test_a_routed_run_replays_without_model_and_world(tmp_path: Path) -> None:
    """CS-6, with its escalation to a model and its refund, runs again from its trace alone and ends alike."""
    case, trace = scenario("CS-6"), tmp_path / f"run{SUFFIX}"
    with ModelServer(lambda request: say('{"stop": true}')) as server, ByModel(server.base_url) as model:
        with World(case) as world:
            recorded, _ = routed(case, world, registry_of("CS"), tmp_path, model)
        with World(replace(case, moods={})) as other:
            app = harness.Harness(registry_of("CS"), escalate=model)
            model.through(app)
            declare(app, case, other)
            assert replay(trace, entry=agent_of(app, case), app=app).agrees
            assert (other.attempts, other.undone, other.ledger.net()) == ([], [], {})
        assert len(server.requests) == 1
    assert recorded == predict(case)
    assert told_by(trace, case.tools)[:3] == (2, 1, 1)


# --- what the suite would notice --------------------------------------------------------------------------------------


def outcome(**changed: Any) -> Outcome:
    """Give an outcome that is as it should be, but for some fields."""
    right = Outcome("served", ("A",), ("A",), 0, 0, (), {"A": 1})
    return right._replace(**changed)


@pytest.mark.parametrize(
    ("seen", "expected", "facts"),
    [
        (outcome(), outcome(), (True, False, 0)),
        (outcome(net={"A": 2}), outcome(), (False, True, 1)),
        (outcome(net={"A": 1, "B": 1}), outcome(), (False, True, 1)),
        (outcome(net={}), outcome(), (False, True, 0)),
        (outcome(), outcome(end="escalated", net={}), (False, True, 1)),
        (outcome(end="escalated"), outcome(), (False, False, 0)),
        (outcome(attempts=("A", "A")), outcome(), (False, False, 0)),
    ],
)
def test_a_run_is_judged_by_its_world(seen: Outcome, expected: Outcome, facts: tuple[bool, bool, int]) -> None:
    """Success with another world is a silent failure, effects beyond the right ones are counted, and why is told."""
    row = judged(seen, expected)
    assert (row["correct"], row["silent"], row["duplicates"]) == facts
    assert row["correct"] or row["why"]


def test_a_failed_call_that_nobody_handled_is_counted(tmp_path: Path) -> None:
    """A call that an agent makes itself and lets fail has no route event behind it."""
    app = harness.Harness(registry_of("D6"), traces=tmp_path)

    @app.tool(effect="read")
    def look() -> str:
        raise ConnectionRefusedError("down")

    with app.session(trace=tmp_path / f"run{SUFFIX}"), pytest.raises(ConnectionRefusedError):
        look()
    told = told_by(tmp_path / f"run{SUFFIX}", ("look",))
    assert (told.found, told.replans, told.unhandled) == (1, 0, 1)


def small(generated_tasks: int) -> list[Cell]:
    """Give the suite's cells with fewer scenarios by the seed."""
    cells = list(router.SUITE.cells())
    drawn = [cell for cell in cells if cell.task.group == "generated"]
    return [cell for cell in cells if cell.task.group != "generated"] + drawn[:generated_tasks]


def test_the_suite_meets_its_bars() -> None:
    """Every figure with a target is met, but for how many scenarios were drawn, which are few here."""
    result = run_cells(router.SUITE, small(20))
    assert result.broken == ()
    found = router.SUITE.figures(result.rows)
    assert {name for name, figure in found.items() if figure.ok is False} == {"generated", "late_writes"}
    assert {
        name: found[name].value for name in ("correct", "attempts", "failures_found", "replans", "escalations")
    } == {
        "correct": 19,
        "attempts": 71,
        "failures_found": 24,
        "replans": 17,
        "escalations": 7,
    }
    assert (found["model_calls"].value, found["react_model_calls"].value) == (7, 94)
    assert (found["subsets_correct"].value, found["d_correct"].value) == (224, 9)


def test_a_wrong_run_misses_its_bars() -> None:
    """One doubled effect in one row is seen in the figures that speak of it."""
    name = "CS-1"
    right, wrong = predict(scenario(name)), predict(scenario(name))
    wrong = wrong._replace(net=wrong.net | {"Stripe": 2})
    told = {"escalations": 0, "unhandled": 0, "rules_broken": 0, "model_calls": 0}
    cell = Cell(Task(name, "scenarios"), Condition("harness"), 0)
    found = figures([Row(cell, judged(wrong, right) | told)])
    assert (found["correct"].value, found["silent_failures"].ok, found["duplicate_effects"].ok) == (0, False, False)
    assert found["unhandled_failures"].ok is True


def test_the_suite_has_all_its_tasks() -> None:
    """Nineteen scenarios, 224 subsets, the nine situations, and five hundred scenarios for each seed."""
    counts = Counter(task.group for task in router.SUITE.tasks)
    assert counts == {"scenarios": 19, "subsets": 224, "extra": len(EXTRAS), "generated": 500}
