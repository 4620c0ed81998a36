"""Look again at what a case rests on: registries, traces, figures of results, and bounds that follow from their rows.

Nothing that a file says of itself is taken over: a trace's chain and seal are checked and its events judged again by
the registry as it is now; a figure's bar is compared with its value again. Not verified: that a result was measured
as it says, and that a trace was recorded from the system that the case is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.report import Report, check
from harness.bench.case.argument import Case, Element, Finding, Status, worst
from harness.bench.case.results import Result, read_result
from harness.bench.case.weighed import bound_finding
from harness.bench.figures import Figure
from harness.errors import CaseError, Mistake, TamperedTrace, TraceError, UsageError
from harness.registry.complaint import nearest
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.reader import Reader

_NOT_DONE: Final = ("block", "rewrite")


def findings_of(case: Case, folder: Path) -> dict[str, Finding]:
    """Give what each element's own link came to; files are named from ``folder``.

    CaseError lists what is named and not there: a file, a rule, a figure. O(size of what is linked).
    """
    looking, mistakes = _Looking(case, folder), list[Mistake]()
    found: dict[str, Finding] = {}
    for one in case.elements.values():
        if one.linked:
            try:
                found[one.id] = looking.at(one)
            except UsageError as error:
                mistakes += _placed(one, error)
    if mistakes:
        raise CaseError(tuple(mistakes))
    return found


def _placed(one: Element, error: UsageError) -> Iterator[Mistake]:
    """Give an error as a mistake at the part of the link that it is about; ``where`` says ``KEY: value`` for one."""
    key, _, value = error.where.partition(": ")
    if key not in one.link:
        key, value = "", error.where
    what = f"{value}: {error.what}" if value else error.what
    yield one.at.find([one.linked, key] if key else [one.linked]).mistake(what, error.cure)


class _Asked(NamedTuple):
    """A rule that a goal is about, and the registry that states it."""

    registry: Registry
    rule: str


class _Looking:
    """Look at links, each file read once."""

    def __init__(self, case: Case, folder: Path) -> None:
        self._case, self._folder = case, folder
        self._registries: dict[str, Registry] = {}
        self._rules: dict[str, _Asked] = {}
        self._results: dict[Path, Result] = {}

    def at(self, one: Element) -> Finding:
        """Give the finding on one linked element."""
        if one.linked == "rule":
            return self._rule(one)
        if one.linked == "trace":
            return self._trace(one)
        result = self._result(one.link["result"])
        pin = pinned(one.link, result.digest, "the result")
        judged = figure_finding if one.linked == "figure" else bound_finding
        return joined([pin, unmeasured(result), judged(one.link, result)])

    def _rule(self, one: Element) -> Finding:
        asked = self._rules[one.id] = self._asked(one.link)
        rule = asked.registry.invariant(asked.rule)
        assert rule is not None
        facts = {"severity": rule.severity, "otherwise": rule.otherwise, "title": rule.title, "place": rule.place}
        return joined([pinned(one.link, asked.registry.digest, "the registry"), Finding("supported", "", facts)])

    def _asked(self, link: Mapping[str, Any]) -> _Asked:
        name = link["registry"]
        if name not in self._registries:
            beside = self._folder / name
            self._registries[name] = load_registry(beside if beside.is_file() else name)
        registry = self._registries[name]
        if registry.invariant(link["id"]) is None:
            cure = nearest(link["id"], [rule.id for rule in registry.invariants])
            raise UsageError(f"{name} has no rule of that name", where=f"id: {link['id']}", cure=cure)
        return _Asked(registry, link["id"])

    def _trace(self, one: Element) -> Finding:
        path = self._folder / one.link["file"]
        if not path.is_file():
            raise UsageError(
                "no such trace", where=f"file: {one.link['file']}", cure="paths begin at the case's folder"
            )
        # goals are read first; a goal whose rule is not there has been told of by itself
        goals = [goal.id for goal in self._case.elements.values() if one.id in goal.by]
        asked = [self._rules[goal] for goal in goals if goal in self._rules]
        try:
            return trace_finding(path, one.link, asked)
        except TamperedTrace as error:
            return Finding("unsupported", f"not the trace that was written: {error.reason}", {"line": error.line})
        except TraceError as error:
            raise UsageError(error.reason, where=f"file: {one.link['file']}", cure=error.cure) from None

    def _result(self, name: str) -> Result:
        path = self._folder / name
        if path not in self._results:
            self._results[path] = read_result(path)
        return self._results[path]


def joined(findings: Sequence[Finding]) -> Finding:
    """Give several findings on one element as one: the least favourable status, and everything that was told."""
    told = "; ".join(one.told for one in findings if one.told)
    facts = {key: value for one in findings for key, value in one.facts.items()}
    return Finding(worst(list(findings)), told, facts)


def pinned(link: Mapping[str, Any], found: str, what: str) -> Finding:
    """Compare the digest that a link states with the one that was found."""
    stated = link.get("digest", "").removeprefix("sha256:")
    facts = {"digest": f"sha256:{found}"}
    if not stated:
        return Finding("inconclusive", f"{what} is not pinned: digest: sha256:{found}", facts)
    if stated != found:
        return Finding("stale", f"{what} has changed: it is sha256:{found} now", facts)
    return Finding("supported", "", facts)


# --- traces ----------------------------------------------------------------------------------------------------------


def trace_finding(path: Path, link: Mapping[str, Any], asked: Sequence[_Asked]) -> Finding:
    """Check a trace and judge it again by the rules asked; by the verdict it ends with where there are none.

    TamperedTrace and TraceError as from any reading. O(size × registries).
    """
    stopped: set[int] = set()
    verdicts = [_rule_finding(path, one, stopped) for one in asked]
    with open_trace(path) as reader:
        events = sum(1 for _ in reader)
    ends = [] if asked else [_ended(reader)]
    sealed = [] if reader.footer else [Finding("inconclusive", "the run was cut off: the end may be missing")]
    facts = Finding("supported", "", {"events": events})
    return joined([pinned(link, reader.digest, "the trace"), *sealed, *ends, *verdicts, facts])


def _ended(reader: Reader) -> Finding:
    verdict = reader.footer.verdict if reader.footer else "unknown"
    status: dict[str, Status] = {"holds": "supported", "violated": "unsupported"}
    return Finding(status.get(verdict, "inconclusive"), f"verdict {verdict}", {"verdict": verdict})


def _rule_finding(path: Path, asked: _Asked, stopped: set[int]) -> Finding:
    with open_trace(path) as reader:
        report = check(_noting(reader, stopped), asked.registry, reader.header.run)
    tally = report.rules[asked.rule]
    done = tally.violated - _stopped(report, asked.rule, stopped)
    facts = {asked.rule: {"asked": tally.fired, **tally._asdict(), "violated_and_done": done}}
    del facts[asked.rule]["fired"]
    told = f"{asked.rule} was asked {tally.fired}×, violated {tally.violated}×"
    told += f", of which {tally.violated - done} stopped at the door" if tally.violated else ""
    if done:
        return Finding("unsupported", told, facts)
    if tally.unknown or not tally.fired:
        why = f"could not be decided {tally.unknown}×" if tally.unknown else "never spoke in this trace"
        return Finding("inconclusive", f"{asked.rule} {why}", facts)
    return Finding("supported", told, facts)


def _noting(events: Iterable[Event], stopped: set[int]) -> Iterator[Event]:
    """Pass events on, and note the actions that the door did not perform as they were proposed."""
    for event in events:
        if event.kind == "decision" and event.body["decision"] in _NOT_DONE:
            stopped.add(event.body["action"])
        yield event


def _stopped(report: Report, rule: str, stopped: set[int]) -> int:
    return sum(
        finding.seq in stopped
        for finding in report.findings
        if finding.verdict.rule == rule and finding.verdict.truth == "violated"
    )


# --- figures ---------------------------------------------------------------------------------------------------------


def figure_finding(link: Mapping[str, Any], result: Result) -> Finding:
    """Compare a figure with its bar.

    A bar of the result is the suite's, which says what of the figure it is about. A ``target`` of the case is held
    against the whole interval where there is one: between the two it is inconclusive.
    """
    name = link["name"]
    if name not in result.figures:
        where, cure = f"name: {name}", nearest(name, result.figures)
        raise UsageError(f"{link['result']} has no figure of that name", where=where, cure=cure)
    figure = result.figures[name]
    target = link.get("target", "")
    facts = {**figure._asdict(), "target": target or figure.target}
    told = f"{name} is {spoken(figure)}"
    met = _met_by_interval(figure, target) if target else figure.ok
    bar = facts["target"]
    if met is None:
        why = f"its interval reaches past {bar}" if bar else "there is no bar: state a target"
        return Finding("inconclusive", f"{told}; {why}", facts)
    return Finding("supported" if met else "unsupported", f"{told}, {'meets' if met else 'misses'} {bar}", facts)


def _met_by_interval(figure: Figure, target: str) -> bool | None:
    """Tell whether all of an interval meets a bar; None where a part of it does and the value as well."""
    value = figure._replace(target=target).ok
    if not value or figure.interval is None or target.startswith("=="):
        return value
    return True if all(Figure(end, "", None, target).ok for end in figure.interval) else None


def spoken(figure: Figure) -> str:
    """Say a figure with its unit and its interval."""
    unit = "" if figure.unit == "1" else f" {figure.unit}"
    between = f" [{figure.interval[0]:.4g}, {figure.interval[1]:.4g}]" if figure.interval else ""
    return f"{figure.value:.4g}{unit}{between}"


def unmeasured(result: Result) -> Finding:
    """Say how many cells of a result could not be measured, which no figure counts, and that it lacks some."""
    if result.unfinished:
        return Finding("inconclusive", "the run has not come to its end", {"unfinished": True})
    lost = sum("infrastructure" in row for row in result.rows)
    if not lost:
        return Finding("supported")
    return Finding("inconclusive", f"{lost} of {len(result.rows)} cells could not be measured", {"unmeasured": lost})
