"""One round of a guided search by Hypothesis: its engine draws schedules, and climbs to what is new and what is near.

A schedule is drawn as a known one and something on top of it. ``target`` is told how many new features a run has shown,
and of each rule how near the run came to its boundary. A round has a seed and a frozen view of what is known, so that
several can be made at once, in any processes, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.stress.schedule import Element, Schedule
from harness.stress.search.signature import Feature, signature, weight
from harness.stress.search.space import hangs_on_chance, scheduled
from harness.stress.seen import Seen

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SEEDS: Final = 8

Run = Callable[[Schedule], Seen]


class Parent(NamedTuple):
    """A schedule that has shown something new, and what its run offers that the undisturbed one does not."""

    schedule: Schedule
    offers: tuple[Element, ...]


class Island(NamedTuple):
    """What one round knows: its seed, how many runs it may make, parents with the best first, elements, features.

    ``limit`` ends it earlier, and changes nothing of what comes before. ``made`` are the schedules, as text, that were
    tried before.
    """

    seed: int
    quota: int
    limit: int
    parents: tuple[Parent, ...]
    elements: tuple[Element, ...]
    met: frozenset[Feature]
    made: frozenset[str] = frozenset()


class _Enough(BaseException):
    """The round ends: its quota is used up, or a run could not be made, which Hypothesis would try to make smaller."""


def schedules(island: Island) -> SearchStrategy[Schedule | None]:
    """Give the strategy for what a round tries; None stands for elements that get in each other's way.

    Choices are made of booleans, the one kind of draw that Hypothesis never mixes with constants which it finds in the
    modules that happen to be loaded.
    """
    from hypothesis import strategies as st

    @st.composite
    def drawn(draw: Any) -> Schedule | None:
        def choose(count: int) -> int:
            bits = draw(st.tuples(*[st.booleans()] * max(count - 1, 1).bit_length()))
            return int(sum(bit << place for place, bit in enumerate(bits))) % count

        parent = island.parents[min(choose(len(island.parents)), choose(len(island.parents)))]
        more: list[Element] = []
        for _ in range(1 + draw(st.booleans())):
            pool = parent.offers if parent.offers and draw(st.booleans()) else island.elements
            more += [pool[choose(len(pool))]] if pool else []
        made = scheduled((*parent.schedule.elements, *more), parent.schedule.seed)
        if made is None or not (hangs_on_chance(made) and draw(st.booleans())):
            return made
        return replace(made, seed=choose(SEEDS))

    return drawn()


def explored(run: Run, island: Island) -> list[tuple[Schedule, Seen]]:
    """Make the runs of one round, each schedule once, and give what they came to, in their order."""
    from hypothesis import HealthCheck, Phase, given, seed, settings, target

    made: dict[str, tuple[Schedule, Seen]] = {}
    met = set(island.met)

    @seed(island.seed)
    @settings(
        max_examples=island.quota,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.target],
        suppress_health_check=list(HealthCheck),
    )
    @given(schedules(island))
    def attempt(schedule: Schedule | None) -> None:
        if schedule is None:
            return
        key = str(schedule.stated())
        if key in island.made:
            return
        if key not in made:
            if len(made) >= island.limit:
                raise _Enough
            try:
                made[key] = schedule, run(schedule)
            except Exception as error:
                raise _Enough from error
        seen = made[key][1]
        new = signature(seen) - met
        met.update(new)
        target(float(weight(new)), label="new")
        for rule, margin in seen.margins.items():
            target(-margin, label=f"near {rule}")

    try:
        attempt()
    except _Enough as end:
        if end.__cause__ is not None:
            raise end.__cause__ from None
    return list(made.values())
