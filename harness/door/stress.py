"""Look for what breaks an agent: search, make small, and keep what was found."""

from __future__ import annotations

import hashlib
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import SUFFIX
from harness.determinism import canonical
from harness.door.agents import entry_folder, entry_name, load_entry
from harness.door.app import Harness
from harness.door.crew import Subject, crew, remembering
from harness.door.shrink import ShrunkTrace, shrink_trace, write_trial
from harness.door.trial import Trials, in_bulk, trials_of
from harness.errors import Divergence, UsageError
from harness.registry.invariant import SEVERITIES
from harness.stress.schedule import Change, Schedule
from harness.stress.search.budget import Budget
from harness.stress.search.memo import Memo
from harness.stress.search.search import Alone, Found, Hands, Method, Searched, search
from harness.stress.search.space import Space
from harness.stress.seen import Seen
from harness.stress.small.shrink import unstable
from harness.tool import MEMORY_READ
from harness.trace.value import encode_value

_GRAVE: Final = frozenset(SEVERITIES[SEVERITIES.index("medium") :])


class Counterexample(NamedTuple):
    """A rule that the agent can be brought to violate.

    ``found`` says by which schedule and after how many runs, ``trace`` is that run, and ``small`` what is left of it.
    Where the same schedule gives another run each time, ``unstable`` says how they differ, and nothing is made smaller.
    """

    found: Found
    trace: str
    small: ShrunkTrace | None
    unstable: str = ""


@dataclass(frozen=True, slots=True)
class Stressed:
    """What came of looking: the counterexamples, one for each rule, and what was searched.

    ``before`` is how many of the runs were known from the database.
    """

    counterexamples: tuple[Counterexample, ...]
    searched: Searched
    before: int


def stress(
    entry: str | Callable[..., Any],
    *,
    app: Harness | None = None,
    registry: str | Path | Sequence[str | Path] | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - as everywhere
    vary: Mapping[str, Sequence[Any]] | None = None,
    budget: int | Budget = 500,
    seed: int = 0,
    method: Method = "guided",
    rules: Sequence[str] = (),
    kinds: Sequence[str] = (),
    before: str | Callable[[], object] | None = None,
    path: str | Path = "",
    jobs: int = 1,
    database: str | Path = "",
    out: str | Path = "runs",
    virtual: bool = True,
    told: Callable[[int, int], None] | None = None,
) -> Stressed:
    """Search for schedules under which an agent violates its rules; make each as small as can be, and keep its trace.

    ``entry``, ``app``, ``registry``, ``input``, ``before``, ``path`` and ``virtual`` are as in ``trial``. ``vary``
    names other values of parts of the input, by JSON pointer. Violations of ``rules`` count, and the search ends when
    each of them is found; of all rules of severity medium or graver where none is named. ``kinds`` are the faults that
    may strike; all of them by default. With ``jobs`` that many processes make the runs, with the same result; they
    import the agent by its name. ``before`` has to be a function of a module. ``database`` is a folder in which the
    same search goes on where it had stopped: the budget counts what is used since then. Traces go to the folder
    ``out``. ``told`` hears after each run how many were made, and how many rules are broken. KeyboardInterrupt ends the
    search; what was found until then is made small and kept. Must not be called inside a running event loop.

    UsageError tells what does not fit before anything runs.
    """
    trials = trials_of(entry, app=app, registry=registry, before=before, path=path, virtual=virtual, measures=True)
    changes = tuple(Change(pointer, value) for pointer, values in (vary or {}).items() for value in values)
    given = dict(input or {})
    for change in (None, *changes):
        trials.given(Schedule(changes=(change,) if change else ()), given)
    wanted = _wanted(trials.app, rules)
    space = Space(_kinds(kinds), _reads(trials.app), changes)
    subject = _subject(trials, entry, registry, given, before, str(path), virtual, str(database))
    options = canonical.digest_of(
        [seed, method, sorted(rules), sorted(kinds), encode_value([list(c) for c in changes])]
    )
    most = Budget(budget) if isinstance(budget, int) else budget
    with _hands(trials, subject, jobs) as (hands, memo):
        known = memo.spent(options) if memo is not None else (0, 0, 0)
        searched = search(
            hands,
            space,
            budget=most.beyond(*known),
            seed=seed,
            method=method,
            wanted=wanted,
            until=frozenset(rules),
            clock=time.monotonic_ns,
            told=told,
        )
        if memo is not None:
            memo.spend(options, searched.runs, searched.calls, searched.tokens)
        found = tuple(_small(trials, one, subject, Path(out)) for one in searched.found)
    return Stressed(found, searched, known[0])


