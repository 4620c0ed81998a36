"""Record every small agent of ``tests/conformance`` under load, replay it elsewhere, and print what came out equal.

::

    python -m benchmarks.conformance.run --times 50 [--only NAME…] [--json]

Each of the ``--times`` runs of an agent is a recording of its own, with delays of its own, made while both cores are
kept busy and a thread beside the agent fights for the interpreter. The recordings are replayed in fresh processes with
an empty environment, each under another hash seed. A row says how many replays were equal, in digest and in result, or
by what name the construct is refused; a replay that claims to be equal and has another result is counted as silent.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.load import busy
from benchmarks.speed.measure import Figure, report
from tests.conformance.campaign import Broken, Facts, complaint, misrecorded, record, replay, strict, unrefused
from tests.conformance.catalogue import Case, cases

PROCESSES: Final = 3  # fresh ones for the replays of one agent
_MAX_TEXT: Final = 300


class Row(NamedTuple):
    """What came out for one agent: ``equal`` of ``runs`` replays, and the first promise that was broken."""

    case: Case
    runs: int
    equal: int
    silent: int
    refused: str
    broken: str

    def facts(self) -> dict[str, Any]:
        """Give the row as it is reported."""
        return {
            "construct": self.case.name,
            "equal": f"{self.equal}/{self.runs}",
            "promise": self.case.promise,
            "refused": self.refused,
            "broken": self.broken[:_MAX_TEXT],
        }


def main() -> None:
    """Read the command line, run, report, and leave with 1 where a promise was broken."""
    options = _options()
    chosen = [case for case in cases() if not case.missing and (not options.only or _named(case, options.only))]
    with busy(options.load), ThreadPoolExecutor(options.jobs) as pool:
        rows = []
        for row in pool.map(lambda case: examine(case, options.times), chosen):
            print(f"{row.case.name:45} {row.equal}/{row.runs}  {row.broken[:_MAX_TEXT]}", file=sys.stderr, flush=True)
            rows.append(row)
    report("conformance", _figures(rows), [row.facts() for row in rows if not options.brief or row.broken])
    sys.exit(1 if any(row.broken for row in rows) else 0)


def examine(case: Case, times: int) -> Row:
    """Record one agent so many times, replay each recording once, and hold it against its promise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            recorded = {facts["trace"]: facts for facts in record(folder, times, [case.name], timeout=_patience(times))}
        except Broken as error:
            return Row(case, times, 0, 0, "", str(error))
        found = [misrecorded(case, facts) for facts in recorded.values()]
        replays = _replays(case, [folder / trace for trace in recorded])
        for number, facts in replays:
            found.append(
                complaint(case, recorded[facts["trace"]], facts, number) if "trace" in facts else facts["died"]
            )
        refused, unkept = _refused(case, folder)
    equal = sum(bool(facts.get("equal")) for _, facts in replays)
    silent = sum(what.startswith("silently") for what in found)
    return Row(case, times, equal - silent, silent, refused, next(filter(None, [*found, unkept]), ""))


def _replays(case: Case, traces: list[Path]) -> list[tuple[str, Facts]]:
    """Replay a share of the traces in each of several processes; what kept its seed promise is replayed under it."""
    found: list[tuple[str, Facts]] = []
    for number in range(PROCESSES):
        hash_seed = "0" if case.promise == "hash seed" and number == 0 else str(number + 1)
        share = traces[number::PROCESSES]
        if not share:
            continue
        try:
            found += [(hash_seed, facts) for facts in replay(share, hash_seed, timeout=_patience(len(share)))]
        except Broken as error:
            found += [(hash_seed, facts) for facts in error.printed] + [(hash_seed, {"died": str(error)})]
    return found


def _patience(runs: int) -> float:
    return 60 + 4 * runs


def _refused(case: Case, folder: Path) -> tuple[str, str]:
    """Give by what words a strict app refuses the agent, and what is wrong with that."""
    if not case.door:
        return "", ""
    try:
        facts = strict(folder, [case.name])[0]
    except Broken as error:
        return "", str(error)
    return facts["refused"] or "", unrefused(case, facts)


def _figures(rows: list[Row]) -> dict[str, Figure]:
    kept = [row for row in rows if not row.broken]
    whole = [row for row in rows if row.case.promise in ("equal", "observed")]
    said = Counter(row.case.promise for row in rows)
    return {
        "constructs": Figure(len(rows), "1", target=">= 40"),
        "promises_broken": Figure(len(rows) - len(kept), "1", target="<= 0"),
        "replays": Figure(sum(row.runs for row in whole), "1"),
        "replays_equal": Figure(sum(row.equal for row in whole), "1", target=f">= {sum(row.runs for row in whole)}"),
        "silently_different": Figure(sum(row.silent for row in rows), "1", target="<= 0"),
        "refused_by_name": Figure(sum(bool(row.refused) for row in rows), "1"),
        "hang_on_hash_seed": Figure(said["hash seed"], "1"),
    }


def _named(case: Case, names: list[str]) -> bool:
    return any(case.name == name or case.name.startswith(f"{name}.") for name in names)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50, help="recordings of each agent, each replayed once")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some agents, as module or module.function")
    parser.add_argument("--load", type=int, default=2, help="processes that only keep the cores busy")
    parser.add_argument("--jobs", type=int, default=2, help="agents examined at the same time")
    parser.add_argument("--brief", action="store_true", help="list only broken promises")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
