"""What there is to do at the desk: letters, and what has to be filed under what when they are done.

Whether a task is done is told by what is filed, and not by what anybody says.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from .desk import FARES, PRICES, SHELVES


class Task(NamedTuple):
    """A letter, and all that is filed once it is done rightly."""

    name: str
    letter: str
    filed: Mapping[str, Any]


def _bill(customer: str, **items: int) -> Task:
    asked = ", ".join(f"{count} {item}" for item, count in items.items())
    cents = sum(count * PRICES[item] for item, count in items.items())
    return Task(f"bill {customer}", f"Bill {customer} for {asked}.", {f"Bill {customer}": cents})


def _fill(number: int, shelf: str, **items: int) -> Task:
    asked = ", ".join(f"{count} {item}" for item, count in items.items())
    missing = {item: count - SHELVES[shelf][item] for item, count in items.items()}
    return Task(f"fill {shelf} {number}", f"Fill {shelf} up to {asked}.", {f"Fill {shelf}": missing})


def _book(customer: str, *cities: str) -> Task:
    legs = list(pairwise(cities))
    asked = ", ".join(f"from {origin} to {destination}" for origin, destination in legs)
    return Task(f"book {customer}", f"Book {customer} {asked}.", {f"Book {customer}": sum(FARES[leg] for leg in legs)})


TASKS: Final = (
    _bill("Baker", mug=3, lamp=2),
    _bill("Chen", desk=1, chair=4),
    _bill("Diaz", clock=12),
    _bill("Evans", rug=2, mug=24, lamp=6),
    _bill("Fischer", chair=6, desk=2),
    _bill("Garcia", lamp=15),
    _bill("Haddad", mug=8, clock=3, rug=5),
    _bill("Ito", desk=3, rug=3),
    _fill(1, "Lyon", mug=40, lamp=42),
    _fill(2, "Lyon", clock=9),
    _fill(3, "Lyon", chair=20, rug=15, desk=6),
    _fill(4, "Lyon", rug=31, mug=18),
    _fill(1, "Oslo", lamp=25, clock=22),
    _fill(2, "Oslo", mug=60),
    _fill(3, "Oslo", desk=8, chair=14, lamp=10),
    _fill(4, "Oslo", chair=33, rug=20),
    _book("Jansen", "Lyon", "Oslo"),
    _book("Kim", "Lyon", "Oslo", "Rome"),
    _book("Lopez", "Rome", "Lyon"),
    _book("Moreau", "Rome", "Oslo", "Lyon", "Rome"),
    _book("Novak", "Oslo", "Rome"),
    _book("Okafor", "Oslo", "Lyon", "Oslo"),
    _book("Patel", "Lyon", "Rome", "Lyon", "Oslo"),
    _book("Quinn", "Rome", "Lyon", "Rome"),
)
