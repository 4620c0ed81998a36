"""Results as Markdown: for a pull request, or a file beside the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from harness.bench.report.difference import Difference, Flip, difference
from harness.bench.report.outcome import Outcome, key_of, outcome_of, outcomes_of, shares_by, why_of
from harness.bench.report.runs import run_tables
from harness.bench.report.stored import Stored
from harness.statistics.reliability import Regression

_LISTED: Final = 50
_CODE: Final = re.compile("`[^`|\\n]+`")
_MET: Final = {True: "met", False: "**missed**", None: ""}
_NAMED: Final[Mapping[Outcome, str]] = {
    "passed": "passed",
    "failed": "failed",
    "unmeasured": "could not be measured",
    "unjudged": "without a verdict of their own",
}


def markdown_of(results: Sequence[Stored]) -> str:
    """Give a section for each result, and one for how each later result differs from the first."""
    first, *others = results
    lines = [line for result in results for line in _section(result)]
    for result in others:
        lines += _differing(first, result)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(result: Stored) -> Iterator[str]:
    yield from (f"# {_text(result.label)}", "")
    facts = [f"{named} {found}" for named, found in _made(result.facts) if found is not None]
    counts = [f"{count} {_NAMED[outcome]}" for outcome, count in outcomes_of(result.rows).items() if count]
    yield from (_text(" · ".join([*facts, f"{len(result.rows)} rows: {', '.join(counts) or 'none'}"])), "")
    yield from _table(("figure", "value", "interval", "bar", ""), map(_figure, result.figures, result.figures.values()))
    shares = shares_by(result.rows, "condition")
    if shares:
        lines = ((name, f"{one.passed}/{one.tries}", _range((one.low, one.high))) for name, one in shares.items())
        yield from _table(("condition", "passed", "Wilson's 95 % interval"), lines)
    for table in run_tables(result.rows):
        yield from (f"## {table.title}", "")
        yield from _table(table.heads, (map(_cell, line) for line in table.rows))
    yield from _listed("Failed", result, "failed")
    yield from _listed("Not measured", result, "unmeasured")


def _made(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield by what a result was made; what it does not say is None."""
    manifest = facts.get("manifest")
    suite = manifest.get("suite") if isinstance(manifest, dict) else None
    yield "suite", suite.get("version") if isinstance(suite, dict) else None
    yield "harness", facts.get("version")
    yield "commit", facts.get("commit")
    yield "seed", facts.get("seed")


def _figure(name: str, figure: Mapping[str, Any]) -> tuple[str, ...]:
    unit = figure.get("unit", "1")
    value = f"{figure['value']:.4g}{'' if unit in ('1', '') else f' {unit}'}"
    return f"`{name}`", value, _range(figure.get("interval")), figure.get("target", ""), _MET[figure.get("ok")]


def _listed(title: str, result: Stored, outcome: Outcome) -> Iterator[str]:
    found = [(key_of(row, number), row) for number, row in enumerate(result.rows) if outcome_of(row) == outcome]
    if not found:
        return
    yield from (f"## {title}", "")
    for key, row in islice(found, _LISTED):
        seed = "" if key.seed is None else f", seed {key.seed}"
        why = why_of(row).partition("\n")[0]
        yield f"- {_text(f'{key}{seed}')}{f': {_text(why)}' if why else ''}"
    if len(found) > _LISTED:
        yield f"- … and {len(found) - _LISTED} more"
    yield ""


def _differing(before: Stored, after: Stored) -> Iterator[str]:
    found = difference(before, after)
    yield from (f"# {_text(before.label)} → {_text(after.label)}", "")
    yield f"{len(found.worse)} worse, {len(found.better)} better, {found.alike} as before{_unpaired(found)}."
    yield from ("A flip may be chance: `harness bench compare` tells whether a difference is more than that.", "")
    yield from _table(("figure", "before", "after", "change"), map(_moved, found.figures))
    if found.regressions:
        yield from _table(
            ("rows that before", "", "and now not", "95 %"), map(_lost, found.regressions, found.regressions.values())
        )
    for title, flips in (("Worse", found.worse), ("Better", found.better), ("Other", found.other)):
        if flips:
            yield from (f"## {title}", "", *map(_flip, flips[:_LISTED]))
            if len(flips) > _LISTED:
                yield f"- … and {len(flips) - _LISTED} more"
            yield ""


def _unpaired(found: Difference) -> str:
    sides = (("before", found.only_before), ("after", found.only_after))
    return "".join(f", {len(keys)} only {side}" for side, keys in sides if keys)


def _moved(one: Any) -> tuple[str, ...]:
    before, after = (f"{side['value']:.4g}" if side else "" for side in (one.before, one.after))
    return f"`{one.name}`", before, after, "" if one.change is None else f"{one.change:+.4g}" if one.change else "="


def _lost(name: str, one: Regression) -> tuple[str, ...]:
    share = "" if one.rate is None else f" ({100 * one.rate:.1f} %)"
    return name, str(one.passed), f"{one.lost}{share}", _range(one.interval)


def _flip(flip: Flip) -> str:
    seed = "" if flip.key.seed is None else f", seed {flip.key.seed}"
    return f"- {_text(f'{flip.key}{seed}')}: {flip.before} → {flip.after}"


def _table(heads: Sequence[str], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell if _CODE.fullmatch(cell) else _text(cell) for cell in row)} |"
    yield ""


def _range(ends: Sequence[float] | None) -> str:
    return " … ".join(f"{end:.4g}" for end in ends) if ends else ""


def _cell(cell: str | float) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _text(text: str) -> str:
    """Keep what the data says from being read as markup or as the end of a cell."""
    escaped = "".join(f"\\{char}" if char in "\\`[]<>|_" else char for char in text)
    return " ".join(escaped.split())
