"""Find schedules under which an agent violates a rule, and of those the cheapest: budgeted counterexample search.

Theory of operation. A search is handed a function from a schedule to what was seen; everything else follows from the
seed. What is to be tried is decided in batches, each from all runs before it, and the runs of a batch are taken up in
the batch's order: it does not matter who makes them, or how many at once. Three methods (arXiv 2603.18096):

* ``guided`` tries what ``guide.Agenda`` says, in turn with rounds of Hypothesis (``island``) that start from the runs
  which have shown something new;
* ``random``, the baseline, draws schedules of one to three elements uniformly from what runs have offered so far;
* ``exhaustive`` tries every schedule of one element, then every one of two, as each run offers them. A guided search
  begins with that where it takes no more than half of the budget.

What it does not verify: that a schedule is minimal (``shrink``), or that no other one violates a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Literal, NamedTuple, Protocol

from harness.determinism.streams import seed_for, stream
from harness.faults.plan import Fault
from harness.stress.schedule import Element, Schedule
from harness.stress.search.budget import Budget, Spending
from harness.stress.search.cost import cost_of
from harness.stress.search.guide import Agenda, Note
from harness.stress.search.island import Island, Parent, Run, explored
from harness.stress.search.signature import Feature, signature, weight
from harness.stress.search.space import LASTING, Space, named, rank, scheduled
from harness.stress.seen import Seen

Method = Literal["guided", "random", "exhaustive"]

_BATCH: Final = 8
_ISLANDS: Final = 4  # in one round
_QUOTA: Final = 24  # runs of one island
_PARENTS: Final = 32
_NEXT: Final = 2  # calls after one that was struck
_SIZES: Final = (1, 2, 3)  # of what is drawn at random
_DEEPEST: Final = 2  # elements of what is tried exhaustively


class Found(NamedTuple):
    """A rule that can be violated: the cheapest schedule that does it, and how many runs it took to find the first."""

    rule: str
    schedule: Schedule
    runs: int


class Searched(NamedTuple):
    """What a search came to.

    ``singles`` says how many of the elements that the undisturbed run offers were tried alone, and how many it offers;
    ``pairs`` is how many schedules of two elements were tried, and ``full`` the number of elements up to which every
    schedule was. ``end`` is how the undisturbed run ended, as in ``Seen``. ``interrupted`` says that somebody stopped
    the search before it was at its end.
    """

    found: tuple[Found, ...]
    runs: int
    method: Method
    calls: int
    tokens: int
    singles: tuple[int, int]
    pairs: int
    full: int
    end: str
    interrupted: bool


class Hands(Protocol):
    """Who makes the runs: results in the order in which they are wanted, whoever is quickest."""

    def runs(self, schedules: Sequence[Schedule]) -> Iterable[Seen]:
        """Make runs under schedules."""

    def islands(self, islands: Sequence[Island]) -> Iterable[list[tuple[Schedule, Seen]]]:
        """Make rounds of a guided search."""


class Alone:
    """Make one run after another."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def runs(self, schedules: Sequence[Schedule]) -> Iterable[Seen]:
        """Make runs under schedules."""
        return map(self._run, schedules)

    def islands(self, islands: Sequence[Island]) -> Iterable[list[tuple[Schedule, Seen]]]:
        """Make rounds of a guided search."""
        return [explored(self._run, island) for island in islands]


