"""Boards: who is ready, what a node may see, tries, and going on from JSON."""

from __future__ import annotations

import gc
import json
from types import ModuleType
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.plan.board import Board
from harness.converge.plan.plan import Node, Plan
from harness.converge.plan.view import View
from harness.errors import HarnessError, NotRecordable, PlanError, UsageError
from harness.registry.load import load
from tests.converge.plan.plans import plans


def written(board: Board, name: str) -> dict[str, Any]:
    """Give what a node writes in these tests: its key, as a text of its own in an object."""
    return {key: {"text": f"CANARY of {key}"} for key in board.plan.by_name[name].outputs}


def started(plan: Plan) -> Board:
    """Give a board of a drawn plan."""
    return Board(plan, {"start": {"text": "CANARY of start"}})


def reached(view: View) -> str:
    """Give all text that can be reached from a view, through whatever objects, but for code."""
    seen: dict[int, object] = {}
    waiting: list[object] = [view]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen[id(one)] = one
        waiting += gc.get_referents(one)
    return "\n".join(one for one in seen.values() if isinstance(one, str))


@given(plans(), st.data())
def test_boards_keep_their_promises(plan: Plan, data: st.DataObject) -> None:
    """Whatever finishes or fails, in any order, from JSON or not: ready is what networkx says, and nothing is lost."""
    board = started(plan)
    graph, failed = plan.graph(), dict.fromkeys(plan.by_name, 0)
    finished: set[str] = set()
    while not board.ended:
        exhausted = {name for name, count in failed.items() if count == plan.by_name[name].tries}
        able = {name for name in graph if {*graph.predecessors(name)} <= finished}
        assert {*board.ready()} == able - finished - exhausted
        assert [*board.ready()] == sorted(board.ready(), key=plan.order.index)
        name = data.draw(st.sampled_from(board.ready()))
        assert len(board.begin(name).failed) == failed[name]
        if data.draw(st.booleans()):
            assert board.finish(name, written(board, name)) == written(board, name)
            finished.add(name)
        else:
            failed[name] += 1
            assert board.fail(name, "no") == (failed[name] < plan.by_name[name].tries)
        if data.draw(st.booleans()):
            board = Board.of(json.loads(json.dumps(board.facts())))
    exhausted = {name for name, count in failed.items() if count == plan.by_name[name].tries} - finished
    lost = {later for name in exhausted for later in nx.descendants(graph, name)}
    assert board.done == (not exhausted)
    assert {name for name, state in board.states().items() if state == "unreachable"} == lost
    assert board.left().keys() == exhausted | lost
    assert finished | exhausted | lost == set(graph)


@given(plans())
def test_a_view_holds_the_canaries_of_its_keys_and_no_other(plan: Plan) -> None:
    """Nothing of an undeclared key can be reached through a view, over any reference; all of the declared ones can."""
    board = started(plan)
    keys = {"start", *(key for node in plan.nodes for key in node.outputs)}
    for name in plan.order:
        text = reached(board.begin(name))
        for key in keys:
            assert (f"CANARY of {key}" in text) == (key in plan.by_name[name].inputs)
        board.finish(name, written(board, name))


CHAIN = Plan("chain", [Node("a", "Do a.", ["x"], {"y": {"type": "object"}}), Node("b", "Do b.", ["y"], ["z"])], ["x"])


def test_what_a_worker_does_to_its_values_no_other_sees() -> None:
    """Values are copies on the way in, on the way out, and from view to view."""
    mine = {"list": [1]}
    board = Board(CHAIN, {"x": mine})
    mine["list"].append(2)
    view = board.begin("a")
    assert view["x"] == {"list": [1]}
    view["x"]["list"].append(3)
    board.fail("a", "no")
    again = board.begin("a")
    assert again["x"] == {"list": [1]}
    made = {"n": [1]}
    board.finish("a", {"y": made})["y"]["n"].append(2)
    made["n"].append(3)
    assert board.begin("b")["y"] == {"n": [1]}
    board.standing().facts["y"]["n"].append(4)
    board.facts()["facts"]["y"]["n"].append(5)
    assert board.view("b")["y"] == {"n": [1]}


def test_a_view_is_read_only() -> None:
    """A key can be neither set nor removed, an undeclared one is not there, and nothing else can be hung on it."""
    view = Board(CHAIN, {"x": 1}).begin("a")
    assert (dict(view), len(view), "y" in view) == ({"x": 1}, 1, False)
    with pytest.raises(TypeError):
        view["x"] = 2  # type: ignore[index]
    with pytest.raises(AttributeError):
        view.more = 2  # type: ignore[attr-defined]
    with pytest.raises(KeyError):
        view["y"]


