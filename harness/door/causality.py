"""What leads to what in an agent and its world: each fault by itself, in each test, beside a twin without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import SUFFIX, read_text
from harness.determinism import canonical
from harness.door.app import Harness
from harness.door.holding import Holding
from harness.door.shrink import write_trial
from harness.door.trial import Trial, Trials, trials_of
from harness.errors import UsageError
from harness.faults.file import load_faults, plan_of
from harness.faults.plan import KINDS, Fault, Plan, surfaces_of
from harness.registry.complaint import nearest
from harness.stress.causes.calls import Told, calls_of
from harness.stress.causes.causality import LONGEST, Causes, causes_of
from harness.stress.causes.causality import Path as Way
from harness.stress.causes.effects import SLOW_MS, Effect, Site, effects_of
from harness.stress.causes.twin import Twin, own_calls, twin_of
from harness.stress.schedule import Schedule

TRIED: Final = ("error", "timeout", "delay", "duplicate", "empty", "MS")
"""The kinds of faults that are tried where nothing else is said: one for each kind of effect that can be one."""


class Confirmed(NamedTuple):
    """A run that goes all the way round a cycle: its test, the faults that set it off, and how many times it does."""

    test: str
    faults: tuple[str, ...]
    rounds: int


class Found(NamedTuple):
    """What single-fault runs came to.

    ``confirmed`` says of each cycle, in their order, which run shows all of it; None where none was found.
    ``unsteady`` is what two clean runs of a test differ in: it is counted as no effect. ``runs`` is how many were made,
    ``untried`` how many faults the budget left out. ``traces`` are those of runs that show a part of a cycle, by test
    and fault, where they were kept.
    """

    causes: Causes
    confirmed: tuple[Confirmed | None, ...]
    twins: tuple[Twin, ...]
    unsteady: Mapping[str, tuple[Site, ...]]
    runs: int
    untried: int
    traces: Mapping[tuple[str, str], str]


class _Test(NamedTuple):
    name: str
    input: Mapping[str, Any]
    clean: Trial
    under: Mapping[str, Any]
    unsteady: frozenset[Site]


def find_causes(
    entry: str | Callable[..., Any],
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    app: Harness | None = None,
    faults: str | Path | Plan | None = None,
    kinds: Sequence[str] = TRIED,
    holds: Mapping[str, str] | None = None,
    confirm: Mapping[str, Mapping[str, Any]] | None = None,
    before: str | Callable[[], object] | None = None,
    path: str | Path = "",
    virtual: bool = True,
    budget: int = 1000,
    slow_ms: float = SLOW_MS,
    longest: int = LONGEST,
    out: str | Path | None = None,
) -> Found:
    """Run an agent under one fault at a time, in each of some tests, and stitch what those lead to.

    ``inputs`` are the tests: the agent's input by the test's name; one without input if none are given. ``faults`` is a
    plan, or its file, of which each fault is tried by itself; without one each of ``kinds`` strikes each call that the
    clean run makes. ``holds`` are more conditions, by name, in the language of rules, over ``call``, ``agent`` and
    ``input``. Cycles are looked for in these tests only, and confirmed in them and those of ``confirm``, which may have
    all parts of one at once; the traces of runs that show a part of one go to the folder ``out``, if one is named. At
    most ``budget`` runs are made. ``entry``, ``app``, ``before``, ``path`` and ``virtual``
    are as in ``harness.door.trial``. UsageError for a kind that there is not, and for a condition that is none.
    """
    kinds = _checked(kinds)
    trials = trials_of(entry, app=app, before=before, path=path, virtual=virtual)
    study = _Study(trials, Holding(trials.app.registry.tools, holds or {}), slow_ms, budget)
    plan = faults if isinstance(faults, Plan | None) else load_faults(read_text(faults), str(faults))
    tests = [study.test(name, given) for name, given in (inputs or {"": {}}).items()]
    wanted = _in_turn([_faults_of(test.clean, plan, kinds) for test in tests])
    twins = [study.twin(tests[number], fault) for number, fault in wanted[: study.left]]
    causes = causes_of(twins, longest)
    places = [*tests, *(study.test(name, given) for name, given in (confirm or {}).items() if causes.cycles)]
    confirmed = tuple(study.confirmed(way, places, twins) for way in causes.cycles)
    unsteady = {test.name: tuple(sorted(test.unsteady)) for test in tests if test.unsteady}
    traces = {} if out is None else study.kept(causes.cycles, tests, twins, Path(out))
    return Found(causes, confirmed, tuple(twins), unsteady, study.runs, len(wanted) - len(twins), traces)


def _checked(kinds: Iterable[str]) -> tuple[str, ...]:
    kinds = tuple(kinds)
    for kind in kinds:
        if kind not in KINDS:
            cure = nearest(kind, KINDS) or f"take of {', '.join(KINDS)}"
            raise UsageError(f"there is no kind of fault {kind!r}", cure=cure)
    return kinds


def _faults_of(clean: Trial, plan: Plan | None, kinds: Sequence[str]) -> list[Fault]:
    """Give the faults to try in a test, those that strike early calls first."""
    if plan is not None:
        return list(plan.faults)
    calls = sorted(calls_of(clean.events), key=lambda one: one.nth)
    wanted = [(kind, one) for one in calls for kind in kinds if one.event.body["surface"] in surfaces_of(kind)]
    said = [_stated(kind, one) for kind, one in wanted if one.came != "refused"]
    return list(plan_of({"faults": "tried", "inject": said}).faults)


def _stated(kind: str, call: Told) -> dict[str, Any]:
    """State the fault that strikes one call of the clean run."""
    body = call.event.body
    said = {"fault": kind, "name": f"{kind} at {call.where} {call.nth}", "tool": escape(body["tool"]), "nth": call.nth}
    if call.where == body["tool"]:
        return said
    return said | {"when": f"call.args.to == {canonical.encode(body['args']['to']).decode()}"}


def _in_turn(wanted: Sequence[Sequence[Fault]]) -> list[tuple[int, Fault]]:
    """Give the faults of all tests, the first ones of each before the second ones, with the test's number."""
    most = max(map(len, wanted))
    return [
        (number, faults[place]) for place in range(most) for number, faults in enumerate(wanted) if place < len(faults)
    ]


