"""What the whole door costs for one tool call: intent and outcome written and chained, ten rules checked.

The tool does nothing, so that nothing but the door is timed. The peers record a call of the same tool with the same
arguments and result and check nothing; what each of them does is said in its row.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.append import floor_loop
from benchmarks.speed.measure import Figure, Samples, installed, measured, report, side_by_side, us_per_call
from benchmarks.speed.peers import PEERS, Peer
from harness.door.app import Harness
from harness.ports import Durability

CALLS: Final = 4_000
RULES: Final = Path(__file__).parent / "door.yaml"
ARGUMENTS: Final[dict[str, Any]] = {
    "customer": "ada_lovelace_1815",
    "flight": "HAT136",
    "cabin": "economy",
    "passengers": ["Ada Lovelace", "Charles Babbage"],
    "bags": 3,
    "price_cents": 48_050,
    "insurance": True,
}
RESULT: Final[dict[str, Any]] = {"code": "Q7K2P1", "price_cents": 48_050}


def book(
    customer: str, flight: str, cabin: str, passengers: list[str], bags: int, price_cents: int, insurance: bool
) -> dict[str, Any]:
    """Book nothing."""
    return RESULT


def in_door(folder: str, registry: Path | None, durability: Durability) -> Callable[[], float]:
    """Give the timing of a decorated tool inside a session of its own."""
    app = Harness(registry, durability=durability)
    tool = app.tool(effect="write", idempotent=True)(book)

    def loop(calls: int) -> None:
        for _ in range(calls):
            tool(**ARGUMENTS)

    def timing() -> float:
        with app.session(trace=os.path.join(folder, "door.mat.jsonl")) as session:
            tool(**ARGUMENTS)  # the first call opens the trace
            taken = us_per_call(loop, CALLS)
        assert session.verdict == "holds"
        os.remove(session.trace.path)
        return taken

    return timing


def of_peer(peer: Peer) -> Callable[[], float]:
    """Give the timing of a peer that records the call of the same function."""

    def timing() -> float:
        with peer.opened(book, ARGUMENTS) as loop:
            return us_per_call(loop, CALLS)

    return timing


def rows(taken: dict[str, Samples]) -> list[dict[str, Any]]:
    """Say of each peer what was timed and how it compares, or that it is not installed."""
    described = []
    for peer in PEERS:
        row: dict[str, Any] = {"peer": peer.name, "does": peer.does}
        if peer.name in taken:
            row |= {"us": taken[peer.name].median, "door_ratio": taken["door"].over(taken[peer.name]).median}
        else:
            row |= {"us": None, "door_ratio": None, "skipped": f"{peer.package} is not installed"}
        described.append(row)
    return described


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        floor = floor_loop(folder)
        taken = side_by_side(
            {
                "floor": lambda: us_per_call(floor, CALLS),
                "door": in_door(folder, RULES, "none"),
                "door_without_rules": in_door(folder, None, "none"),
                "door_step": in_door(folder, RULES, "step"),
                **{peer.name: of_peer(peer) for peer in PEERS if installed(peer.package)},
            },
            "us",
        )
    targets = {"door": "< 11"}
    figures: dict[str, Figure] = {f"{name}_us": measured(one, targets.get(name, "")) for name, one in taken.items()}
    figures["door_ratio_floor"] = measured(taken["door"].over(taken["floor"]))
    for peer in PEERS:
        if peer.name in taken:
            figures[f"door_ratio_{peer.name}"] = measured(taken["door"].over(taken[peer.name]), "<= 1")
    report("door", figures, rows(taken))


if __name__ == "__main__":
    main()
