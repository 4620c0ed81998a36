"""Results for the tests of reports: small ones said in full, and large ones with the traces of this repository."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from harness.bench.figures import Figure, counted, report_of
from harness.bench.report.stored import RESULT, Stored
from harness.review.account import Account, Authority, Broken, First

TRACES: Final = sorted((Path(__file__).parents[3] / "traces").glob("*.mat.jsonl"))
FAULTS: Final = ("timeout", "refused", "duplicate", "late", "none")

ROWS: Final[tuple[dict[str, Any], ...]] = (
    {"task": "refund", "group": "desk", "condition": "guarded", "seed": 1, "passed": True, "steps": 9},
    {
        "task": "refund",
        "group": "desk",
        "condition": "bare",
        "seed": 1,
        "passed": False,
        "steps": 4,
        "why": "paid twice",
    },
    {"task": "cancel", "group": "desk", "condition": "guarded", "seed": 1, "correct": True, "steps": 12},
    {"task": "cancel", "group": "desk", "condition": "bare", "seed": 1, "passed": False, "violations": ["CAP", "CAP"]},
    {"task": "weigh", "group": "post", "condition": "guarded", "seed": 1, "grams": 120},
    {"task": "weigh", "group": "post", "condition": "bare", "seed": 1, "infrastructure": "OSError: no scale\nat all"},
)
CAP: Final = First(3, "clerk", "CAP", "high", "tool", "pay", "write payment", "late")
ACCOUNTS: Final = (
    Account("returned", 4, 90, {"read": {"allow": 2}}, {}, None, {"payer": Authority(0, 2)}),
    Account(
        "returned",
        4,
        80,
        {"read": {"allow": 2}, "write payment": {"block": 1}},
        {"CAP": Broken("high", done=False)},
        CAP,
        {"clerk": Authority(1, 4)},
    ),
    Account("returned", 3, 0, {"write payment": {"allow": 1}}, {}, None, {}),
    Account(
        "returned",
        9,
        0,
        {"read": {"allow": 2}, "write payment": {"block": 1, "escalate": 1}},
        {"CAP": Broken("high", done=False), "TONE": Broken("low", done=True)},
        CAP._replace(step=7, agent="payer"),
        {"clerk": Authority(1, 4)},
    ),
)
RUNS: Final[tuple[dict[str, Any], ...]] = tuple(
    {
        "task": f"task {number}",
        "group": "desk",
        "condition": "guarded",
        "seed": 1,
        "passed": number == 0,
        "violations": [*account.violated],
        "account": account.facts(),
    }
    for number, account in enumerate(ACCOUNTS)
)
FIGURES: Final = {
    "correct": counted(2, 4, ">= 2"),
    "seconds": Figure(2.5, "s", (2.25, 3.0), "<= 2"),
    "cost": Figure(0.25, "USD"),
}


def stored(
    rows: Iterable[Mapping[str, Any]] = ROWS,
    figures: Mapping[str, Figure] = FIGURES,
    *,
    name: str = "shop",
    folder: Path = Path("results/shop"),
) -> Stored:
    """Give a result as it is after it was written and read."""
    return Stored(name, folder, json.loads(json.dumps(report_of(name, "1.0.0", figures, rows))))


def write(folder: Path, result: Stored) -> Path:
    """Write a result into a folder, and give that."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULT).write_text(json.dumps(result.facts), encoding="utf-8")
    return folder


def many(rows: int, seed: int = 1) -> Stored:
    """Give a result of many rows, each with a trace; one in five fails, one in a hundred was not measured."""
    chance, made = random.Random(seed), []
    for number in range(rows):
        row: dict[str, Any] = {
            "task": f"task {number // 10}",
            "group": f"group {number % 3}",
            "condition": "guarded" if number % 2 else "bare",
            "seed": number % 10 // 2,
            "fault": FAULTS[number // 2 % len(FAULTS)],
        }
        if number % 100 == 3:
            made.append(row | {"infrastructure": "ConnectionError: no server"})
            continue
        passed = chance.random() < 0.8
        row |= {"passed": passed, "steps": chance.randint(3, 40), "trace": str(TRACES[number % len(TRACES)])}
        made.append(row if passed else row | {"why": "the order was refunded twice", "violations": ["REFUND-LIMIT"]})
    figures = {"correct": counted(sum(row.get("passed", False) for row in made), rows, f">= {rows // 2}")}
    return stored(made, figures)
