"""What one appended, chained event of 600 bytes costs, against the least that could do it.

The floor sorts and encodes the event with orjson, hashes it into a chain, and writes it through Python's buffered
file. The measured path is the trace writer with the redactor every app has, and the file store, at durability
``none``: nothing but a full buffer is handed to the operating system, on both sides.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson

from benchmarks.speed.measure import Figure, measured, report, side_by_side, us_per_call
from harness.adapters.files import FileStore
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.redaction import Redactor
from harness.trace.writer import Writer

LINE_BYTES: Final = 600
CALLS: Final = 20_000


def body() -> dict[str, Any]:
    """Give the body of an action whose line has 600 bytes."""
    args = {
        "passenger": {"first_name": "Ada", "last_name": "Lovelace", "born": "1815-12-10"},
        "flights": [{"number": "HAT136", "date": "2024-05-20"}, {"number": "HAT039", "date": "2024-05-21"}],
        "cabin": "economy",
        "insurance": True,
        "bags": 2,
        "price_cents": 48_050,
        "remark": "",
    }
    whole = {"surface": "tool", "tool": "book_reservation", "args": args, "rules": ("AIR-CONFIRM", "AIR-BAGS")}
    line = Writer(Header({}, {})).append(Event(10_000, "action", "main", "0", (9_999,), 10**9, whole))
    args["remark"] = ("window seat, vegetarian meal, " * 20)[: LINE_BYTES - len(line)]
    return whole


def floor_loop(folder: str) -> Callable[[int], None]:
    """Give the loop of the floor, which appends so many events to a file of its own."""
    sample = body()

    def loop(calls: int) -> None:
        head = "0" * 64
        with tempfile.TemporaryFile(dir=folder) as file:
            for seq in range(calls):
                event = {
                    "agent": "main",
                    "at": 10**9 + seq,
                    "body": sample,
                    "kind": "action",
                    "parents": (seq - 1,),
                    "prev": head,
                    "seq": seq,
                    "task": "0",
                }
                line = orjson.dumps(event, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
                head = hashlib.sha256(line).hexdigest()
                file.write(line)

    return loop


def append_loop(folder: str, redactor: Callable[[], Redactor | None]) -> Callable[[int], None]:
    """Give the loop of the trace writer and the file store."""
    sample = body()

    def loop(calls: int) -> None:
        writer = Writer(Header({}, {}), redactor())
        store = FileStore(os.path.join(folder, "append.mat.jsonl"))
        for seq in range(calls):
            store.append(writer.append(Event(seq, "action", "main", "0", (seq - 1,), 10**9 + seq, sample)))
        store.close()
        os.remove(store.path)

    return loop


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        loops = {
            "floor": floor_loop(folder),
            "append": append_loop(folder, Redactor),
            "append_without_redaction": append_loop(folder, lambda: None),
        }
        taken = side_by_side({name: partial(us_per_call, loop, CALLS) for name, loop in loops.items()}, "us")
    floor = taken["floor"]
    figures: dict[str, Figure] = {f"{name}_us": measured(samples) for name, samples in taken.items()}
    figures["append_ratio_floor"] = measured(taken["append"].over(floor), "<= 2")
    figures["append_without_redaction_ratio_floor"] = measured(taken["append_without_redaction"].over(floor))
    report("append", figures)


if __name__ == "__main__":
    main()
