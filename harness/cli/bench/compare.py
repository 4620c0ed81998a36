"""``harness bench compare BASELINE CANDIDATE``: whether what changed is real, or noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from harness.bench.compare import Bars, Comparison, Line, Plan, compared, sources_of
from harness.bench.pairing import Pairing, Report, paired, read_report
from harness.cli import INCONCLUSIVE, OK, VIOLATION
from harness.cli.options import AsJson
from harness.cli.output import console, counted, emit
from harness.cli.tables import plain_table, print_table
from harness.statistics.gate import Answer
from harness.statistics.interval import Interval, wilson

_CODES: Final[dict[Answer, int]] = {"better or equal": OK, "worse": VIOLATION, "inconclusive": INCONCLUSIVE}
_SHOWN: Final = 10  # tasks of a condition that are told of one by one
_NAMED: Final = 3  # conditions of which the same is told


def command(
    baseline: Annotated[Path, typer.Argument(metavar="BASELINE", help="A stored result, or its folder.")],
    candidate: Annotated[Path, typer.Argument(metavar="CANDIDATE", help="The one to judge.")],
    alpha: Annotated[float, typer.Option(metavar="SHARE", help="How often a false answer is allowed.")] = 0.05,
    margin: Annotated[float, typer.Option(metavar="SHARE", help="The loss of tasks that would not matter.")] = 0.05,
    beyond: Annotated[
        bool, typer.Option("--beyond", help="Answer for all tasks like these, of which these are a sample.")
    ] = False,
    no_chance: Annotated[
        bool, typer.Option("--no-chance", help="Every run of a task is the same: no task may be lost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether the candidate is worse than the baseline, and which tasks flipped.

    Exit 0 where it is better or equal, 1 where it is worse, 3 where the runs do not suffice to say, 2 where the two are
    not the same suite, version and tasks.
    """
    before, after = read_report(baseline), read_report(candidate)
    bars = Bars(alpha, margin, not no_chance, beyond)
    pairing = paired(before, after)
    found = compared(pairing, bars)
    if as_json:
        emit(_facts(before, after, pairing, bars, found), [], as_json=True)
    else:
        _print(before, after, pairing, bars, found)
    raise typer.Exit(_CODES[found.answer])


# --- for programs -----------------------------------------------------------------------------------------------------


def _facts(before: Report, after: Report, pairing: Pairing, bars: Bars, found: Comparison) -> dict[str, Any]:
    return {
        "answer": found.answer,
        "bars": bars._asdict(),
        "baseline": before.facts | {"variance": dict(sources_of(before))},
        "candidate": after.facts | {"variance": dict(sources_of(after))},
        "alone": pairing.alone,
        "lines": [_line_facts(line) for line in found.lines],
        "rules": [
            rule._asdict()
            | {"before_interval": wilson(rule.before, rule.runs), "after_interval": wilson(rule.after, rule.runs)}
            for rule in found.rules
        ],
        "effort": [one._asdict() for one in found.effort],
        "plans": [plan._asdict() for plan in found.plans],
    }


def _line_facts(line: Line) -> dict[str, Any]:
    seen, (ratio, (low, high)) = line.flips, line.odds
    several = line.several and {"k": line.several[0], "success_at_k": line.several[1], "pass_k": line.several[2]}
    return {
        "condition": line.condition,
        "group": line.group,
        "tasks": line.tasks,
        "runs": seen.pairs,
        "before": line.before,
        "after": line.after,
        "difference": line.difference,
        "interval": line.interval,
        "p_holm": line.p,
        "odds_ratio": ratio,
        "odds_interval": (low, None if math.isinf(high) else high),
        "flips": {"negative": seen.negative, "positive": seen.positive, "inconsistency": seen.inconsistency},
        "changes": line.changes,
        "several": several,
        "beyond": line.beyond and line.beyond._asdict(),
        "answer": line.answer,
    }


# --- for people -------------------------------------------------------------------------------------------------------


def _print(before: Report, after: Report, pairing: Pairing, bars: Bars, found: Comparison) -> None:
    out = console()
    out.print(f"{found.answer}: {_reason(bars, found)}", style="bold", markup=False)
    print_table(out, _table(before.name, found))
    details = (
        _changes(found),
        _rules(found),
        _effort(found),
        _variance(before, after),
        _left_out(before, after, pairing),
    )
    for texts in (*details, _next(bars, found), _seen(after, pairing)):
        for text in texts:
            out.print(text, markup=False)


def _table(name: str, found: Comparison) -> Table:
    table = plain_table(name)
    for column in ("condition", "tasks", "right", "difference", "95 %", "p (Holm)", "lost", "gained", "answer"):
        table.add_column(column, no_wrap=True)
    for line in found.lines:
        seen = line.flips
        table.add_row(
            line.condition if line.group is None else f"  {line.group}",
            str(line.tasks),
            f"{_percent(line.before)} → {_percent(line.after)}",
            _points(line.difference),
            _between(line.interval),
            "" if line.p is None else f"{line.p:.3g}",
            str(seen.lost),
            str(seen.gained),
            line.answer,
        )
    return table


