"""What can be reached in a graph at all: facts nobody gives, goals out of reach, arcs that wait for each other.

Failures, costs and rules play no part here: what is out of reach here is so on the best of days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from harness.registry.complaint import nearest
from harness.registry.graph.values import Arc, Goal, Need
from harness.registry.graph.ways import Flaw, Path, Stated, Way, arguments_of

_SHOWN: Final = 5


def reached(arcs: Sequence[Arc], held: Iterable[str]) -> set[str]:
    """Give the facts that can be had of some. O(size of the arcs)."""
    facts = set(held)
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    unmet: list[list[int]] = []
    ready = []
    for index, arc in enumerate(arcs):
        unmet.append([need.least - sum(fact in facts for fact in need.of) for need in arc.needs])
        for fact in {fact for need in arc.needs for fact in need.of} - facts:
            waiting[fact].append(index)
        if all(left <= 0 for left in unmet[index]):
            ready.append(index)
    while ready:
        for fact in arcs[ready.pop()].gives:
            if fact in facts:
                continue
            facts.add(fact)
            for index in waiting.pop(fact, ()):
                was = any(left > 0 for left in unmet[index])
                for at, need in enumerate(arcs[index].needs):
                    unmet[index][at] -= fact in need.of
                if was and all(left <= 0 for left in unmet[index]):
                    ready.append(index)
    return facts


def relevant(arcs: Sequence[Arc], needs: Iterable[Need]) -> list[int]:
    """Give the arcs by which some needs can be met, in order: those that give their facts, and on from their needs."""
    givers = defaultdict(list)
    for index, arc in enumerate(arcs):
        for fact in arc.gives:
            givers[fact].append(index)
    found: set[int] = set()
    facts = {fact for need in needs for fact in need.of}
    asked = list(facts)
    while asked:
        for index in givers[asked.pop()]:
            if index not in found:
                found.add(index)
                more = {fact for need in arcs[index].needs for fact in need.of} - facts
                facts |= more
                asked += more
    return sorted(found)


def flaws_of_reach(
    ways: Sequence[Way], stated: Stated, goals: Mapping[str, Goal], start: Collection[str]
) -> Iterator[Flaw]:
    """Yield what can never be reached; ``stated`` knows where the goals are written."""
    arcs = [way.arc for way in ways]
    asked = {name for goal in goals.values() for name in arguments_of(goal)}
    known = asked.union(start, *(arc.gives for arc in arcs))
    unknown: set[str] = set()
    wanted = [(way.arc.tool or way.arc.gives[0], way.arc.needs, way.at_needs) for way in ways]
    wanted += [(name, goal.needs, stated.place_of_needs(name)) for name, goal in goals.items()]
    for who, needs, at in wanted:
        for fact, place in _facts(needs, at):
            if fact not in known:
                unknown.add(fact)
                cure = nearest(fact, known) or f"hand it in, start: [{fact}], or add a tool that gives it"
                yield Flaw(place, f"nobody gives the fact {fact!r}, which {who} needs", cure)
    yield from _circles(ways, {*start, *asked, *unknown})
    for name, goal in goals.items():
        held = {*start, *arguments_of(goal)}
        facts = reached(arcs, held)
        if not _met(goal.needs, facts) and unknown.isdisjoint(fact for need in goal.needs for fact in need.of):
            yield Flaw(stated.place_of(name), *_out_of_reach(goal, arcs, facts, asked))


def _out_of_reach(goal: Goal, arcs: Sequence[Arc], facts: set[str], asked: set[str]) -> tuple[str, str]:
    missing = sorted(_missing(goal.needs, arcs, facts))
    shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
    said = f"the goal {goal.name!r} is out of reach" + (f", for want of {shown}" if missing else "")
    others = [fact for fact in missing if fact in asked]
    cure = "add what is missing to 'start:', or a tool that gives it"
    if others:
        cure = f"{', '.join(others)} is an argument of another goal only: add it to the arguments of {goal.name}"
    return said, cure


def _missing(needs: Iterable[Need], arcs: Sequence[Arc], facts: set[str]) -> set[str]:
    """Give the facts, on all ways to some needs, that are not to be had and that nobody gives."""
    given = {fact for arc in arcs for fact in arc.gives}
    on_the_way = [*needs, *(need for index in relevant(arcs, needs) for need in arcs[index].needs)]
    return {fact for need in on_the_way if not _met([need], facts) for fact in need.of if fact not in given | facts}


def _met(needs: Iterable[Need], facts: set[str]) -> bool:
    return all(sum(fact in facts for fact in need.of) >= need.least for need in needs)


def _circles(ways: Sequence[Way], held: set[str]) -> Iterator[Flaw]:
    """Yield the circles of arcs none of which can be the first to run."""
    arcs = [way.arc for way in ways]
    facts = reached(arcs, held)
    giver = {fact: way for way in reversed(ways) for fact in way.arc.gives}
    told: set[str] = set()
    for way in ways:
        chain: list[str] = []
        here: Way | None = way
        while here is not None and not _met(here.arc.needs, facts):
            unmet = [need for need in here.arc.needs if not _met([need], facts)]
            fact = next((fact for need in unmet for fact in need.of if fact not in facts), None)
            if fact is None or fact in told:
                break  # a quorum that is larger than its list, or a circle that was told
            if fact in chain:
                circle = chain[chain.index(fact) :]
                shown = " → ".join([*reversed(circle), circle[-1]])
                cure = "one of them has to come from elsewhere: from a caller, or from a tool that needs none of them"
                yield Flaw(here.at, f"these facts wait for each other, and none can be the first: {shown}", cure)
                told.update(circle)
                break
            chain.append(fact)
            here = giver.get(fact)


def _facts(needs: Iterable[Need], at: Path) -> Iterator[tuple[str, Path]]:
    """Yield the facts of needs, and where each is written."""
    for index, need in enumerate(needs):
        for number, fact in enumerate(need.of):
            inside = ("any" if need.least == 1 else "of", number) if len(need.of) > 1 else ()
            yield fact, (*at, index, *inside)