class _Study:
    """Make the runs, and count them."""

    def __init__(self, trials: Trials, holding: Holding, slow_ms: float, budget: int) -> None:
        self._trials, self._holding, self._slow_ms, self._budget = trials, holding, slow_ms, budget
        self.runs = 0

    @property
    def left(self) -> int:
        return max(self._budget - self.runs, 0)

    def test(self, name: str, given: Mapping[str, Any]) -> _Test:
        """Run a test twice without a fault: what differs then, no fault has caused."""
        clean, again = self._run(given), self._run(given)
        differs = frozenset(one.site for one in self._effects(given, clean, again))
        return _Test(name, given, clean, self._holding.under(given), differs)

    def twin(self, test: _Test, fault: Fault) -> Twin:
        faulty = self._run(test.input, fault)
        local = self._holding.local(test.input)
        found = twin_of(
            test.name, fault, test.clean.events, faulty.events, under=test.under, local=local, slow_ms=self._slow_ms
        )
        steady = tuple(one for one in found.effects if one.site not in test.unsteady)
        return found._replace(effects=steady)

    def confirmed(self, way: Way, tests: Sequence[_Test], twins: Sequence[Twin]) -> Confirmed | None:
        """Look for one run that shows every site of a cycle beyond what faults make of the calls that they strike."""
        for twin in twins:
            if twin.cause in way.causes and (rounds := _rounds(way, twin.effects)):
                return Confirmed(twin.test, (twin.fault.name,), rounds)
        known = {(twin.test, twin.fault.name): twin.fault for twin in twins}
        triggers = [known[edge.shown[0].test, edge.shown[0].fault] for edge in way.edges]
        for test, faults in _together(tests, triggers):
            if not self.left:
                return None
            faulty = self._run(test.input, *faults)
            if rounds := _rounds(way, self._effects(test.input, test.clean, faulty, faults)):
                return Confirmed(test.name, tuple(fault.name for fault in faults), rounds)
        return None

    def kept(
        self, ways: Sequence[Way], tests: Sequence[_Test], twins: Sequence[Twin], folder: Path
    ) -> dict[tuple[str, str], str]:
        """Make the first run that shows each edge of a cycle once more, which gives the same, and keep its trace."""
        inputs = {test.name: test.input for test in tests}
        faults = {(twin.test, twin.fault.name): twin.fault for twin in twins}
        shown = dict.fromkeys((edge.shown[0].test, edge.shown[0].fault) for way in ways for edge in way.edges)
        paths = {one: str(folder / f"cause-{number}{SUFFIX}") for number, one in enumerate(shown, start=1)}
        for (test, fault), path in paths.items():
            write_trial(self._run(inputs[test], faults[test, fault]), path)
        return paths

    def _effects(
        self, given: Mapping[str, Any], clean: Trial, faulty: Trial, faults: Sequence[Fault] = ()
    ) -> tuple[Effect, ...]:
        own = own_calls(faults, faulty.events)
        local = self._holding.local(given)
        return effects_of(clean.events, faulty.events, own, local=local, slow_ms=self._slow_ms)

    def _run(self, given: Mapping[str, Any], *faults: Fault) -> Trial:
        self.runs += 1
        return self._trials.run(Schedule(faults), given)


def _rounds(way: Way, effects: Iterable[Effect]) -> int:
    """Count how often a run comes round: as often as to the place that it comes to least."""
    times = Counter[Site]()
    for one in effects:
        times[one.site] += one.times
    return min(times[site] for site in way.causes)


def _together(tests: Sequence[_Test], triggers: Sequence[Fault]) -> Iterator[tuple[_Test, tuple[Fault, ...]]]:
    """Yield what may set off all of a cycle: each of its faults in each test, then all of them."""
    different = tuple({fault.name: fault for fault in triggers}.values())
    for test in tests:
        yield from ((test, (fault,)) for fault in different)
    if len(different) > 1:
        yield from ((test, different) for test in tests)