def _changes(found: Comparison) -> Iterator[str]:
    for line in found.lines:
        if line.group is not None:
            continue
        for task, (before, after, runs) in list(line.changes.items())[:_SHOWN]:
            times = "" if runs == 1 else f"  {before} → {after} of {runs}"
            yield f"{'lost' if after < before else 'gained'}  {line.condition}  {task}{times}"
        if len(line.changes) > _SHOWN:
            yield f"and {len(line.changes) - _SHOWN} more of {line.condition}; --json names all"
        if line.flips.changed:
            yield f"{line.condition}: {counted(line.flips.changed, 'run')} wrong both times, in another way"
        if line.several:
            runs, some, every = line.several
            every_time = f"{_percent(every[0])} → {_percent(every[1])} right in all of {runs}"
            yield f"{line.condition}: {every_time}, {_percent(some[0])} → {_percent(some[1])} in any"
        if line.beyond:
            yield f"{line.condition}: of all tasks like these  {_between(line.beyond.interval)}  {line.beyond.answer}"


def _left_out(before: Report, after: Report, pairing: Pairing) -> Iterator[str]:
    for report in (before, after):
        if report.broken:
            yield f"{report.path}: {counted(report.broken, 'cell')} could not be measured"
    if pairing.alone:
        yield f"{counted(pairing.alone, 'row')} without a partner, left out"


def _rules(found: Comparison) -> Iterator[str]:
    for rule, before, after, runs, p in found.rules:
        yield f"violated  {rule}  {before} → {after} of {runs} runs, p = {p:.3g} (false discoveries)"


def _effort(found: Comparison) -> Iterator[str]:
    for condition, what, before, after, interval in found.effort:
        between = f" ({interval.low:+.4g} … {interval.high:+.4g})" if interval else ""
        if before != after:
            yield f"{condition}: {what} of a run {before:.4g} → {after:.4g}{between}"


def _variance(before: Report, after: Report) -> Iterator[str]:
    for said, report in (("baseline", before), ("candidate", after)):
        parts = sources_of(report)
        whole = math.fsum(one.variance or 0.0 for one in parts)
        if whole:
            known = [f"{name} {_percent(one / whole)}" for name, one in parts if one is not None]
            unknown = [name for name, one in parts if one is None]
            apart = f"; not told apart: {', '.join(unknown)}" if unknown else ""
            yield f"variance of the {said}: {', '.join(known)}{apart}"


def _reason(bars: Bars, found: Comparison) -> str:
    if not bars.chance:
        return "a task was lost" if found.answer == "worse" else "no task was lost"
    sure = f"error at most {_percent(bars.alpha)}"
    asked = "all tasks like these" if bars.beyond else "these tasks"
    if found.answer == "worse":
        line = next(line for line in found.lines if line.answer == "worse")
        where = line.condition if line.group is None else f"{line.condition}, {line.group}"
        tasks = counted(line.tasks, "task")
        of = f"{tasks} that stand for all like them" if bars.beyond else f"these {tasks}"
        return f"{where} gets {_percent(line.after)} right, before {_percent(line.before)}, of {of} ({sure})"
    if found.answer == "better or equal":
        return f"no condition loses {_percent(bars.margin)} of {asked} or more ({sure})"
    whose = _some([plan.condition for plan in found.plans])
    return f"{whose}: a loss of {_percent(bars.margin)} of {asked} can neither be shown nor ruled out ({sure})"


def _next(bars: Bars, found: Comparison) -> Iterator[str]:
    """Say what would decide."""
    wholes = [line for line in found.lines if line.group is None]
    if found.plans and not any(line.changes or line.several or line.flips.changed for line in wholes):
        yield "nothing changed: if nothing in this suite depends on chance, --no-chance decides"
    said: dict[str, list[str]] = {}
    for plan in found.plans:
        for text in _planned(bars, plan):
            said.setdefault(text, []).append(plan.condition)
    for text, conditions in said.items():
        yield f"{_some(conditions)}: {text}"


def _planned(bars: Bars, plan: Plan) -> Iterator[str]:
    if plan.worse:
        yield f"if it goes on as now, worse after about {_more(bars, plan, plan.worse)}"
    kept = f"about {_more(bars, plan, plan.kept)}" if plan.kept else "more than 10,000 runs"
    yield f"if nothing is lost in truth, better or equal after {kept}"


def _more(bars: Bars, plan: Plan, runs: int) -> str:
    if bars.beyond:
        return f"{runs} tasks (80 % sure to show it)"
    each = math.ceil(runs / plan.tasks)
    return f"{each} runs of each task, as by --seeds {each}, or {runs} tasks (80 % sure to show it)"


def _seen(after: Report, pairing: Pairing) -> Iterator[str]:
    """Name the trace of a run that was lost, of the task that lost most."""
    lost = [
        (sum(pair.difference for pair in pairs), pair.after["trace"])
        for tasks in pairing.conditions.values()
        for pairs in tasks.values()
        for pair in pairs
        if pair.difference < 0 and pair.after.get("trace")
    ]
    if lost and after.path.is_dir():
        _, trace = min(lost, key=lambda one: one[0])
        yield f"see one that was lost: harness show {after.path / trace}"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.3g}"


def _between(interval: Interval | None) -> str:
    return f"{_points(interval.low)} … {_points(interval.high)}" if interval else ""
