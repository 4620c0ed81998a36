"""A route as a machine without I/O: what became of its calls goes in, what to do next comes out.

Theory of operation. A call of an arc passes these states::

    ready ──Invoke──▶ running ──served──▶ its facts are held
                        ├──transient──▶ waiting ──Invoke──▶ running …   (while it may be retried)
                        ├──given up──▶ its tool is barred, and the route is planned again from the facts held
                        └──in doubt──▶ settling ──Settled──▶ served | tried again | given up | the route ends

Three rules of this file. A call that may have happened pins its facts and the writes they rest on: no new route may go
past it. Every call that does not serve is told as exactly one of retry, reroute, settle, escalate. And what has been
committed is either part of the route or taken back, never left over in silence.

The machine knows no clock: every input brings its time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from harness.errors import HarnessError
from harness.routing.binding import Bindings, Unbound, constants, opened
from harness.routing.calls import Call, Failure
from harness.routing.deadlock import Barred
from harness.routing.failure import Judged, judge, repeatable
from harness.routing.graph import Arc, Goal, Graph, shown
from harness.routing.health.monitors import Signal
from harness.routing.holdings import Holdings, Write
from harness.routing.orders import (
    Ask,
    Begin,
    Came,
    Chosen,
    End,
    Gone,
    Input,
    Invoke,
    Look,
    Looked,
    Order,
    Seen,
    Settle,
    Settled,
    Tell,
    Wait,
    Woke,
)
from harness.routing.planner import Planner, Route
from harness.routing.prospects import Prospects
from harness.trace.outcome import Ok

_MS: Final = 1_000_000

State = Literal["going", "asking", "ended"]


class Router:
    """Lead one goal of a graph to its facts, or to an escalation. Not thread-safe; one for each route.

    ``facts`` are those handed in. ``nonce`` makes the idempotency keys of this route its own. ``first`` is the arc to
    begin with whatever it costs, because somebody asked for it by name, with ``first_args`` in place of those that the
    graph binds. ``width`` is how many calls may be under way at once. ``forbidden`` names tools that are not to be
    called, with the reason. Not verified: that a tool does what it declares.
    """

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
        self._bindings, self._nonce, self._width = bindings, nonce, width
        self._first, self._first_args = first, first_args
        self._state: State = "going"
        self._now = self._began = 0
        self._route: tuple[int, ...] = ()
        self._calls = 0
        self._running: dict[int, Call] = {}
        self._waiting: list[Call] = []
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

    def step(self, said: Input, against: tuple[Signal, ...] = ()) -> list[Order]:
        """Take one input and give what is to be done, in order; HarnessError where the route has ended.

        ``against`` are the signals by which nothing further is to be called unless whoever is asked overrules them.
        """
        if self._state == "ended":
            raise HarnessError("the route has ended")
        self._now, self._against = max(self._now, said.at), against
        match said:
            case Begin():
                self._begin(said)
            case Came():
                self._came(said)
            case Settled():
                self._settled(said)
            case Woke():
                if self._now >= self._resting:
                    self._resting = 0
            case Looked():
                self.prospects.take(said.health, self._now)
                self._looked = True
            case Chosen():
                self._chosen(said)
            case Gone():
                self._gone()
        while self._state == "going" and self._advance():
            pass
        orders, self._orders = self._orders, []
        return orders

    # --- inputs ------------------------------------------------------------------------------------------------------

    def _begin(self, said: Begin) -> None:
        self._began = self._now
        self.prospects.take(said.health, self._now)
        asked = None if self._first is None else self.graph.arcs[self._first].tool
        if self._first is not None and asked not in self.prospects.barred:
            self._route = (self._first,)
            self._tell_plan("plan", self._route, self.prospects.weight(self._first), why=f"{asked} is asked for")
            return
        found = self.prospects.best(self.goal)
        if found is None:
            self._deadlock("there is no route")
            return
        self._follow(found)
        why = {"why": f"{asked} is barred: {self.prospects.barred[asked].why}"} if asked else {}
        self._tell_plan("plan", found.arcs, found.cost, **_unproven(found), **why)

    def _came(self, said: Came) -> None:
        call = self._running.pop(said.call)._replace(seq=said.seq)
        if said.outcome is None:
            self._refused(call, said.refused)
            return
        spec = self.graph.tools[call.tool]
        judged = judge(said.outcome, spec, self.graph.clean.get(call.tool, ()))
        if judged.how == "ok":
            assert isinstance(said.outcome, Ok)
            judged = Judged("wrong", said.refused) if said.refused else self._served(call, said.outcome.value)
        self._orders.append(Seen(call.number, call.tool, judged.how))
        if judged.how != "ok":
            self._failed(call, judged)

    def _settled(self, said: Settled) -> None:
        call = self._running.pop(said.call)
        if said.probe >= 0:
            self._escalated([Failure(said.probe, self.graph.tools[call.tool].probe or "", said.why)])
        if said.choice is not None:
            self._tell("answer", tool=call.tool, choice=said.choice)
        if said.decided == "found":
            assert isinstance(said.outcome, Ok)
            judged = self._served(call, said.outcome.value)
            if judged.how != "ok":
                self._left(call, judged.why)
        elif said.decided == "again":
            self._invoke(call._replace(attempt=call.attempt + 1))
        elif said.decided == "absent" and self._may_retry(call):
            self._waiting.append(call._replace(attempt=call.attempt + 1, until=self._backoff(call), pinned=False))
        elif said.decided == "absent":
            self._give_up(call._replace(seq=-1), said.why, down=True)
        else:
            self._left(call, said.why)

    def _chosen(self, said: Chosen) -> None:
        self._state = "going"
        choice = said.choice
        if choice is None:
            self._stop(self._why)
            return
        refused = self._refusal(choice)
        self._tell("answer", choice=choice, **({"why": refused} if refused else {}))
        if refused or choice.get("stop"):
            self._stop(self._why)
            return
        self._overruled = {signal.about for signal in self._asked_about}
        if choice.get("wait"):
            self._resting = self.prospects.next_up() or 0
        self.goal = choice.get("goal", self.goal)
        self._replan = True

    def _gone(self) -> None:
        """End at once: there is nobody to go on for. What was done stays, and is told."""
        tools = self.graph.tools
        self._in_doubt += tuple(call.tool for call in self._running.values() if tools[call.tool].effect == "write")
        left = [*self._in_doubt, *(write.tool for write in self.holdings.writes)]
        why = f"cancelled, not taken back: {', '.join(left)}" if left else "cancelled"
        self._escalated(self._failures or [Failure(-1, "", why)])
        self._end(served=False, why=why)

    # --- what becomes of a call --------------------------------------------------------------------------------------

    def _served(self, call: Call, result: Any) -> Judged:
        """Hold what a result gives; ``wrong`` where it is not what was promised."""
        arc = None if call.undoes is not None else self.graph.arcs[call.arc]
        try:
            self._bindings.check_result(call.tool, result)
            facts = {} if arc is None else self._bindings.given(arc, result)
        except Unbound as error:
            return Judged("wrong", str(error))
        if call.undoes is not None:
            self._tell("undo", tool=call.tool, undo=[call.undoes.tool])
            self.holdings.take_back(call.undoes.bit)
            return Judged("ok")
        assert arc is not None
        if call.bit:
            key = self.graph.tools[call.tool].idempotency_key
            keyed = key if key is not None and key not in dict(arc.args) else ""
            self.holdings.writes.append(Write(call.bit, call.tool, call.args, result, keyed))
        self.holdings.hold(arc, facts, call.bit)
        return Judged("ok")

    def _failed(self, call: Call, judged: Judged) -> None:
        spec = self.graph.tools[call.tool]
        how = judged.how
        if how == "wrong":
            how = "permanent" if spec.effect == "read" else "doubt"
        again = how == "transient" or (how == "doubt" and repeatable(spec, call.args))
        if again and self._may_retry(call):
            until = self._backoff(call)
            self._tell("retry", after=call.seq, tool=call.tool, until=until, why=judged.why)
            self._waiting.append(
                call._replace(attempt=call.attempt + 1, until=until, pinned=call.pinned or how == "doubt")
            )
        elif how == "doubt" or call.pinned:  # an attempt before this one may have happened
            self._tell("settle", after=call.seq, tool=call.tool, why=judged.why)
            self._settle(call, judged.why)
        else:
            self._give_up(call, judged.why, down=how == "transient")

    def _settle(self, call: Call, why: str) -> None:
        self._running[call.number] = call._replace(pinned=True)
        self._orders.append(Settle(call.number, call.tool, call.args, why))

    def _refused(self, call: Call, why: str) -> None:
        self.prospects.spent -= call.cost
        if call.pinned:  # an attempt before this one may have happened
            self._tell("settle", after=call.seq, tool=call.tool, why=why)
            self._settle(call, why)
        elif call.undoes is not None or self.graph.policy.refusal == "reroute":
            self._give_up(call, why, down=False)
        else:
            self._failures.append(Failure(call.seq, call.tool, why))
            self._stop(why)

    def _give_up(self, call: Call, why: str, *, down: bool) -> None:
        """Bar a call's tool, with ``down`` its whole failure domain and only until it may have recovered."""
        if call.undoes is not None:
            self.holdings.stuck |= call.undoes.bit
            self._escalated([Failure(call.seq, call.tool, f"{call.undoes.tool} could not be undone: {why}")])
            if not self._stopping:
                self._undoing, self._replan = [], True
            return
        if down:
            self._orders.append(Seen(call.number, call.tool, "down"))
            self.prospects.fell(call.tool, why, self._now)
        else:
            self.prospects.bar(call.tool, Barred(why))
        failure = Failure(call.seq, call.tool, why)
        if self._stopping:
            self._escalated([failure])
        else:
            self._failures.append(failure)

    def _left(self, call: Call, why: str) -> None:
        """End the route because nobody knows whether a call happened: nothing more is done, nothing taken back."""
        self._escalated([Failure(-1, call.tool, f"it is not known whether {call.tool} happened: {why}")])
        self._in_doubt += (call.tool,)
        self._stop(f"{call.tool} is in doubt: {why}", take_back=False)

    # --- going on ----------------------------------------------------------------------------------------------------

    def _advance(self) -> bool:
        """Do the next thing that can be done without news; False where there is nothing."""
        if self._undoing or any(call.undoes is not None for call in (*self._running.values(), *self._waiting)):
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
        if self.holdings.meets(self._goals[self.goal].needs) and not any(call.pinned for call in self._waiting):
            if not self._running:
                self._end(served=True)
            return False
        against = [] if self._late() else [signal for signal in self._against if signal.about not in self._overruled]
        if self._late() or against:
            if not self._running:
                why = "; ".join(signal.says for signal in against)
                self._deadlock(why or "the deadline has passed", against)
            return not self._running
        return self._propose()

    def _wind_up(self) -> bool:
        """Take back what can be taken back, once nothing is under way, and end."""
        if self._running:
            return False
        if self._take_back:
            self._take_back = False
            self._undoing = list(self.holdings.standing(self.holdings.undoable(self.graph.tools)))
            return True
        self._end(served=False, why=self._stopping)
        return False

    def _undo(self) -> bool:
        if self._running or any(call.undoes is not None for call in self._waiting):
            return self._retry()
        write = self._undoing.pop(0)
        tool = self.graph.tools[write.tool].undo
        assert tool is not None
        try:
            args = self._undo_arguments(tool, write)
        except Unbound as error:
            self._give_up(Call(-1, tool, {}, 0, undoes=write), str(error), down=False)
            return True
        self._invoke(Call(-1, tool, args, 0, undoes=write))
        return False

    def _plan_again(self) -> bool:
        """Find another way from the facts held; wait for calls under way where there is none beside them."""
        if not self._looked:
            self._orders.append(Look())
            return False
        self._looked = False
        self.prospects.admit(self._now)
        pinned = [*self._running.values(), *(call for call in self._waiting if call.pinned)]
        found = self.prospects.best(self.goal, [call for call in pinned if call.undoes is None])
        if found is not None:
            self._adopt(found)
            return True
        if pinned:
            return self._retry()
        giving_up = self.prospects.best_without_some(self.goal)
        if giving_up is None:
            self._deadlock(self._failures[-1].why if self._failures else "there is no route")
            return self._state == "going"
        found, given_up = giving_up
        self._undoing = list(self.holdings.standing(given_up))
        self._waiting = [call for call in self._waiting if not self._rests(call) & given_up]
        self._adopt(found, undo=[write.tool for write in self._undoing])
        return True

    def _rests(self, call: Call) -> int:
        return self.holdings.support_of(self.graph.arcs[call.arc])

    def _follow(self, found: Route) -> None:
        self._route = found.arcs
        self.holdings.rest_on(found.leaves)

    def _adopt(self, found: Route, **more: Any) -> None:
        self._follow(found)
        self._waiting = [call for call in self._waiting if call.pinned or call.arc in found.arcs]
        for failure in self._failures or [Failure(-1, "", "")]:
            self._tell_plan("reroute", found.arcs, found.cost, **failure.told, **_unproven(found), **more)
        self._failures, self._replan = [], False

    def _conclude(self) -> bool:
        for index in self._route:
            arc = self.graph.arcs[index]
            if arc.tool is None and not self._has(arc) and self.holdings.meets(arc.needs):
                self.holdings.conclude(arc)
                self.prospects.spent += arc.cost
                return True
        return False

    def _propose(self) -> bool:
        """Order the calls that can be made now, harmless ones before others, as many as may be under way."""
        self._retry()
        if self._width == 1 and self._waiting:
            return False  # nothing is done beside a call that is failing
        busy = {call.arc for call in (*self._running.values(), *self._waiting)}
        arcs = self.graph.arcs
        ready = [
            index
            for index in self._route
            if arcs[index].tool is not None
            and index not in busy
            and not self._has(arcs[index])
            and self.holdings.meets(arcs[index].needs)
        ]
        for _, _, index in sorted((self._risk(arcs[index]), arcs[index].tool or "", index) for index in ready):
            final = self._risk(arcs[index]) == 2
            if len(self._running) >= self._width or (final and (self._running or self._waiting)):
                break
            if not self._start(index):
                return True
        if not self._running and not self._waiting:
            raise HarnessError(f"the route to {self.goal} does not lead there; please report this")
        return False

    def _retry(self) -> bool:
        """Make again the calls whose time has come; order a wait for the next one."""
        due = sorted((call for call in self._waiting if call.until <= self._now), key=lambda call: call.until)
        for call in due[: max(self._width - len(self._running), 0)]:
            self._waiting.remove(call)
            self._invoke(call)
        if self._waiting and len(self._running) < self._width and not due:
            self._orders.append(Wait(min(call.until for call in self._waiting)))
        return False

    def _start(self, index: int) -> bool:
        arc = self.graph.arcs[index]
        assert arc.tool is not None
        try:
            asked = self._first_args if index == self._first else None
            bound = arc.args if asked is None else constants(asked)
            args = self._bindings.arguments(arc.tool, bound, self.holdings.facts, self._mark(arc.tool, arc.gives))
        except Unbound as error:
            self.prospects.bar(arc.tool, Barred(str(error)))
            self._failures.append(Failure(-1, arc.tool, str(error)))
            return False
        bit = self.holdings.new_bit() if self.graph.tools[arc.tool].effect == "write" else 0
        self._invoke(Call(index, arc.tool, args, bit))
        return True

    def _invoke(self, call: Call) -> None:
        self._calls += 1
        cost = 0 if call.undoes is not None else self.prospects.weight(call.arc)
        self.prospects.spent += cost
        self._running[self._calls] = call._replace(number=self._calls, cost=cost)
        self._orders.append(Invoke(self._calls, call.tool, call.args, call.undoes.tool if call.undoes else ""))

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

    def _escalated(self, failures: Sequence[Failure], **more: Any) -> None:
        """Tell that each failure is handed on."""
        for failure in failures:
            self._tell("escalate", **failure.told, **more)

    def _refusal(self, choice: dict[str, Any]) -> str:
        """Say why an answer is not taken; empty where it is."""
        if choice.get("stop") is True and len(choice) == 1:
            return ""
        if choice.get("wait") is True and len(choice) == 1:
            return "" if self.prospects.next_up() is not None else "no tool is expected to be up again"
        if choice.get("go_on") is True and len(choice) == 1:
            return "" if self._asked_about else "there is nothing to go on with"
        reachable = [one["goal"] for one in self.prospects.menu(self.goal)]
        if set(choice) == {"goal"} and choice["goal"] in reachable:
            return ""
        known = ", ".join(reachable) or "none"
        words = "stop, go_on, wait" if self._asked_about else "stop, wait"
        return f"the answer is none of: {words}, a goal that can be reached (which are: {known})"

    def _stop(self, why: str, *, take_back: bool = True) -> None:
        """End as soon as nothing is under way, with what can be taken back taken back, the latest first."""
        self._escalated(self._failures)
        for call in self._waiting:
            if call.pinned:  # it may have happened, and is not tried again
                self._settle(call, why)
        self._failures, self._waiting, self._replan, self._undoing = [], [], False, []
        if not (self._in_doubt and take_back):  # while it is not known what happened, nothing is taken back
            self._stopping, self._take_back = why, take_back

    def _end(self, *, served: bool, why: str = "") -> None:
        self._state = "ended"
        path = self.holdings.path_to(self._goals[self.goal].needs) if served else self.holdings.served
        left = () if served else tuple(write.tool for write in self.holdings.writes)
        self._tell(
            "end", served=served, path=list(path), cost=shown(self.prospects.spent), **({"why": why} if why else {})
        )
        self._orders.append(
            End(served, why, self.holdings.facts, path, self.prospects.spent, self.goal, left, self._in_doubt)
        )

    # --- small questions ---------------------------------------------------------------------------------------------

    def _has(self, arc: Arc) -> bool:
        return all(fact in self.holdings.facts for fact in arc.gives)

    def _risk(self, arc: Arc) -> int:
        """Rank what a call could leave behind: nothing, what can be repeated or undone, what is final."""
        assert arc.tool is not None
        spec = self.graph.tools[arc.tool]
        if spec.effect == "read":
            return 0
        return 1 if spec.undo is not None or spec.idempotent or spec.idempotency_key is not None else 2

    def _may_retry(self, call: Call) -> bool:
        if call.tool in self.prospects.probing or (self._stopping and call.undoes is None):
            return False
        # what was taken from somebody is given back however late it is
        late = self._late(self._backoff(call)) and call.undoes is None
        return call.attempt <= self.graph.policy.retries and not late

    def _late(self, at: int | None = None) -> bool:
        """Tell whether the deadline is past now, or will be at some time."""
        deadline = self.graph.policy.deadline_ms
        return deadline is not None and (at or self._now) > self._began + deadline * _MS

    def _backoff(self, call: Call) -> int:
        policy = self.graph.policy
        wait_ms: int = policy.wait_ms * policy.factor ** (call.attempt - 1)
        return self._now + min(wait_ms, policy.longest_ms) * _MS

    def _mark(self, tool: str, gives: Sequence[str]) -> tuple[Any, ...]:
        """Give what an idempotency key stands for: what was taken back and is done again is another call."""
        return self._nonce, *gives, self.holdings.undone.get(tool, 0)

    def _undo_arguments(self, tool: str, write: Write) -> dict[str, Any]:
        """Bind an undo tool by what the graph states, else by the names of what was passed and given."""
        stated = self.graph.undo_args.get(tool)
        if stated is not None:
            return self._bindings.arguments(tool, stated, self.holdings.facts, self._mark(write.tool, ()))
        spec, result = self.graph.tools[tool], opened(write.result)
        known = {**result, **write.args} if isinstance(result, dict) else dict(write.args)
        if write.keyed and write.keyed == spec.idempotency_key:
            del known[write.keyed]  # the key of the call that is undone, not of the one that undoes it
        takes = (spec.arguments or {}).get("properties", known)
        passed = {name: value for name, value in known.items() if name in takes}
        return self._bindings.arguments(tool, constants(passed), {}, self._mark(write.tool, ()))

    def _tell_plan(self, does: str, arcs: Sequence[int], cost: int, **more: Any) -> None:
        self._tell(does, path=self.prospects.path(arcs), cost=shown(cost), **more)

    def _tell(self, does: str, **body: Any) -> None:
        self._orders.append(Tell({"does": does, "goal": self.goal, **body}))


def _unproven(route: Route) -> dict[str, Any]:
    """Say of a route that is not proven to be the best one what every other costs at least."""
    return {"data": {"at_least": shown(route.at_least)}} if route.at_least < route.cost else {}
