"""Plans that change while they are pursued: finished nodes are frozen, the rest stays whole, or nothing is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.converge.plan.board import MAX_CHANGES, Board
from harness.converge.plan.change import Change
from harness.converge.plan.flaws import flaws_of_plan
from harness.converge.plan.plan import Node, Plan
from harness.errors import PlanError
from tests.converge.plan.plans import plans

CHAIN = Plan("chain", [Node("a", "", ["x"], ["y"]), Node("b", "", ["y"], ["z"]), Node("c", "", ["z"], ["end"])], ["x"])


def done(board: Board, *names: str) -> Board:
    """Let nodes finish."""
    for name in names:
        board.begin(name)
        board.finish(name, dict.fromkeys(board.plan.by_name[name].outputs, name))
    return board


def exhausted(board: Board, name: str) -> Board:
    """Let a node use up its tries."""
    while name in board.ready():
        board.begin(name)
        board.fail(name, "no")
    return board


def test_nodes_are_added_replaced_and_removed() -> None:
    """A node in between, another way to a key, one that nobody needs: what is finished stays, with what it wrote."""
    board = done(Board(CHAIN, {"x": 1}), "a")
    board.change(Change(add=(Node("check", "", ["y"], ["checked"]),), link=(("check", "c"),)))
    board.change(Change(replace=(Node("b", "Other.", ["y", "checked"], ["z"]),)))
    assert board.ready() == ("check",)
    done(board, "check", "b")
    board.change(Change(remove=("c",), add=(Node("d", "", ["z", "y"], ["end"]),)))
    assert done(board, "d").results == {"end": "d"}
    assert board.done


def test_a_node_that_was_given_up_is_replaced() -> None:
    """Another node in its place begins with all its tries, and what waited for it can be reached again."""
    board = exhausted(done(Board(CHAIN, {"x": 1}), "a"), "b")
    assert board.states() == {"a": "finished", "b": "exhausted", "c": "unreachable"}
    board.change(Change(replace=(Node("b", "By train.", ["y"], ["z"]),)))
    assert (board.states()["c"], board.begin("b").failed) == ("waiting", ())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(), "nothing is changed"),
        (Change(why="because"), "nothing is changed"),
        (Change(remove=("a",)), "a is finished or under way, and stays as it is"),
        (Change(replace=(Node("a", "", ["x"], ["y"]),)), "a is finished or under way"),
        (Change(link=(("c", "a"),)), "a is finished or under way"),
        (Change(remove=("b",)), "b is finished or under way"),
        (Change(remove=("cc",)), "there is no node 'cc'"),
        (Change(link=(("nobody", "c"),)), "there is no node 'nobody'"),
        (Change(replace=(CHAIN.by_name["c"],)), "c is replaced by itself: its tries are used up"),
        (Change(unlink=(("a", "c"),)), "c is not linked to a"),
        (Change(add=(Node("d", "", ["w"], ["v"]),)), "nobody writes or hands in 'w'"),
        (Change(add=(Node("d", "", ["x"], ["y"]),)), "'y' is written twice: by a and by d"),
        (Change(add=(Node("c", "", ["x"], ["w"]),)), "2 nodes are called 'c'"),
        (
            Change(add=(Node("d", "", ["end"], ["e"]),), replace=(Node("c", "", ["e"], ["end"]),)),
            "nodes that wait for each other: c → d → c",
        ),
        (Change(add=(Node("d", "", ["x"], {"w": {"type": "x"}}),)), "not a JSON Schema"),
    ],
)
def test_a_refused_change_leaves_the_board_as_it_was(change: Change, why: str) -> None:
    """It says why; the board goes on as if nothing had been asked."""
    board = done(Board(CHAIN, {"x": 1}), "a")
    board.begin("b")
    before, states = board.facts(), board.states()
    with pytest.raises(PlanError, match=why):
        board.change(change)
    assert (board.facts(), board.states()) == (before, states)
    board.finish("b", {"z": 1})
    assert done(board, "c").done


def test_changes_are_bounded() -> None:
    """After so many of them a plan stays as it is, also when it goes on from JSON: replacing nodes is no way around."""
    board = Board(CHAIN, {"x": 1})
    for number in range(MAX_CHANGES):
        board.change(Change(replace=(Node("a", str(number), ["x"], ["y"]),)))
    board = Board.of(json.loads(json.dumps(board.facts())))
    with pytest.raises(PlanError, match="the plan has been changed 8 times"):
        board.change(Change(replace=(Node("a", "once more", ["x"], ["y"]),)))


@st.composite
def changes(draw: st.DrawFn, plan: Plan) -> Change:
    """Draw a change of one or two parts, each of which may be right or wrong."""
    keys = ["start", *(key for node in plan.nodes for key in node.outputs)]
    there, fresh = st.sampled_from(sorted(plan.by_name)), st.sampled_from(["m0", "m1", "m2", "m3"])
    nodes = {
        kind: st.builds(
            lambda name, reads, after: Node(name, "New.", reads, [f"{name}.out"], after=tuple(after)),
            name,
            st.lists(st.sampled_from(keys), unique=True, max_size=2),
            st.lists(there, unique=True, max_size=1),
        )
        for kind, name in (("add", fresh), ("replace", there))
    }
    edges = [(before, node.name) for node in plan.nodes for before in node.after]
    parts: dict[str, st.SearchStrategy[Any]] = {**nodes, "remove": there, "link": st.tuples(there, there)}
    parts |= {"unlink": st.sampled_from(edges)} if edges else {}
    kinds = draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=2, unique=True))
    return Change(**{kind: (draw(parts[kind]),) for kind in kinds})


@settings(max_examples=60)
@given(plans(), st.data())
def test_the_laws_of_change(plan: Plan, data: st.DataObject) -> None:
    """Made or refused: the plan is whole, finished nodes and what they wrote are as before, and it can be done."""
    board = Board(plan, {"start": 0})
    finished: dict[str, Node] = {}
    for _ in range(6):
        before = board.facts()
        try:
            board.change(data.draw(changes(board.plan)))
        except PlanError:
            assert board.facts() == before
        assert not [one for one in flaws_of_plan(board.plan) if one.level == "error"]
        assert all(board.plan.by_name[name] == node for name, node in finished.items())
        assert {name for name, state in board.states().items() if state == "finished"} == finished.keys()
        if board.ready():
            name = data.draw(st.sampled_from(board.ready()))
            finished[name] = board.plan.by_name[name]
            done(board, name)
    while board.ready():
        done(board, board.ready()[0])
    assert board.done
