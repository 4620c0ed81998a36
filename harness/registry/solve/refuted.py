"""What refutes a box, written down as it is found, with the ends of the box that it rests on.

Ends that nothing rests on are left out again, so that a cut which did not matter, and the constraints behind it, are
not in the certificate (the idea of conflict analysis).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, NamedTuple

from harness.registry.solve.contract import Contractor

LOW: Final = 0
HIGH: Final = 1

End = tuple[int, int]  # variable, LOW or HIGH
Tree = list[Any]


class Cut(NamedTuple):
    """An end of a box moved because one contractor refutes what is beyond."""

    variable: int
    side: int
    at: float
    before: float
    contractor: int


class Proof(NamedTuple):
    """A tree that refutes a box, and the ends of the box that it rests on."""

    tree: Tree
    rests: frozenset[End]


@dataclass(eq=False)
class Box:
    """A box in the search: where it comes from, how it was narrowed, and what its halves turned out to be."""

    lows: list[float]
    highs: list[float]
    parent: Box | None = None
    side: int = LOW
    depth: int = 0
    cuts: list[Cut] = field(default_factory=list)
    split: tuple[int, float] = (0, 0.0)
    halves: list[Proof | None] = field(default_factory=lambda: [None, None])
    done: bool = False


class Refutations:
    """What is refuted so far: ``proof`` is the refutation of all of the root box once there is one.

    ``revisions`` are those that were taken to find what may be left out, and ``whole_box`` is the root box uncut.
    """

    def __init__(
        self, contractors: tuple[Contractor, ...], whole: frozenset[int], lows: list[float], highs: list[float]
    ) -> None:
        self.proof: Proof | None = None
        self.revisions = 0
        self.whole_box = lows[:], highs[:]
        self._contractors, self._whole, self._lows, self._highs = contractors, whole, lows[:], highs[:]

    def ends(self, variables: frozenset[int]) -> frozenset[End]:
        """Give both ends of some variables."""
        return frozenset((index, side) for index in variables for side in (LOW, HIGH))

    def plain(self, box: Box, place: int) -> Proof:
        """Give the proof that one contractor refutes a box."""
        one = self._contractors[place]
        rests = self._loosened(place, box.lows, box.highs, self.ends(one.clause.variables))
        return Proof(["refuted", one.constraint], rests)

    def _loosened(self, place: int, lows: list[float], highs: list[float], rests: frozenset[End]) -> frozenset[End]:
        """Give the ends that a refutation by one contractor cannot do without."""
        clause, lows, highs, kept = self._contractors[place].clause, lows[:], highs[:], set(rests)
        for index, side in sorted(rests):
            ends, whole = (lows, self._lows) if side == LOW else (highs, self._highs)
            had = ends[index]
            if had != whole[index]:
                ends[index] = whole[index]
                self.revisions += 1
                if clause.narrow(lows, highs, self._whole) is not None:
                    ends[index] = had
                    continue
            kept.discard((index, side))
        return frozenset(kept)

    def refuted(self, box: Box | None, proof: Proof) -> None:
        """Hand a refutation up: over the cuts of its box, then to the box that it is a half of."""
        while box is not None:
            box.done = True
            proof = self._over(box, proof)
            parent = box.parent
            if parent is None:
                self.proof = proof
                return
            if parent.done:
                return
            index, at = parent.split
            if (index, HIGH if box.side == LOW else LOW) in proof.rests:
                parent.halves[box.side] = proof
                low, high = parent.halves
                if low is None or high is None:
                    return
                rests = (low.rests - {(index, HIGH)}) | (high.rests - {(index, LOW)})
                proof = Proof(["split", index, text_of(at), low.tree, high.tree], rests)
            box = parent

    def _over(self, box: Box, proof: Proof) -> Proof:
        """Put the cuts of a box before what refutes the rest of it, but for those that it does not rest on."""
        tree, rests = proof
        lows, highs = box.lows[:], box.highs[:]
        for cut in reversed(box.cuts):
            end = (cut.variable, cut.side)
            (lows if cut.side == LOW else highs)[cut.variable] = cut.before
            if end not in rests:
                continue
            whole = cut.variable in self._whole
            one = self._contractors[cut.contractor]
            slab_lows, slab_highs, refuted = lows[:], highs[:], ["refuted", one.constraint]
            if cut.side == LOW:
                slab_highs[cut.variable] = cut.at - whole
                tree = ["split", cut.variable, text_of(cut.at - whole), refuted, tree]
            else:
                slab_lows[cut.variable] = cut.at + whole
                tree = ["split", cut.variable, text_of(cut.at), tree, refuted]
            needed = self.ends(one.clause.variables) - {(cut.variable, 1 - cut.side)}
            rests = (rests - {end}) | self._loosened(cut.contractor, slab_lows, slab_highs, needed)
        return Proof(tree, rests)


def text_of(value: float) -> str:
    """Give a float as the exact fraction that it is."""
    return str(Fraction(value))
