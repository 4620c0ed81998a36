"""Random tool graphs with random failures: what the router does must be what the oracle foretells.

``python -m benchmarks.fuzz.routes.campaign [--count 20000] [--seed S] [--only N] [--json]``. Every case is a real app
in a real session with a trace of its own. Of each the law is asked (the writes that stand are those that the goal rests
on, none twice; every failure ends as exactly one of retry, reroute, settle, escalate; no plan is cheaper than
possible). Small graphs have to go as foretold, call for call: every plan's cost, every failure's end, the world.

=========== ============== ====================================================================
kind        share          what is compared
=========== ============== ====================================================================
small       34 of 40       everything, by the oracle
answers     1 of 40        the same, with a ledger in SQLite; some writes commit and then time out
parallel    3 of 40        the law, on all sizes; the world too, where nothing failed
large       2 of 40        the law, on 50 to 300 arcs
=========== ============== ====================================================================

One trace in twenty is replayed and has to come out equal. Where the rules leave a choice (``loose``) the law alone is
asked for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks.fuzz.routes.case import Case
from benchmarks.fuzz.routes.check import differences, plans
from benchmarks.fuzz.routes.graphs import large, lost_answers, small, wide
from benchmarks.fuzz.routes.oracle import Told, foretell
from benchmarks.fuzz.routes.real import Happened, again, travel
from benchmarks.fuzz.routes.shrink import shrunk
from benchmarks.fuzz.routes.world import Sqlite
from benchmarks.speed.measure import SEED, Figure, report
from harness.errors import Divergence

_SHOWN: Final = 10
_FORETOLD: Final = 12  # arcs
_REPLAYED: Final = 20


class Ran(NamedTuple):
    """One case that was run: what was foretold of it and happened, and every difference."""

    told: Told | None
    happened: Happened | None
    wrong: list[str]


def draw(seed: int, number: int) -> tuple[str, Case]:
    """Give the kind and the case of a number."""
    random = Random(f"{seed}:{number}")
    match number % 40:
        case 7:
            return "answers", lost_answers(random)
        case 17 | 27 | 37:
            case = random.choice((small, wide, large))(random)
            cool_ms = 20 if case.choice == "wait" else case.cool_ms  # several calls at once need a clock that goes
            return "parallel", case._replace(parallel=random.choice((2, 8)), wait_ms=0, cool_ms=cool_ms)
        case 9 | 29:
            return "large", large(random)
        case _:
            return "small", small(random)


def run(kind: str, case: Case, folder: Path, *, replayed: bool = False) -> Ran:
    """Run a case in a folder and compare; whatever it raises is a difference too."""
    trace, base = folder / "case.jsonl", folder / "ledger.db"
    told = happened = None
    ledger = Sqlite(str(base)) if kind == "answers" else None
    try:
        told = None if len(case.ways) > _FORETOLD else foretell(case)
        happened = travel(case, trace, ledger)
        wrong = differences(case, told if case.parallel == 1 else None, happened)
        if case.parallel > 1 and told is not None:
            wrong += _other_world(told, happened)
        if replayed and (performed := again(case, trace)):
            wrong.append(f"the replay called {performed}")
    except Divergence as error:
        wrong = [f"the replay is not equal: {error}"]
    except Exception as error:  # noqa: BLE001 - whatever it raises is what was looked for
        wrong = [f"raised {type(error).__name__}: {error}"]
    finally:
        if ledger is not None:
            ledger.close()
        for left in folder.iterdir():
            left.unlink()
    return Ran(told, happened, wrong)


def _other_world(told: Told, happened: Happened) -> list[str]:
    """Compare the worlds of one call at a time and of several at once, where nothing failed and time was no matter."""
    net = happened.world.ledger.net()
    if told.failures or happened.world.failed or told.net == net or happened.world.case.deadline_ms is not None:
        return []
    return [f"net: {told.net} one call at a time, {net} with several at once"]


def main() -> None:
    """Run so many cases; leave with 1 where there was a difference, each shown as a small case."""
    options = _options()
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count) if options.only is None else [options.only]:
            kind, case = draw(options.seed, number)
            replayed = number % _REPLAYED == 3
            ran = run(kind, case, Path(folder), replayed=replayed)
            _count(counts, kind, ran, replayed=replayed)
            if ran.wrong and len(rows) < _SHOWN:
                rows.append(_row(number, kind, case, ran, Path(folder), whole=options.whole))
    figures = {name: Figure(count, "1") for name, count in sorted(counts.items())}
    figures["differences"] = Figure(counts["differences"], "1", target="<= 0")
    figures["seconds"] = Figure(time.perf_counter() - start, "s")
    report("routes", figures, rows, seed=options.seed)
    sys.exit(1 if counts["differences"] else 0)


def _row(number: int, kind: str, case: Case, ran: Ran, folder: Path, *, whole: bool) -> dict[str, Any]:
    """Show a difference by the smallest case that begins to differ in the same word."""

    def wrong(one: Case) -> list[str]:
        return run(kind, one, folder, replayed="replay" in ran.wrong[0]).wrong

    def same(one: Case) -> bool:
        return [text.split()[0] for text in wrong(one)[:1]] == [ran.wrong[0].split()[0]]

    smallest = case if whole else shrunk(case, same)
    return {"number": number, "kind": kind, "wrong": "; ".join(wrong(smallest) or ran.wrong), "case": repr(smallest)}


def _count(counts: Counter[str], kind: str, ran: Ran, *, replayed: bool) -> None:
    """Count what a case was about, so that it is seen that the campaign was about something."""
    counts["cases"] += 1
    counts[f"cases_{kind}"] += 1
    counts["differences"] += bool(ran.wrong)
    counts["replayed"] += replayed
    if ran.told is not None:
        counts["loose"] += bool(ran.told.loose)
        counts["foretold_call_for_call"] += not ran.told.loose and ran.happened is not None and kind != "parallel"
    if ran.happened is None:
        return
    happened, does = ran.happened, Counter(_disposals(ran.happened))
    case = happened.world.case
    counts[f"end_{happened.end.replace(' ', '_')}"] += 1
    counts["calls"] += len(happened.world.calls)
    counts["failures"] += len(happened.world.failed)
    counts["plans"] += len(plans(happened))
    counts["undone"] += any(name.startswith("un_") for name in happened.world.served)
    for name in ("retry", "reroute", "settle", "escalate"):
        counts[f"failure_{name}"] += does[name]
    if happened.end == "served":
        counts["served_after_reroute"] += bool(does["reroute"])
        counts["served_after_undo"] += any(name.startswith("un_") for name in happened.world.served)
        counts["served_after_settle"] += bool(does["settle"])
        counts["served_by_another_goal"] += happened.goal != case.goal
    counts["domain_barred"] += any("of its domain is down" in str(event.body) for event in happened.events)
    counts["failed_by_commit_then_no_answer"] += any(
        {"late", "cut"} & set(case.tools[name].does) for name in happened.world.failed if name in case.tools
    )
    for fault in sorted({does for tool in case.tools.values() for does in tool.does} - {"ok"}):
        counts[f"with_{fault}"] += 1


def _disposals(happened: Happened) -> list[str]:
    return [event.body["does"] for event in happened.events if event.kind == "route" and "after" in event.body]


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="how many cases")
    parser.add_argument("--seed", type=int, default=SEED, help="what the cases are made from")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this case alone")
    parser.add_argument("--whole", action="store_true", help="show cases as they are, not made smaller")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
