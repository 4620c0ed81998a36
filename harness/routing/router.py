"""A route as a machine without I/O: what became of its calls goes in, what to do next comes out.

Theory of operation. A call of an arc passes these states::

    ready ──Invoke──▶ running ──served──▶ its facts are held
                        ├──transient──▶ waiting ──Invoke──▶ running …   (while it may be retried)
                        ├──given up──▶ its tool is barred, and the route is planned again from the facts held
                        └──in doubt──▶ settling ──Settled──▶ served | tried again | given up | the route ends

Three rules. A call that may have happened pins its facts and the writes they rest on: no new route may go
past it. Every call that does not serve is told as exactly one of retry, reroute, settle, escalate. And what has been
committed is either part of the route or taken back, never left over in silence.

The machine knows no clock: every input brings its time. This file takes the news; how the route goes on without any is
in ``course``.
"""

from __future__ import annotations

from typing import Any

from harness.errors import HarnessError
from harness.routing.binding import Unbound
from harness.routing.calls import Call, Failure
from harness.routing.course import Course
from harness.routing.deadlock import refusal_of
from harness.routing.failure import Judged, judge
from harness.routing.health.monitors.signal import Signal
from harness.routing.orders import Begin, Came, Chosen, Gone, Input, Looked, Order, Seen, Settled, Woke
from harness.routing.planner import Route
from harness.trace.outcome import Ok


class Router(Course):
    """Lead one goal of a graph to its facts, or to an escalation. Not thread-safe; one for each route.

    ``facts`` are those handed in. ``nonce`` makes the idempotency keys of this route its own. ``first`` is the arc to
    begin with whatever it costs, because somebody asked for it by name, with ``first_args`` in place of those that the
    graph binds. ``width`` is how many calls may be under way at once. ``forbidden`` names tools that are not to be
    called, with the reason. Not verified: that a tool does what it declares.
    """

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
        self._patience.began = self._now
        self.prospects.take(said.health, self._now)
        asked = None if self._first is None else self.graph.arcs[self._first].tool
        if self._first is not None and asked not in self.prospects.barred:
            cost = self.prospects.weight(self._first)
            self._route = (self._first,)
            self._tell_plan("plan", Route(self._route, cost, cost), why=f"{asked} is asked for")
            return
        found = self.prospects.best(self.goal)
        if found is None:
            self._deadlock("there is no route")
            return
        self._follow(found)
        why = {"why": f"{asked} is barred: {self.prospects.barred[asked].why}"} if asked else {}
        self._tell_plan("plan", found, **why)

    def _came(self, said: Came) -> None:
        call = self._calls.running.pop(said.call)._replace(seq=said.seq)
        if said.args is not None:
            call = call._replace(args=said.args)
        if said.outcome is None:
            self._refused(call, said.refused)
            return
        spec = self.graph.tools[call.tool]
        judged = judge(said.outcome, spec, self.graph.clean.get(call.tool, ()))
        if judged.how == "ok":
            assert isinstance(said.outcome, Ok)
            judged = Judged("wrong", said.refused) if said.refused else self._served(call, said.outcome.value)
        self._orders.append(Seen(call.tool, judged.how))
        if judged.how == "ok":
            self.prospects.served(call.tool)
        else:
            self._failed(call, judged)

    def _settled(self, said: Settled) -> None:
        call = self._calls.running.pop(said.call)
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
        elif said.decided == "absent" and (until := self._again_at(call)) is not None:
            self._calls.waiting.append(call._replace(attempt=call.attempt + 1, until=until, doubt=""))
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
        refused = refusal_of(choice, self.prospects.menu(self.goal), self.prospects.next_up(), self._asked_about)
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
        self._in_doubt += tuple(
            call.tool for call in self._calls.running.values() if tools[call.tool].effect == "write"
        )
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
            self.holdings.writes.append(self._caller.written(call, result))
        self.holdings.hold(call.tool, call.used, facts, call.bit)
        return Judged("ok")

    def _failed(self, call: Call, judged: Judged) -> None:
        spec = self.graph.tools[call.tool]
        how = judged.how
        if how == "wrong":
            how = "permanent" if spec.effect == "read" else "doubt"
        again = how == "transient" or (how == "doubt" and spec.repeatable(call.args))
        until = self._again_at(call) if again else None
        if until is not None:
            self._tell("retry", after=call.seq, tool=call.tool, until=until, why=judged.why)
            doubt = call.doubt or (judged.why if how == "doubt" else "")
            self._calls.waiting.append(call._replace(attempt=call.attempt + 1, until=until, doubt=doubt))
        elif how == "doubt" or call.pinned:  # an attempt before this one may have happened
            why = f"{judged.why}, after {call.doubt}" if call.doubt not in ("", judged.why) else judged.why
            self._tell("settle", after=call.seq, tool=call.tool, why=why)
            self._settle(call, why)
        else:
            self._give_up(call, judged.why, down=how == "transient")

    def _again_at(self, call: Call) -> int | None:
        """Give when a call may be made again, None where it may not: a probe is not repeated, an end is an end."""
        if call.tool in self.prospects.probing or (self._stopping and call.undoes is None):
            return None
        return self._patience.again_at(call, self._now)

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

    def _left(self, call: Call, why: str) -> None:
        """End the route because nobody knows whether a call happened: nothing more is done, nothing taken back."""
        self._escalated([Failure(-1, call.tool, f"it is not known whether {call.tool} happened: {why}")])
        self._in_doubt += (call.tool,)
        self._stop(f"{call.tool} is in doubt: {why}", take_back=False)