def _files(registry: str | Path | Sequence[str | Path] | None) -> tuple[str, ...]:
    names = () if registry is None else (registry,) if isinstance(registry, str | Path) else registry
    return tuple(map(str, names))


def _wanted(app: Harness, rules: Sequence[str]) -> Callable[[Seen], frozenset[str]]:
    """Give which of the violations in a run count; UsageError for a rule that there is not."""
    known = [rule.id for rule in app.registry.invariants]
    for rule in rules:
        if rule not in known:
            raise UsageError(f"there is no rule {rule!r}", where=app.registry.file, cure=_nearest(rule, known))
    if not known:
        raise UsageError("there are no rules that a run could violate", cure="name some: registry=…, --registry FILE")
    named = frozenset(rules)
    return lambda seen: frozenset(
        one.rule for one in seen.violated if (one.rule in named if named else one.severity in _GRAVE)
    )


def _kinds(kinds: Sequence[str]) -> frozenset[str]:
    known = Space().kinds
    for kind in kinds:
        if kind not in known:
            raise UsageError(f"there is no fault {kind!r} to search with", cure=_nearest(kind, sorted(known)))
    return frozenset(kinds) or known


def _nearest(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"


def _reads(app: Harness) -> frozenset[str]:
    tools = app.registry.tools
    return frozenset({MEMORY_READ.name, *(name for name, spec in tools.items() if spec.effect == "read")})


def _subject(
    trials: Trials,
    entry: str | Callable[..., Any],
    registry: str | Path | Sequence[str | Path] | None,
    given: Mapping[str, Any],
    before: str | Callable[[], object] | None,
    path: str,
    virtual: bool,
    database: str,
) -> Subject:
    function = inspect.unwrap(trials.agent)
    name = entry if isinstance(entry, str) else entry_name(function)
    reset = before if isinstance(before, str) else "" if before is None else entry_name(before)
    if reset:  # what is found is run again by this name, and so is the test of it
        load_entry(reset, path)
    rules, source = trials.app.registry.digest, inspect.getsourcefile(function)
    code = hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
    digest = canonical.digest_of([name, rules, code, reset, virtual, encode_value(dict(given))])
    return Subject(name, path or entry_folder(function), _files(registry), given, reset, virtual, database, digest)


@contextmanager
def _hands(trials: Trials, subject: Subject, jobs: int) -> Iterator[tuple[Hands, Memo | None]]:
    """Give who makes the runs, and what remembers them."""

    def run(schedule: Schedule) -> Seen:
        return trials.run(schedule, subject.input).seen

    remembered, memo = remembering(run, subject.database, subject.digest)
    if jobs == 1:
        with in_bulk():
            yield Alone(remembered), memo
    else:
        with crew(subject, jobs) as hands:
            yield hands, memo


def _small(trials: Trials, found: Found, subject: Subject, out: Path) -> Counterexample:
    """Keep the trace of a counterexample as it was found, and beside it what is left when it is made small."""
    raw = _free(out, found.rule)
    again = trials.run(found.schedule, subject.input)
    write_trial(again, raw)
    if found.rule not in again.seen.rules:
        told = unstable(pointer="/violated", recorded=[found.rule], now=sorted(again.seen.rules))
        return Counterexample(found, str(raw), None, str(told))
    entry, before = inspect.unwrap(trials.agent), subject.before or None
    try:
        small = shrink_trace(
            raw, rule=found.rule, entry=entry, path=subject.path, before=before, virtual=subject.virtual
        )
    except Divergence as error:
        return Counterexample(found, str(raw), None, str(error))
    return Counterexample(found, str(raw), small)


def _free(folder: Path, rule: str) -> Path:
    """Name a trace that is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = "".join(letter if letter.isalnum() else "-" for letter in rule.lower()).strip("-")
    return next(path for number in count(1) if not (path := folder / f"stress-{stem}-{number}{SUFFIX}").exists())
