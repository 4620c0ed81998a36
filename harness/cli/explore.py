"""``harness replay TRACE --explore-orders N``: which invariants hang on the order in which things happened."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.cli.output import counted, emit
from harness.door.explore import Exploration, explore_orders


def explore(trace: Path, count: int, seed: int, entry: str | None, path: Path | None, *, as_json: bool) -> int:
    """Explore, print what was found, and give the exit code.

    It is 1 where a rule is violated in some order, 3 where no order could be run to its end.
    """
    with redirect_stdout(sys.stderr) if as_json else nullcontext():  # stdout is for the JSON object alone
        found = explore_orders(trace, count, seed=seed, entry=entry, path=path)
    emit(_facts(found), _lines(found), as_json)
    if any(one.violated for one in found.ended):
        return 1
    return 0 if found.ended else 3


def _facts(found: Exploration) -> dict[str, Any]:
    schedules = [asdict(one) | {"violated": sorted(one.violated)} for one in found.schedules]
    return {
        "schedules": schedules,
        "ended": len(found.ended),
        "orders": found.orders,
        "results": found.results,
        "always": list(found.always),
        "dependent": {rule: list(numbers) for rule, numbers in found.dependent.items()},
    }


def _lines(found: Exploration) -> list[str]:
    count = len(found.schedules)
    lines = [f"{counted(count, 'schedule')}, {len(found.ended)} to the end, {counted(found.orders, 'order')} seen"]
    for rule, numbers in found.dependent.items():
        drawn = [number for number in numbers if number >= 0]
        first = f", first in schedule {drawn[0]}" if drawn else ""
        held = "violated in the record too" if -1 in numbers else "not in the record"
        lines.append(f"{rule}  violated in {len(drawn)} of {len(found.ended)}{first}; {held}")
    lines += [f"{rule}  violated in every order" for rule in found.always]
    if not found.dependent:
        lines.append("no invariant hangs on the order")
    if found.results > 1:
        lines.append(f"the agent's result hangs on the order: {found.results} different ones")
    opened = [one for one in found.schedules if one.open]
    if opened:
        lines.append(f"{len(opened)} open, schedule {opened[0].number} first: {opened[0].open}")
    return lines