def search(
    run: Run | Hands,
    space: Space,
    *,
    budget: Budget | int = 500,
    seed: int = 0,
    method: Method = "guided",
    wanted: Callable[[Seen], frozenset[str]],
    until: frozenset[str] = frozenset(),
    clock: Callable[[], int] | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Searched:
    """Search for schedules under which ``wanted`` names a rule; the first run is the undisturbed one.

    The search ends when the budget is used, when nothing is left to be tried, or when all rules of ``until``, if there
    are some, have been found. ``clock`` gives nanoseconds, for a budget of seconds, which alone makes the result depend
    on the machine. ``told`` hears after each run how many were made, and how many rules are broken. KeyboardInterrupt
    ends the search with what it has found.
    """
    budget = Budget(budget) if isinstance(budget, int) else budget
    hands: Hands = Alone(run) if callable(run) else run
    one = _Search(hands, space, Spending(budget, clock), seed, wanted, until, told)
    interrupted = False
    try:
        {"guided": _guided, "random": _random, "exhaustive": _exhaustive}[method](one)
    except KeyboardInterrupt:
        interrupted = True
    return one.result(method, interrupted=interrupted)


class _Search:
    """What one search knows: runs, rules found, elements revealed, features met."""

    def __init__(
        self,
        hands: Hands,
        space: Space,
        spending: Spending,
        seed: int,
        wanted: Callable[[Seen], frozenset[str]],
        until: frozenset[str],
        told: Callable[[int, int], None] | None,
    ) -> None:
        self.hands, self.space, self.spending, self.seed = hands, space, spending, seed
        self.elements: list[Element] = []
        self.met: set[Feature] = set()
        self.full = 0
        self._revealed: set[Hashable] = set()
        self._made: dict[str, Note] = {}
        self._found: dict[str, Found] = {}
        self._wanted, self._until, self._told = wanted, until, told
        self._sizes: Counter[int] = Counter()

    @property
    def left(self) -> int:
        """How many runs are still to be made."""
        return 0 if self._until and self._until <= self._found.keys() else self.spending.left

    def ask(self, schedules: Iterable[Schedule]) -> list[Note]:
        """Make the runs that were not made before, as far as the budget goes; give the notes of those."""
        new = {str(one.stated()): one for one in schedules}
        todo = [one for key, one in new.items() if key not in self._made][: self.left]
        return [self.learn(schedule, seen) for schedule, seen in zip(todo, self.hands.runs(todo), strict=True)]

    def learn(self, schedule: Schedule, seen: Seen) -> Note:
        """Take up one run."""
        self.spending.spend(seen)
        new = signature(seen) - self.met
        self.met |= new
        offered = self.space.offered(seen)
        fresh = tuple(one for one in offered if named(one) not in self._revealed)
        self._revealed.update(map(named, fresh))
        self.elements += fresh
        note = self._made[str(schedule.stated())] = Note(schedule, seen, weight(new), fresh, _after(seen, offered))
        if not schedule.seed:
            self._sizes[len(schedule)] += 1
        for rule in sorted(self._wanted(seen)):
            before = self._found.get(rule)
            if before is None:
                self._found[rule] = Found(rule, schedule, self.spending.runs)
            elif cost_of(schedule) < cost_of(before.schedule):
                self._found[rule] = before._replace(schedule=schedule)
        if self._told is not None:
            self._told(self.spending.runs, len(self._found))
        return note

    def seen(self, schedule: Schedule) -> Seen:
        """Give what a run that was made came to."""
        return self._made[str(schedule.stated())].seen

    @property
    def tried(self) -> frozenset[str]:
        """The schedules that were tried, as text."""
        return frozenset(self._made)

    def is_made(self, schedule: Schedule) -> bool:
        """Tell whether a run was made."""
        return str(schedule.stated()) in self._made

    def result(self, method: Method, *, interrupted: bool) -> Searched:
        """Sum up."""
        spent, sizes = self.spending, self._sizes
        begun = self._made.get(str(Schedule().stated()))
        offered, end = (len(begun.fresh), begun.seen.end) if begun is not None else (0, "")
        found = tuple(sorted(self._found.values(), key=lambda one: (one.runs, one.rule)))
        singles = min(sizes[1], offered), offered
        full = max(self.full, int(0 < offered <= sizes[1]))
        spending = spent.calls, spent.tokens
        return Searched(found, spent.runs, method, *spending, singles, sizes[2], full, end, interrupted)


def _after(seen: Seen, offered: Sequence[Element]) -> tuple[Element, ...]:
    """Give the elements that make the calls fail which come right after the last one that was struck."""
    last = max((one.action for one in seen.struck if one.effective), default=None)
    if last is None:
        return ()
    calls = [made for made in seen.calls if made.seq > last and made.came != "refused"][:_NEXT]
    places = {((made.tool,), (made.nth,)) for made in calls}
    return tuple(
        one for one in offered if isinstance(one, Fault) and one.kind in LASTING and (one.tools, one.nth) in places
    )


# --- guided ----------------------------------------------------------------------------------------------------------


def _guided(search: _Search) -> None:
    agenda = Agenda()
    for note in search.ask([Schedule()]):
        agenda.learn(note)
    count = len(search.elements)
    if count + count * (count - 1) // 2 <= search.left // 2:
        for note in _levels(search, _DEEPEST):
            agenda.learn(note)
    since = rounds = 0
    while search.left:
        batch = list(agenda.batch(_BATCH))
        notes = search.ask(batch)
        for note in notes:
            agenda.learn(note)
        since += len(notes)
        if search.left and not agenda.waits and (not batch or since >= _ISLANDS * _QUOTA):
            since, rounds = 0, rounds + 1
            if not _round(search, agenda, rounds):
                return


def _round(search: _Search, agenda: Agenda, number: int) -> int:
    """Make one round of islands; give how many runs were new."""
    best = sorted(agenda.corpus, key=lambda note: (-note.new, len(note.schedule)))[:_PARENTS]
    parents = tuple(Parent(note.schedule, note.fresh if note.schedule.elements else ()) for note in best)
    elements, met = tuple(agenda.useful or search.elements), frozenset(search.met)
    if not parents or not elements:
        return 0
    tried = search.tried
    islands = [
        Island(seed_for(search.seed, "island", number, place), _QUOTA, _QUOTA, parents, elements, met, tried)
        for place in range(_ISLANDS)
    ]
    made = 0
    for pairs in _made(search, islands):
        for schedule, seen in pairs:
            if search.is_made(schedule):  # by another island of this round
                search.spending.spend(seen)
            else:
                agenda.learn(search.learn(schedule, seen))
                made += 1
    return made


def _made(search: _Search, islands: list[Island]) -> Iterator[list[tuple[Schedule, Seen]]]:
    """Make a round; near the end of the budget one island after another, each with what the one before has left."""
    if search.left >= len(islands) * _QUOTA:
        yield from search.hands.islands(islands)
        return
    for island in islands:
        if search.left:
            yield from search.hands.islands([island._replace(limit=min(_QUOTA, search.left))])


# --- exhaustive, random ----------------------------------------------------------------------------------------------


def _exhaustive(search: _Search) -> None:
    search.ask([Schedule()])
    for _ in _levels(search, _DEEPEST):
        pass


def _levels(search: _Search, deepest: int) -> Iterable[Note]:
    """Try all schedules of one element, then of two, and so on; yield what was learned."""
    level = [Schedule()]
    for size in range(1, deepest + 1):
        made: dict[str, Schedule] = {}
        for schedule in level:
            for element in sorted(search.space.offered(search.seen(schedule)), key=rank):
                one = scheduled((*schedule.elements, element))
                if one is not None and len(one) == size:
                    made.setdefault(str(one.stated()), one)
        todo = iter(made.values())
        while search.left and (batch := list(islice(todo, _BATCH))):
            yield from search.ask(batch)
        level = [one for one in made.values() if search.is_made(one)]
        if len(level) < len(made):
            return
        search.full = size


def _random(search: _Search) -> None:
    search.ask([Schedule()])
    number = vain = 0
    while search.left and search.elements and vain < 100:
        batch: list[Schedule] = []
        for _ in range(_BATCH):
            chance = stream(search.seed, "random", number)
            number += 1
            size = min(chance.choice(_SIZES), len(search.elements))
            one = scheduled(tuple(chance.sample(search.elements, size)), chance.randrange(4))
            batch += [] if one is None else [one]
        vain = 0 if search.ask(batch) else vain + 1
