"""The part of a route's machine that goes on without news: it plans, proposes, takes back and ends.

``router.Router`` is the part that takes news; it explains the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from harness.errors import HarnessError
from harness.routing.binding import Bindings, Unbound
from harness.routing.caller import Caller
from harness.routing.calls import Call, Failure
from harness.routing.deadlock import Barred
from harness.routing.graph import Arc, Goal, Graph, shown
from harness.routing.health.monitors.signal import Signal
from harness.routing.holdings import Holdings, Write
from harness.routing.orders import Ask, End, Invoke, Look, Order, Seen, Settle, Tell, Wait
from harness.routing.patience import Patience
from harness.routing.planner import Planner, Route
from harness.routing.prospects import Prospects
from harness.routing.underway import Underway

State = Literal["going", "asking", "ended"]


class Course:
    """Hold the state of one route, and go on with it as far as it leads without news."""

    def __init__(
        self,
        graph: Graph,
        goal: Goal,
        facts: Mapping[str, Any],
        *,
        planner: Planner,
        bindings: Bindings,
        nonce: str = "",
        first: int | None = None,
        first_args: Mapping[str, Any] | None = None,
        width: int = 1,
        forbidden: Mapping[str, str] | None = None,
    ) -> None:
        self.graph, self.goal = graph, goal.name
        self._goals = {**graph.goals, goal.name: goal}
        self.holdings = Holdings(dict(facts))
        self.prospects = Prospects(graph, self._goals, self.holdings, planner)
        for tool, why in (forbidden or {}).items():
            self.prospects.bar(tool, Barred(why))
        asked = None if first is None or first_args is None else (first, first_args)
        self._caller = Caller(graph, bindings, self.holdings, nonce, asked)
        self._calls = Underway(width)
        self._patience = Patience(graph.policy)
        self._bindings, self._first = bindings, first
        self._state: State = "going"
        self._now = 0
        self._route: tuple[int, ...] = ()
        self._failures: list[Failure] = []
        self._undoing: list[Write] = []
        self._resting = 0
        self._stopping = ""
        self._take_back = False
        self._in_doubt: tuple[str, ...] = ()
        self._replan = False
        self._asked = self._looked = False
        self._why = ""
        self._against: tuple[Signal, ...] = ()
        self._asked_about: Sequence[Signal] = ()
        self._overruled: set[tuple[str, str]] = set()
        self._orders: list[Order] = []

    def _advance(self) -> bool:
        """Do the next thing that can be done without news; False where there is nothing."""
        if self._undoing or self._calls.undoes:
            return self._undo()
        if self._stopping:
            return self._wind_up()
        if self._resting:
            self._orders.append(Wait(self._resting))
            return False
        if self._failures or self._replan:
            return self._plan_again()
        if self._conclude():
            return True
        waits_in_doubt = any(call.pinned for call in self._calls.waiting)
        if self.holdings.meets(self._goals[self.goal].needs) and not waits_in_doubt:
            if not self._calls.running:
                self._end(served=True)
            return False
        late = self._patience.late(self._now)
        against = [] if late else [signal for signal in self._against if signal.about not in self._overruled]
        if late or against:
            if not self._calls.running:
                why = "; ".join(signal.says for signal in against)
                self._deadlock(why or "the deadline has passed", against)
            return not self._calls.running
        return self._propose()

    # --- planning ----------------------------------------------------------------------------------------------------

    def _plan_again(self) -> bool:
        """Find another way from the facts held; wait for calls under way where there is none beside them."""
        if not self._looked:
            self._orders.append(Look())
            return False
        self._looked = False
        self.prospects.admit(self._now)
        pinned = self._calls.pinned
        found = self.prospects.best(self.goal, [call for call in pinned if call.undoes is None])
        if found is not None:
            self._adopt(found)
            return True
        if pinned:
            self._retry()
            return False
        giving_up = self.prospects.best_without_some(self.goal)
        if giving_up is None:
            self._deadlock(self._failures[-1].why if self._failures else "there is no route")
            return self._state == "going"
        found, given_up = giving_up
        self._undoing = list(self.holdings.standing(given_up))
        self._calls.keep(lambda call: not self.holdings.rests(call.used) & given_up)
        self._adopt(found, undo=[write.tool for write in self._undoing])
        return True

    def _adopt(self, found: Route, **more: Any) -> None:
        self._follow(found)
        self._calls.keep(lambda call: call.pinned or call.arc in found.arcs)
        for failure in self._failures or [Failure(-1, "", "")]:
            self._tell_plan("reroute", found, **failure.told, **more)
        self._failures, self._replan = [], False

    def _follow(self, found: Route) -> None:
        self._route = found.arcs
        self.holdings.rest_on(found.leaves)

    # --- proposing ---------------------------------------------------------------------------------------------------

    def _conclude(self) -> bool:
        for index in self._route:
            arc = self.graph.arcs[index]
            if arc.tool is None and self._ready(arc):
                self.holdings.conclude(arc)
                self.prospects.spent += arc.cost
                return True
        return False

    def _propose(self) -> bool:
        """Order the calls that can be made now, harmless ones before others, as many as may be under way."""
        self._retry()
        calls, arcs = self._calls, self.graph.arcs
        if calls.width == 1 and calls.waiting:
            return False  # nothing is done beside a call that is failing
        begun = calls.arcs
        open_ = [index for index in self._route if arcs[index].tool is not None and index not in begun]
        ready = [(self._caller.risk(index), arcs[index].tool, index) for index in open_ if self._ready(arcs[index])]
        for risk, _, index in sorted(ready):
            alone = risk == 2  # what is final waits until nothing else could still fail
            if calls.full or (alone and (calls.running or calls.waiting)):
                break
            if not self._start(index):
                return True
        if not calls.running and not calls.waiting:
            raise HarnessError(f"the route to {self.goal} does not lead there; please report this")
        return False

    def _ready(self, arc: Arc) -> bool:
        return not self.holdings.facts.keys() >= set(arc.gives) and self.holdings.meets(arc.needs)

    def _start(self, index: int) -> bool:
        try:
            self._invoke(self._caller.of(index))
        except Unbound as error:
            tool = self.graph.arcs[index].tool or ""
            self.prospects.bar(tool, Barred(str(error)))
            self._failures.append(Failure(-1, tool, str(error)))
            return False
        return True

    def _retry(self) -> None:
        """Make again the calls whose time has come; order a wait for the next one."""
        due = self._calls.due(self._now)
        for call in due:
            self._invoke(call)
        until = self._calls.next_due()
        if until is not None and not due:
            self._orders.append(Wait(until))

    def _invoke(self, call: Call) -> None:
        cost = 0 if call.undoes is not None else self.prospects.weight(call.arc)
        self.prospects.spent += cost
        begun = self._calls.begin(call, cost)
        self._orders.append(Invoke(begun.number, call.tool, call.args, call.undoes.tool if call.undoes else ""))

    # --- calls that did not serve ------------------------------------------------------------------------------------

    def _settle(self, call: Call, why: str) -> None:
        self._calls.running[call.number] = call._replace(doubt=call.doubt or why)
        self._orders.append(Settle(call.number, call.tool, call.args, why))

    def _give_up(self, call: Call, why: str, *, down: bool) -> None:
        """Bar a call's tool, with ``down`` its whole failure domain and only until it may have recovered."""
        if call.undoes is not None:
            self.holdings.stuck |= call.undoes.bit
            self._escalated([Failure(call.seq, call.tool, f"{call.undoes.tool} could not be undone: {why}")])
            if not self._stopping:
                self._undoing, self._replan = [], True
            return
        if down:
            self._orders.append(Seen(call.tool, "down"))
            self.prospects.fell(call.tool, why, self._now)
        else:
            self.prospects.bar(call.tool, Barred(why))
        failure = Failure(call.seq, call.tool, why)
        if self._stopping:
            self._escalated([failure])
        else:
            self._failures.append(failure)

    # --- taking back -------------------------------------------------------------------------------------------------

    def _undo(self) -> bool:
        """Take back one write after the other, the next when the last is done with."""
        if self._calls.running or self._calls.undoes:
            self._retry()
            return False
        write = self._undoing.pop(0)
        try:
            self._invoke(self._caller.taking_back(write))
        except Unbound as error:
            tool = self.graph.tools[write.tool].undo or ""
            self._give_up(Call(-1, tool, {}, 0, undoes=write), str(error), down=False)
            return True
        return False

    def _wind_up(self) -> bool:
        """Take back what can be taken back, once nothing is under way, and end."""
        if self._calls.running:
            return False
        if self._take_back:
            self._take_back = False
            self._undoing = list(self.holdings.standing(self.holdings.undoable(self.graph.tools)))
            return True
        self._end(served=False, why=self._stopping)
        return False

    # --- ends --------------------------------------------------------------------------------------------------------

    def _deadlock(self, why: str, against: Sequence[Signal] = ()) -> None:
        failures, self._failures, self._replan = self._failures, [], False
        if self._asked:
            self._escalated(failures or [Failure(-1, "", why)])
            self._stop(why)
            return
        self._asked, self._state, self._why = True, "asking", why
        self._asked_about = against
        known = self.prospects.deadlock(self.goal, why)
        if against:
            known["signals"] = [signal._asdict() for signal in against]
        self._escalated(failures or [Failure(-1, "", why)], deadlock=known)
        self._orders.append(Ask(known))

    def _stop(self, why: str, *, take_back: bool = True) -> None:
        """End as soon as nothing is under way, with what can be taken back taken back, the latest first."""
        self._escalated(self._failures)
        for call in self._calls.waiting:
            if call.pinned:  # it may have happened, and is not tried again
                self._settle(call, why)
        self._calls.keep(lambda call: False)
        self._failures, self._replan, self._undoing = [], False, []
        if not (self._in_doubt and take_back):  # while it is not known what happened, nothing is taken back
            self._stopping, self._take_back = why, take_back

    def _end(self, *, served: bool, why: str = "") -> None:
        self._state = "ended"
        path = self.holdings.path_to(self._goals[self.goal].needs) if served else self.holdings.served
        left = () if served else tuple(write.tool for write in self.holdings.writes)
        spent, said = self.prospects.spent, {"why": why} if why else {}
        self._tell("end", served=served, path=list(path), cost=shown(spent), **said)
        self._orders.append(End(served, why, self.holdings.facts, path, spent, self.goal, left, self._in_doubt))

    # --- telling -----------------------------------------------------------------------------------------------------

    def _escalated(self, failures: Sequence[Failure], **more: Any) -> None:
        """Tell that each failure is handed on."""
        for failure in failures:
            self._tell("escalate", **failure.told, **more)

    def _tell_plan(self, does: str, found: Route, **more: Any) -> None:
        """Tell a route; of one that is not proven to be the best, what every other costs at least."""
        if found.at_least < found.cost:
            more["data"] = {"at_least": shown(found.at_least)}
        self._tell(does, path=self.prospects.path(found.arcs), cost=shown(found.cost), **more)

    def _tell(self, does: str, **body: Any) -> None:
        self._orders.append(Tell({"does": does, "goal": self.goal, **body}))