def test_a_view_is_a_prompt() -> None:
    """A model is told what to do, what there is, what to write, by which rules, and what was wrong before."""
    registry = load(
        "registry: r\nversion: 1\ndefault: allow\nartifacts: {y: {schema: {type: object}}}\n"
        "invariants:\n  - {id: SMALL, title: Small, on: artifact, artifact: y, require: artifact.n < 3}\n"
        "  - {id: OTHER, on: message, require: 'True'}\n",
        "r.yaml",
    )
    plan = Plan("p", [Node("a", "Count.", ["x"], {"y": {"type": "object"}}, ("y",))], ["x"])
    board = Board(plan, {"x": "söme"}, registry)
    board.begin("a")
    board.fail("a", "too big")
    assert board.begin("a").prompt.splitlines() == [
        "Count.",
        'x: "söme"',
        "Answer with one JSON object, nothing else, with exactly these keys:",
        '- y, which fits the JSON Schema {"type": "object"}',
        "It has to meet every one of these rules:",
        "- y: SMALL: Small",
        "Earlier tries failed:",
        "- too big",
    ]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "what a has written is no object: None"),
        ("y", "what a has written is no object: 'y'"),
        ({}, "what a has written has no y"),
        ({"y": {}, "z": 1}, "what a has written has z, which nobody has declared"),
        ({"z": 1}, "has no y and has z"),
        ({"y": 1}, "what a has written: y: 1 is not of type 'object'"),
        ({"y": {"n": float("nan")}}, "nan has no JSON form"),
        ({"y": {"n": {1}}}, "a set is not JSON"),
    ],
)
def test_what_does_not_fit_is_not_kept(said: Any, why: str) -> None:
    """The board says what is wrong, and is as before: the node is under way."""
    board = Board(CHAIN, {"x": 1})
    board.begin("a")
    before = board.facts()
    with pytest.raises((UsageError, NotRecordable), match=why):
        board.finish("a", said)
    assert (board.facts(), board.states()["a"]) == (before, "working")
    board.finish("a", {"y": {}})


def test_a_step_that_is_not_legal_changes_nothing() -> None:
    """Nothing begins before its turn, ends without having begun, or is done twice; no node is there by a near name."""
    board = Board(CHAIN, {"x": 1})
    for step, said in [
        (lambda: board.begin("b"), "b is not ready: it is waiting"),
        (lambda: board.view("b"), "b cannot be seen yet: there is no y"),
        (lambda: board.finish("a", {"y": {}}), "a is not under way: it is ready"),
        (lambda: board.fail("b", ""), "b is not under way: it is waiting"),
        (lambda: board.begin("aa"), "the plan has no node 'aa'"),
    ]:
        before = board.facts()
        with pytest.raises(HarnessError, match=said):
            step()
        assert board.facts() == before
    board.begin("a")
    with pytest.raises(HarnessError, match="a is not ready: it is working"):
        board.begin("a")


def test_what_is_given_is_checked() -> None:
    """Missing and unknown keys, and values that do not fit, are told; so is a bad plan."""
    plan = Plan("p", [Node("a", reads=["n"])], {"n": {"type": "integer"}})
    with pytest.raises(UsageError, match="what is given to p has no n and has m"):
        Board(plan, {"m": 1})
    with pytest.raises(UsageError, match="what is given to p: n: 'x' is not of type 'integer'"):
        Board(plan, {"n": "x"})
    with pytest.raises(PlanError, match="1 mistake"):
        Board(Plan("p", [Node("a", reads=["n"])]), {})


def test_a_state_that_does_not_go_with_the_registry_is_refused() -> None:
    """A board is checked again when it is read: an artifact may have gone."""
    rules = (
        "registry: r\nversion: 1\ndefault: allow\nartifacts: {y: {schema: {type: object}}}\n"
        "invariants: [{id: A, on: artifact, artifact: y, require: 'True'}]\n"
    )
    plan = Plan("p", [Node("a", writes=["y"], rules=("y",))])
    state = Board(plan, {}, load(rules, "r.yaml")).facts()
    with pytest.raises(PlanError, match="no declared artifact is called 'y'"):
        Board.of(state, load(rules.replace(" y", " z").replace("{y", "{z"), "r.yaml"))
