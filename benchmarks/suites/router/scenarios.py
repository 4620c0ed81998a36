"""The published graphs and what goes wrong in them: nineteen scenarios, and every subset of their tools down."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations
from typing import Final

from .oracle import Case, Kind

GRAPHS: Final[dict[str, tuple[tuple[str, str, int], ...]]] = {
    "CS": (
        ("Start", "CRM", 1),
        ("CRM", "Stripe", 3),
        ("CRM", "Razorpay", 5),
        ("Stripe", "Email", 3),
        ("Stripe", "SMS", 4),
        ("Razorpay", "Email", 3),
        ("Razorpay", "SMS", 4),
        ("Email", "Complete", 1),
        ("SMS", "Complete", 1),
    ),
    "TB": (
        ("Start", "Flight", 3),
        ("Start", "Train", 5),
        ("Flight", "Hotel", 3),
        ("Flight", "Hostel", 4),
        ("Train", "Hotel", 3),
        ("Train", "Hostel", 4),
        ("Hotel", "Car", 3),
        ("Hotel", "Bus", 4),
        ("Hostel", "Car", 4),
        ("Hostel", "Bus", 3),
        ("Car", "Payment", 2),
        ("Bus", "Payment", 2),
        ("Payment", "Confirm", 1),
    ),
    "CM": (
        ("Start", "Text", 2),
        ("Start", "Image", 3),
        ("Start", "Video", 5),
        ("Text", "Toxicity", 2),
        ("Image", "Toxicity", 3),
        ("Video", "Toxicity", 4),
        ("Toxicity", "Human", 5),
        ("Toxicity", "Auto", 2),
        ("Human", "Complete", 1),
        ("Auto", "Complete", 1),
    ),
}
"""Edges in tenths of a cost."""

GOALS: Final = {"CS": "Complete", "TB": "Confirm", "CM": "Complete"}

KINDS: Final[dict[str, dict[str, Kind]]] = {
    "CS": {"Stripe": "undoable", "Razorpay": "undoable", "Email": "final", "SMS": "final"},
    "TB": {
        "Flight": "undoable",
        "Train": "undoable",
        "Hotel": "undoable",
        "Hostel": "undoable",
        "Car": "undoable",
        "Bus": "undoable",
        "Payment": "final",
    },
    "CM": {},
}
"""What a tool is, where it is no read: a charge can be refunded, a booking cancelled, a message not be unsent."""

DOWN: Final[dict[str, tuple[str, ...]]] = {
    "CS-1": (),
    "CS-2": ("Stripe",),
    "CS-3": ("Email",),
    "CS-4": ("Stripe", "Email"),
    "CS-5": ("Stripe", "Razorpay"),
    "CS-6": ("Email", "SMS"),
    "CS-7": ("CRM",),
    "TB-1": (),
    "TB-2": ("Flight",),
    "TB-3": ("Hotel", "Car"),
    "TB-4": ("Flight", "Train"),
    "TB-5": ("Flight", "Hotel", "Car"),
    "TB-6": ("Payment",),
    "CM-1": (),
    "CM-2": ("Text",),
    "CM-3": ("Auto",),
    "CM-4": ("Text", "Auto"),
    "CM-5": ("Text", "Image", "Video"),
    "CM-6": ("Toxicity",),
}
"""The nineteen scenarios: which tools are down, though nobody knows before they are called."""


def case_of(graph: str, down: Iterable[str]) -> Case:
    """Give one of the published graphs with some tools down; a failure is not tried again, as in the paper."""
    return Case(GRAPHS[graph], GOALS[graph], KINDS[graph], dict.fromkeys(down, ("refused",)))


def subsets(graph: str) -> dict[str, tuple[str, ...]]:
    """Give every subset of a graph's tools, by a name that says which are down."""
    tools = case_of(graph, ()).tools
    every = chain.from_iterable(combinations(tools, size) for size in range(len(tools) + 1))
    return {f"{graph} {'+'.join(down) or 'none'}": down for down in every}
