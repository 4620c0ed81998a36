"""A workflow with fallbacks written by hand, the way such code is written: one step after another.

A step that has something to fall back on tries it, and the workflow fails when nothing is left. A step without a
fallback is not to stop the rest: its error is logged, and the workflow goes on. Nothing is undone.
"""

from __future__ import annotations

import logging
from typing import Final

from .oracle import Case, End, Outcome
from .world import World

STEPS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "CS": (("CRM",), ("Stripe", "Razorpay"), ("Email", "SMS")),
    "TB": (("Flight", "Train"), ("Hotel", "Hostel"), ("Car", "Bus"), ("Payment",)),
    "CM": (("Text", "Image", "Video"), ("Toxicity",), ("Auto", "Human")),
}
"""The steps of each graph: a tool and what it falls back on."""

_log = logging.getLogger(__name__)


def workflow(graph: str, case: Case, world: World) -> Outcome:
    """Run the workflow of a graph in a world; it is ``served`` if it says so."""
    end: End = "served"
    try:
        for first, *fallbacks in STEPS[graph]:
            if fallbacks:
                _any_of(world, (first, *fallbacks))
            else:
                _or_not(world, first)
    except OSError:
        end = "escalated"
    path, attempts = tuple(world.answered), tuple(world.attempts)
    return Outcome(end, path, attempts, len(attempts) - len(path), 0, (), world.ledger.net())


def _any_of(world: World, tools: tuple[str, ...]) -> None:
    for tool in tools:
        try:
            world.call(tool)
            return
        except OSError as error:
            _log.info("%s: %s", tool, error)
            last = error
    raise last


def _or_not(world: World, tool: str) -> None:
    try:
        world.call(tool)
    except OSError as error:
        _log.info("%s is skipped: %s", tool, error)
