"""Legal histories that lead to something illegal, on a game that can be counted out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from harness.stress.legal.adversary import Asked, Further, drive

Path = tuple[int, ...]


def corridor(depth: int, width: int, goal: Path) -> Callable[[Path], Asked[Path]]:
    """Make a tree in which only one path leads to the illegal action, and freedom falls along it."""

    def ask(history: Path) -> Asked[Path]:
        if history == goal:
            return Asked("there", ())
        if len(history) == depth:
            return Asked("", ())
        longer = [(*history, one) for one in range(width)]
        return Asked("", [Further(one, depth - len(one) + (one != goal[: len(one)])) for one in longer])

    return ask


@given(st.integers(1, 4), st.integers(1, 3), st.data(), st.integers(0, 5))
def test_all_of_a_small_tree_is_seen(depth: int, width: int, data: st.DataObject, seed: int) -> None:
    """With a budget of every history there is, it finds what brute force finds, or that there is nothing."""
    goal = data.draw(st.one_of(st.none(), st.lists(st.integers(0, width - 1), max_size=depth).map(tuple)))
    ask = corridor(depth, width, goal if goal is not None else (9, 9))
    nodes, found = deque([()]), None
    count = 0
    while nodes:
        node: Path = nodes.popleft()
        count += 1
        said = ask(node)
        found = node if said.illegal else found
        nodes.extend(one.history for one in said.further)
    driven = drive((), ask, budget=count, seed=seed)
    assert driven.history == found == goal
    assert driven.asked <= count


@given(st.integers(0, 20))
def test_where_freedom_tells_the_way_little_is_asked(seed: int) -> None:
    """It goes straight where least is allowed; the random one, legal as well, mostly does not come there."""
    goal = (2, 0, 3, 1, 2)
    ask = corridor(6, 4, goal)
    assert drive((), ask, budget=500, seed=seed).asked <= 6
    assert drive((), ask, budget=500, seed=seed) == drive((), ask, budget=500, seed=seed)
    assert drive((), ask, budget=20, seed=seed, way="random").asked <= 20


def test_the_random_one_is_the_baseline() -> None:
    """Over a hundred seeds it finds the planted path seldom within the questions that guidance needs."""
    ask = corridor(6, 4, (2, 0, 3, 1, 2))
    assert sum(drive((), ask, budget=60, seed=seed, way="random").history is not None for seed in range(100)) < 20
