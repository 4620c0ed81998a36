"""The best derivation of a goal where arcs have several needs, alternatives or quorums: branch and bound.

A branch is a division of the arcs into those in, those out, and the rest. Some arcs are found of which every derivation
of the branch uses one (harness.routing.bound); the first is in, or it is out and the second is in, and so on. Each
derivation is in one branch only, and a branch ends when it cannot be better than the best derivation known.

Facts that are held are arcs of their own, without needs or price, so that a derivation says which of them it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from harness.routing.bound import above, below, cut
from harness.routing.problem import GOAL, Net
from harness.routing.reach import Reach, needed, serves
from harness.routing.weights import BARRED

SMALL: Final = 12
"""Problems of so many arcs are searched to the end whatever the budget."""

_REST, _IN, _OUT = 0, 1, 2


class Task(NamedTuple):
    """What is to be derived: ``prices`` by arc, positive; the held facts' ``leaves``, which have no price.

    ``cover`` lists, for each thing that the derivation has to rest on, the leaves that rest on it. A price is a step
    (harness.routing.weights) shifted by ``shift`` bits, which decide ties. ``budget`` bounds the work, in arcs and
    facts looked at.
    """

    net: Net
    prices: Mapping[int, int]
    leaves: Sequence[int]
    cover: tuple[frozenset[int], ...]
    shift: int
    budget: int


class Derivation(NamedTuple):
    """The arcs of a derivation, its leaves among them, its price, and what every derivation costs at least."""

    arcs: frozenset[int]
    price: int
    least: int


class _Branch(NamedTuple):
    """Whether each arc is in, out, or neither; and what every derivation of the branch costs at least."""

    state: bytes
    least: int

    def having(self, what: int) -> list[int]:
        return [arc for arc, state in enumerate(self.state) if state == what]


class _Look(NamedTuple):
    """What one look at a branch found: maybe a derivation, and the branches that are left of it."""

    found: Derivation | None
    left: list[_Branch]
    work: int


def derive(task: Task) -> Derivation | None:
    """Give the best derivation in which every arc and leaf is needed, and everything in ``cover`` is rested on.

    None where there is none, or, with a cover only, where the budget ended before one was found. The best is the one
    of the least price; ``least`` is below the price where the budget ended before that was proven.
    """
    best = _search(task, _start(task, task.leaves), _cheapest)
    if best is None:
        return None
    if not task.cover:
        return best._replace(arcs=frozenset(needed(task.net, sorted(best.arcs), task.leaves)))
    # most often the best of all rests on enough, and the question is only which leaves it uses
    chosen = [arc for arc in best.arcs if arc in task.prices]
    within = task._replace(prices={arc: task.prices[arc] for arc in chosen})
    found = _search(within, _start(within, chosen), _covering)
    if found:
        return found._replace(least=best.least)
    found = _search(task, _start(task, ()), _covering)
    return found and found._replace(least=max(found.least, best.least))


def _start(task: Task, chosen: Iterable[int]) -> _Branch:
    state = bytearray([_OUT]) * len(task.net.waits)
    for arc in (*task.prices, *task.leaves):
        state[arc] = _REST
    for arc in chosen:
        state[arc] = _IN
    return _Branch(bytes(state), 0)


def _search(task: Task, start: _Branch, look: Callable[[Task, _Branch, int], _Look]) -> Derivation | None:
    """Look at branches, the most promising first, until none can be better than the best or the budget ends."""
    best, stack, work = None, [start], 0
    while stack and (work <= task.budget or len(task.prices) <= SMALL):
        branch = stack.pop()
        if best and branch.least >= best.price:
            continue
        seen = look(task, branch, best.price if best else BARRED << task.shift)
        best = seen.found or best
        work += seen.work
        stack += reversed(seen.left)
    return best and best._replace(least=min([best.price, *(branch.least for branch in stack)]))


def _cheapest(task: Task, branch: _Branch, beat: int) -> _Look:
    """Look for any derivation below a price; what is held is all in."""
    chosen = branch.having(_IN)
    rest = {arc: task.prices[arc] for arc in branch.having(_REST)}
    spent = _price(task, chosen)
    bound = below(task.net, chosen, rest, beat - spent)
    if bound is None or spent + bound.least >= beat:
        return _Look(None, [], bound.work if bound else len(rest))
    arcs = above(task.net, rest | dict.fromkeys(chosen, 0)) or []
    arcs = needed(task.net, arcs, sorted(arcs, key=lambda arc: -task.prices.get(arc, 0)))
    work, price, found = bound.work + len(arcs) ** 2, _price(task, arcs), None
    if price < beat:
        found, beat = Derivation(frozenset(arcs), price, 0), price
    if spent + bound.least >= beat:
        return _Look(found, [], work)
    return _Look(found, _divided(task, branch, spent + bound.least, bound.cuts), work)


def _covering(task: Task, branch: _Branch, beat: int) -> _Look:
    """Look for a derivation below a price that rests on all it has to, of which every arc and leaf is needed.

    Once what is in serves the goal, nothing more can be needed: it is the only derivation of its branch.
    """
    chosen, rest = branch.having(_IN), branch.having(_REST)
    spent = _price(task, chosen)
    if serves(task.net, chosen):
        sound = all(not part.isdisjoint(chosen) for part in task.cover) and needed(task.net, chosen, chosen) == chosen
        found = Derivation(frozenset(chosen), spent, 0) if sound and spent < beat else None
        return _Look(found, [], len(chosen) ** 2)
    prices = {arc: task.prices[arc] for arc in rest if arc in task.prices}
    leaves = [arc for arc in rest if arc not in prices]
    bound = below(task.net, [*chosen, *leaves], prices, beat - spent)
    if bound is None or spent + bound.least >= beat:
        return _Look(None, [], bound.work if bound else len(rest))
    cuts = bound.cuts or [cut(Reach(task.net, chosen), [*leaves, *sorted(prices, key=lambda arc: prices[arc])])]
    cuts += _duties(task, branch, chosen)
    return _Look(None, _divided(task, branch, spent + bound.least, cuts), bound.work + len(rest))


def _duties(task: Task, branch: _Branch, chosen: list[int]) -> Iterator[list[int]]:
    """Give cuts of a branch that a cover asks for, and that follow from each arc and leaf being needed by another."""
    for part in task.cover:
        if part.isdisjoint(chosen):
            yield [arc for arc in sorted(part) if branch.state[arc] == _REST]
    for arc in chosen:
        takers = {task.net.owner[need] for fact in task.net.gives[arc] for need in task.net.wants[fact]}
        if GOAL not in takers and takers.isdisjoint(chosen):
            yield [taker for taker in sorted(takers) if branch.state[taker] == _REST]


def _divided(task: Task, branch: _Branch, least: int, cuts: list[list[int]]) -> list[_Branch]:
    """Divide a branch by its smallest cut, the cheap arcs first; none is left where a cut is empty."""
    smallest = min(cuts, key=len)
    state, left = bytearray(branch.state), list[_Branch]()
    if len(smallest) == 1:
        for (arc,) in (one for one in cuts if len(one) == 1):
            state[arc] = _IN
        return [_Branch(bytes(state), least)]
    for arc in sorted(smallest, key=lambda arc: (task.prices.get(arc, 0), arc)):
        state[arc] = _IN
        left.append(_Branch(bytes(state), least))
        state[arc] = _OUT
    return left


def _price(task: Task, arcs: Iterable[int]) -> int:
    return sum(task.prices.get(arc, 0) for arc in arcs)
