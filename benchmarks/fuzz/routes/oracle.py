"""What a route has to do, foretold: every call in order, what becomes of each failure, and the world at the end.

Plain Python over plain values, written from the rules of routing alone. It shares the world and the case with the real
thing, and nothing else. Time is what slow calls and waits take.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal

from benchmarks.fuzz.routes.best import Best, Support, best_route, is_plain
from benchmarks.fuzz.routes.case import Case, Need, Tool, Way
from benchmarks.fuzz.routes.world import PROBES, UNDOES, World

End = Literal["served", "no route", "in doubt"]

_NO_DOUBT: Final = frozenset({"refused", "busy", "declined", "void"})
_MAY_PASS: Final = frozenset({"refused", "busy", "late", "cut", "lost"})
_UNDOING: Final = Tool("write", "idempotent")


@dataclass
class Told:
    """What is foretold.

    ``failures`` says of each call that did not serve, in order, what becomes of it. ``plans`` are the costs and names
    of every plan. ``loose`` says why more than one course would be right, empty where there is only one.
    """

    calls: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    plans: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    end: End = "no route"
    goal: str = ""
    net: dict[str, int] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)
    loose: str = ""


def foretell(case: Case) -> Told:
    """Simulate a case; takes time exponential in its number of arcs."""
    run = _Run(case)
    try:
        run.told.end = run.end()
    except _InDoubtError:
        run.told.end = "in doubt"
    run.told.goal = run.goal
    run.told.calls = run.world.calls
    run.told.net = run.world.ledger.net()
    return run.told


def kind_of(tool: Tool, fault: str) -> str:
    """Say what a fault means: ``transient``, ``permanent`` or ``doubt``."""
    if tool.effect == "write" and fault not in _NO_DOUBT:
        return "doubt"
    return "transient" if fault in _MAY_PASS else "permanent"


class _InDoubtError(Exception):
    """Nobody knows whether a call has happened: the route ends where it is."""


class _Run:
    def __init__(self, case: Case) -> None:
        self.case, self.told, self.world = case, Told(), World(case)
        self.goal = case.goal
        self.held: dict[str, Support] = {fact: Support() for fact in case.start}
        self.committed: list[tuple[int, str]] = []
        self.commits = 0
        self.barred: set[str] = set()
        self.down: dict[str, int] = {}
        self.trial: set[str] = set()
        self.proven: set[str] = set()
        self.spent = 0
        self.fixed: set[int] = set()
        self.failed: list[str] = []
        self.asked = False
        self.plan: list[int] = []
        self.aside: set[str] = set()

    @property
    def needs(self) -> tuple[Need, ...]:
        return self.case.goals[self.goal]

    def end(self) -> End:
        """Go the whole route."""
        if not self.replan() and not self.escalate():
            return "no route"
        while self.plan:
            index = min(self.ready(self.held.keys() - self.aside), key=self.turn)
            self.plan.remove(index)
            if not self.call(self.case.ways[index]) and not self.escalate():
                return "no route"
        return "served"

    @property
    def late(self) -> bool:
        deadline = self.case.deadline_ms
        return deadline is not None and self.world.slept_ms > deadline

    def ready(self, facts: Collection[str]) -> list[int]:
        return [index for index in self.plan if _met(self.case.ways[index].needs, facts)]

    def turn(self, index: int) -> tuple[int, str, int]:
        way = self.case.ways[index]
        return (self.case.tools[way.tool].order if way.tool else -1), way.name, index

    def call(self, way: Way) -> bool:
        """Go along one arc, or plan anew where it does not serve; False where there is no way on."""
        if way.tool is None:
            self.spent += way.cost
            self.holds(way)
            return True
        if self.late:
            return False
        if way.tool in self.case.forbidden or (way.tool in self.case.asked and not self.case.person):
            self.failed.append(way.tool)
            self.barred.add(way.tool)
            self.asked |= self.case.refusal == "stop"  # a refusal is not asked about
            return self.case.refusal == "reroute" and self.replan()
        if self.attempt(way.tool, self.case.tools[way.tool], way.cost):
            self.holds(way)
            return True
        return self.replan()

    def holds(self, way: Way) -> None:
        """Take what an arc gives; a fact that is held keeps what it rests on."""
        support = Support().union(*(self.used(need) for need in way.needs))
        if way.tool and self.case.tools[way.tool].effect == "write":
            self.committed.append((self.commits, way.tool))
            support |= {self.commits}
            self.commits += 1
        for fact in way.gives:
            self.held.setdefault(fact, support)

    def used(self, need: Need) -> Support:
        """Give the writes behind the facts that meet a need: of more than are needed, those that rest on writes."""
        of, least = need
        facts = [fact for fact in of if fact in self.held and fact not in self.aside]
        supports = sorted((self.held[fact] for fact in facts), key=lambda support: not support)
        if len({support for support in supports if support}) > 1 and len(supports) > least and supports[least]:
            self.told.loose = "an arc can rest on different writes"
        return Support().union(*supports[:least])

    def replan(self) -> bool:
        """Take the best route from here, giving up as few writes as possible; say whether there is one."""
        self.wake()
        required = Support(number for number, _ in self.committed)
        free = [number for number, tool in self.committed if self.case.tools[tool].undo and number not in self.fixed]
        for many in range(len(free) + 1):
            # of equally cheap ones that which gives up the latest writes
            found = [
                (best.cost, [-number for number in reversed(given)], best)
                for given in combinations(free, many)
                if (best := self.best(required - set(given), set(given)))
            ]
            if found:
                _, latest_first, best = min(found)
                return self.takes(best, [-number for number in latest_first])
        return False

    def best(self, required: Support, given_up: Collection[int]) -> Best | None:
        ways, cap = self.case.ways, self.case.cost_cap
        held = {fact: support for fact, support in self.held.items() if not support.intersection(given_up)}
        usable = [index for index, way in enumerate(ways) if way.tool not in self.barred | self.down.keys()]
        found = best_route(ways, usable, held, self.needs, required, along=is_plain(ways, self.needs))
        return None if found is None or (cap is not None and self.spent + found.cost > cap) else found

    def wake(self) -> None:
        """Let tools be called again that have rested long enough: once, on trial, as long as they have not served."""
        self.trial = {name for name in self.trial if name not in self.proven}
        up = {name for name, until in self.down.items() if until <= self.world.slept_ms}
        self.down = {name: until for name, until in self.down.items() if name not in up}
        self.trial |= up
        self.proven -= up

    def takes(self, best: Best, given_up: list[int]) -> bool:
        self.plan = list(best.ways)
        self.follow(best.leaves)
        self.told.plans.append((best.cost, best.names))
        self.told.failures += [("reroute", name) for name in self.failed]
        self.failed = []
        return all(self.undo(number) for number in given_up) or self.replan()

    def follow(self, leaves: tuple[frozenset[str], ...]) -> None:
        """Use, of the facts that are held, only those that the plan begins with."""
        begins = {tuple(self.ready(some)) for some in leaves}
        rests = {frozenset(self.held[fact] for fact in some) for some in leaves}
        if len(begins) > 1 or len(rests) > 1:
            self.told.loose = "a plan can begin with different facts"
        self.aside = set(self.held) - min(leaves, key=sorted)

    def undo(self, number: int) -> bool:
        """Undo one write; say whether it is undone. One that cannot be undone is handed on, and stays."""
        tool = dict(self.committed)[number]
        if not self.attempt(UNDOES + tool, _UNDOING):
            self.told.failures += [("escalate", name) for name in self.failed]
            self.failed = []
            self.fixed.add(number)
            return False
        self.committed.remove((number, tool))
        self.told.undone.append(tool)
        self.held = {fact: support for fact, support in self.held.items() if number not in support}
        return True

    def escalate(self) -> bool:
        """Ask once what to do at a dead end; undo what can be undone where nobody knows; say whether to go on."""
        self.told.failures += [("escalate", name) for name in self.failed]
        self.failed = []
        asked, self.asked = self.asked, True
        if self.case.choice in self.case.goals and not asked:
            before, self.goal = self.goal, str(self.case.choice)
            if self.replan():
                return True
            self.goal = before
        if self.case.choice == "wait" and self.down and not asked:
            self.world.wait(min(self.down.values()) - self.world.slept_ms)
            if self.replan():
                return True
        for number, tool in reversed(self.committed.copy()):
            if self.case.tools[tool].undo and number not in self.fixed:
                self.undo(number)
        return False

    def attempt(self, name: str, tool: Tool, cost: int = 0) -> bool:
        """Call a tool until it serves (True) or is given up (False)."""
        doubtful, attempts = False, 0
        while True:
            attempts += 1
            self.spent += cost
            fault = self.world.call(name, self.key(name, tool))
            if fault == "ok":
                self.proven |= self.mates(name, tool)
                return True
            kind = kind_of(tool, fault)
            doubtful |= kind == "doubt"
            again = kind == "transient" or (kind == "doubt" and tool.repeatable)
            if again and self.may_retry(name, attempts):
                self.told.failures.append(("retry", name))
                self.world.wait(self.wait_ms(attempts))
                continue
            if not doubtful:  # of no attempt can it be said that it may have happened
                self.failed.append(name)
            elif self.settled(name, tool):
                return True
            elif self.may_retry(name, attempts):
                doubtful = False
                self.world.wait(self.wait_ms(attempts))
                continue
            self.bar(name, tool, down=doubtful or kind == "transient")
            return False

    def may_retry(self, name: str, attempts: int) -> bool:
        if name in self.trial - self.proven:
            self.told.loose = "a tool fails on trial"
            return False
        begins_ms = self.world.slept_ms + self.wait_ms(attempts)
        in_time = self.case.deadline_ms is None or begins_ms <= self.case.deadline_ms
        return attempts <= self.case.retries and (name.startswith(UNDOES) or in_time)

    def wait_ms(self, attempts: int) -> int:
        return int(self.case.wait_ms * 2 ** (attempts - 1))

    def key(self, name: str, tool: Tool) -> str | None:
        return f"{name} {self.told.undone.count(name)}" if tool.again == "key" else None

    def settled(self, name: str, tool: Tool) -> bool:
        """Ask the probe, or a person, whether a call happened."""
        self.told.failures.append(("settle", name))
        said = self.world.call(PROBES + name) if tool.probe else "unsure"
        if said == "broken":
            self.told.failures.append(("escalate", PROBES + name))
        if said in ("yes", "no"):
            return said == "yes"
        if self.case.word is None:
            raise _InDoubtError
        return self.world.settle(name)

    def bar(self, name: str, tool: Tool, *, down: bool) -> None:
        """Call a tool no more on this route; one that is ``down`` until it has rested, and its whole domain."""
        if name in self.case.tools and not down:
            self.down.pop(name, None)
            self.barred.add(name)
        elif name in self.case.tools:
            until = self.world.slept_ms + self.case.cool_ms
            self.down |= {mate: until for mate in self.mates(name, tool) if mate not in self.barred}

    def mates(self, name: str, tool: Tool) -> set[str]:
        others = self.case.tools.items()
        return {name} | {other for other, one in others if one.domain == tool.domain and tool.domain is not None}


def _met(needs: tuple[Need, ...], held: Collection[str]) -> bool:
    return all(len(set(of).intersection(held)) >= least for of, least in needs)
