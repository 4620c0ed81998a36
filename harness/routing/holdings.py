"""What a route holds: facts with their values, the writes they rest on, and what has been done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.routing.graph import Arc, Need
from harness.tool import ToolSpec


class Write(NamedTuple):
    """One write that has happened and has not been undone; ``bit`` stands for it in supports.

    ``keyed`` names the argument that carries a key which is none of the facts, if there is one.
    """

    bit: int
    tool: str
    args: dict[str, Any]
    result: Any
    keyed: str = ""


class Step(NamedTuple):
    """A call that served, or a conclusion (without a tool): which facts it used, and which it gave."""

    tool: str | None
    used: tuple[str, ...]
    gave: tuple[str, ...]


@dataclass
class Holdings:
    """Keep the facts that are held, and the committed writes in the order in which they happened.

    The support of a fact is the set of writes it rests on, as a bit mask: those of the call that gave it, and those of
    the facts that call used. ``aside`` are facts that the present route does not rest on. ``stuck`` are writes that
    could not be undone, ``undone`` counts those that were, by tool.
    """

    facts: dict[str, Any]
    support: dict[str, int] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    aside: frozenset[str] = frozenset()
    stuck: int = 0
    undone: dict[str, int] = field(default_factory=dict)
    _bits: int = 0

    def new_bit(self) -> int:
        """Give the bit of a write that is about to be performed."""
        self._bits += 1
        return 1 << (self._bits - 1)

    @property
    def committed(self) -> int:
        """The writes that stand, as a mask."""
        return mask(write.bit for write in self.writes)

    def undoable(self, tools: Mapping[str, ToolSpec]) -> int:
        """Give the writes that can be taken back, as a mask."""
        return mask(write.bit for write in self.writes if tools[write.tool].undo) & ~self.stuck

    def meets(self, needs: Iterable[Need]) -> bool:
        """Tell whether all needs are met by the facts that the present route rests on."""
        resting = self.facts.keys() - self.aside
        return all(sum(fact in resting for fact in need.of) >= need.least for need in needs)

    def path_to(self, needs: Iterable[Need]) -> tuple[str, ...]:
        """Name the tools that what meets these needs rests on, in the order in which they served. O(steps)."""
        wanted = {fact for need in needs for fact in self._used(need)}
        path: list[str] = []
        for step in reversed(self.steps):
            if not wanted.isdisjoint(step.gave):
                wanted = (wanted - set(step.gave)) | set(step.used)
                path += [step.tool] if step.tool is not None else []
        return tuple(reversed(path))

    @property
    def served(self) -> tuple[str, ...]:
        """Name every tool that has served, in order, also those whose work was taken back."""
        return tuple(step.tool for step in self.steps if step.tool is not None)

    def used(self, arc: Arc) -> tuple[str, ...]:
        """Give the facts that a call of an arc uses which is made now."""
        return tuple(fact for need in arc.needs for fact in self._used(need))

    def rests(self, used: Iterable[str]) -> int:
        """Give the writes that a call rests on which uses these facts, its own apart."""
        return mask(self.support.get(fact, 0) for fact in used)

    def _used(self, need: Need) -> list[str]:
        """Give the facts that meet a need; of too many those of the route first, then those that rest on writes."""
        held = [fact for fact in need.of if fact in self.facts]
        return sorted(held, key=lambda fact: (fact in self.aside, not self.support.get(fact, 0)))[: need.least]

    def rest_on(self, leaves: Iterable[str]) -> None:
        """Go on from these of the facts that are held."""
        self.aside = frozenset(self.facts).difference(leaves)

    def hold(self, tool: str | None, used: tuple[str, ...], facts: dict[str, Any], bit: int = 0) -> None:
        """Take the facts that a call gave, its own write among those they rest on; held ones stay as they are."""
        support = self.rests(used) | bit
        new = {fact: value for fact, value in facts.items() if fact not in self.facts}
        self.steps.append(Step(tool, used, tuple(new)))
        self.facts |= new
        self.aside -= new.keys()
        self.support |= dict.fromkeys(new, support)

    def conclude(self, arc: Arc) -> None:
        """Take what follows from facts without a call: the value of the fact it rests on, or of several by name."""
        used = self.used(arc)
        value = self.facts[used[0]] if len(used) == 1 else {fact: self.facts[fact] for fact in used}
        self.hold(None, used, dict.fromkeys(arc.gives, value))

    def take_back(self, bit: int) -> None:
        """Forget a write that was undone, and every fact that rests on it."""
        for write in self.standing(bit):
            self.undone[write.tool] = self.undone.get(write.tool, 0) + 1
        self.writes = [write for write in self.writes if write.bit != bit]
        for fact in [fact for fact, support in self.support.items() if support & bit]:
            del self.facts[fact], self.support[fact]

    def standing(self, which: int) -> Iterator[Write]:
        """Yield the writes of a mask that stand, the latest first."""
        return (write for write in reversed(self.writes) if write.bit & which)


def mask(bits: Iterable[int]) -> int:
    """Join sets of writes."""
    joined = 0
    for one in bits:
        joined |= one
    return joined
