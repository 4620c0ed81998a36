"""Faults that strike the calls of a run, and are told in its trace.

A fault lies inside the effect of the call that it strikes, and so does the event that tells of it: on replay the
outcome comes from the record, and the event with it. Which calls are struck hangs on the plan and on the calls alone,
so a run that is resumed goes on being struck where it would have been. What goes to another agent is no effect: there
the fault strikes again on replay, and its event has to come out equal.

Calls of models are struck where their requests pass (``adapters.struck``): what they say has the form of an API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from harness.determinism.address import acting, effects_around, inside
from harness.faults.delivery import recipients
from harness.faults.file import plan_of
from harness.faults.plan import Aim, Fault, Plan, Strike, Target
from harness.faults.service import Effect, changed, effect_of
from harness.run.drive import Rewritten, Run, say
from harness.run.inputs import Call
from harness.trace.again import performs_again
from harness.trace.diff import first_difference
from harness.trace.event import Event
from harness.trace.outcome import Ok, Outcome, from_body, to_body

_REMEMBERED: Final = 8  # results of each tool, for one that is stale


def faults_of(run: Mapping[str, Any]) -> Faults | None:
    """Give the faults that the header of a run says strike it."""
    return Faults(plan_of(run["faults"]), run.get("agent", "main")) if "faults" in run else None


class Faults:
    """The faults of one run. ``agent`` is who acts where nobody else is named."""

    def __init__(self, plan: Plan, agent: str = "main") -> None:
        self._aim, self._agent = Aim(plan), agent
        self._earlier: dict[str, dict[int, Any]] = {}  # results of each tool, by the action
        self._recalled: dict[int, str] = {}  # the tools of recorded calls
        self._adopted: dict[int, Event] = {}  # recorded calls inside effects, whose end has not been told
        self._within: dict[int, list[Target]] = {}  # those that have ended and are not counted, by whose effect it is
        self._struck: dict[int, tuple[Strike, ...]] = {}

    def around(
        self, run: Run, action: int, wanted: Call, effect: Callable[[Rewritten], Outcome]
    ) -> Callable[[Rewritten], Outcome]:
        """Give the effect of a call with its faults around it; each call is to be shown once, performed or not."""
        made = effect_of(self.strikes(run, action, wanted))

        def struck(rewritten: Rewritten) -> Outcome:
            clean = None
            for _ in range(made.times if made.instead is None else 0):
                clean = effect(rewritten)
            if made.delay_ms:
                run.world.wait(int(made.delay_ms * 1e6))
            return self._told(run, action, wanted.tool, made, clean)

        return struck

    def aaround(
        self,
        run: Run,
        action: int,
        wanted: Call,
        effect: Callable[[Rewritten], Coroutine[Any, Any, Outcome]],
    ) -> Callable[[Rewritten], Coroutine[Any, Any, Outcome]]:
        """Do what ``around`` does for an asynchronous effect."""
        made = effect_of(self.strikes(run, action, wanted))

        async def struck(rewritten: Rewritten) -> Outcome:
            clean = None
            try:
                for _ in range(made.times if made.instead is None else 0):
                    clean = await effect(rewritten)
                if made.delay_ms:
                    await asyncio.sleep(made.delay_ms / 1000)
            except asyncio.CancelledError:
                if clean is not None or made.instead is not None:  # nobody has waited for what the faults have added
                    self._told(run, action, wanted.tool, made, clean)
                raise
            return self._told(run, action, wanted.tool, made, clean)

        return struck

    def strikes(self, run: Run, action: int, wanted: Call) -> tuple[Strike, ...]:
        """Give the faults that strike a call as it is to be performed; each call is to be shown once."""
        for outer in [one for one in self._within if one in self._recalled]:
            for inner in self._within.pop(outer):
                tuple(self._aim.strikes(inner))  # it has struck them: they are only counted
        target = Target(wanted.surface, wanted.tool, wanted.args, acting.get() or self._agent)
        run.machine.shared.agents.add(target.agent)
        strikes = tuple(self._aim.strikes(target))
        if strikes:
            self._struck[action] = strikes
        return strikes

    def receivers(self, run: Run, action: int, wanted: Call, declared: Iterable[str]) -> list[str]:
        """Give who gets a message, in order, or who acts after a handoff, and tell of each fault.

        ``declared`` are the agents that are known before any has acted.
        """
        strikes, agents = self.strikes(run, action, wanted), run.machine.shared.agents
        agents.add(wanted.args["to"])
        sender, to = acting.get() or self._agent, [wanted.args["to"]]
        for strike in strikes:
            before, known = to, sorted({*declared, *agents, self._agent})
            to = [one for meant in before for one in recipients(strike, sender, meant, known)]
            body = {"action": action, "fault": strike.fault.name, "kind": strike.fault.kind}
            say(run, "fault", {**body, "effective": to != before, "to": to})
        return to

    def _told(self, run: Run, action: int, tool: str, made: Effect, clean: Outcome | None) -> Outcome:
        """Give what the agent gets, and tell of each fault what difference it made."""
        earlier = tuple(self._earlier.get(tool, {}).values())
        outcome = clean
        for strike in made.strikes:
            before = outcome
            if strike is made.by:
                outcome = made.instead
            elif outcome is not None:
                outcome = changed(strike, outcome, earlier)
            acts = strike is made.by or _acts(strike.fault, clean, made.times)
            say(run, "fault", _said(action, strike.fault, clean, acts, (before, outcome)))
        self._remember(tool, action, clean)
        assert outcome is not None
        return outcome

    # --- calls that are not performed again --------------------------------------------------------------------------

    def delays(self, action: int) -> bool:
        """Tell whether a call that was shown is answered later than without its faults."""
        return effect_of(self.shown(action)).delay_ms > 0

    def shown(self, action: int) -> tuple[Strike, ...]:
        """Give the faults that strike a call which was shown."""
        return self._struck.get(action, ())

    def pass_by(self, did: Iterable[Event]) -> None:
        """Count calls that were made inside an effect which is taken from another trace; they are not struck.

        What came of them in truth is remembered.
        """
        tools: dict[int, str] = {}
        clean: dict[int, dict[str, Any]] = {}
        for event in did:
            body = event.body
            if event.kind == "action":
                tools[event.seq] = body["tool"]
                tuple(self._aim.strikes(Target(body["surface"], body["tool"], body["args"], event.agent)))
            elif event.kind == "fault" and "clean" in body:
                clean.setdefault(body["action"], body["clean"])
            elif event.kind == "observation" and (action := body["action"]) in tools:
                # numbered below those of this run's own calls
                self._remember(tools[action], -1 - action, from_body(clean.get(action, body)))

    def on_record(self, run: Run, action: int, tool: str, clean: Outcome | None) -> Outcome:
        """Give what becomes of a call that is not performed because a record knows its outcome, and tell of it.

        ``clean`` is what the effect gave, None where a fault takes its place. Nothing happens twice: of a duplicate the
        second outcome is the recorded one, so that it changes nothing.
        """
        with inside(action):
            return self._told(run, action, tool, effect_of(self.shown(action))._replace(times=1), clean)

    def recalled(self, action: int, tool: str, outcome: Outcome) -> None:
        """Take note of what the record says of a call; what came in truth may be told by a fault that is adopted."""
        self._recalled[action] = tool
        self._remember(tool, action, outcome)

    def adopt(self, event: Event) -> None:
        """Take over a recorded event of an effect: its calls count, and what came of them in truth is remembered.

        Those of an effect that is performed again do not count: it makes them again.
        """
        body, (outer, *_) = event.body, effects_around(event.task)
        if event.kind == "action":
            self._adopted[event.seq] = event
            self._recalled[event.seq] = body["tool"]
        elif event.kind == "fault" and "clean" in body and body["action"] in self._recalled:
            self._remember(self._recalled[body["action"]], body["action"], from_body(body["clean"]))
        elif event.kind == "note" and performs_again(event):
            self._within.pop(outer, None)
        elif event.kind == "observation" and (action := self._adopted.pop(body["action"], None)) is not None:
            said = action.body
            target = Target(said["surface"], said["tool"], said["args"], event.agent)
            self._within.setdefault(outer, []).append(target)
            if action.seq not in self._earlier.get(target.tool, ()):
                self._remember(target.tool, action.seq, from_body(body))

    def _remember(self, tool: str, action: int, outcome: Outcome | None) -> None:
        if isinstance(outcome, Ok):
            results = self._earlier.setdefault(tool, {})
            results[action] = outcome.value
            if len(results) > _REMEMBERED:
                del results[next(iter(results))]


def _acts(fault: Fault, clean: Outcome | None, times: int) -> bool:
    """Tell whether a fault has an effect that no outcome shows: time passes, or what is performed happens again."""
    return fault.kind == "delay" or (fault.kind == "duplicate" and clean is not None and times > 1)


def _said(
    action: int, fault: Fault, clean: Outcome | None, acts: bool, outcomes: tuple[Outcome | None, Outcome | None]
) -> dict[str, Any]:
    """Give what the trace says of a fault that has struck: what came in truth, and the proof of its effect.

    ``outcomes`` are those before and after it, None where nothing has come yet.
    """
    body: dict[str, Any] = {"action": action, "fault": fault.name, "kind": fault.kind}
    if clean is not None:
        body["clean"] = to_body(clean)
    before, after = outcomes
    difference = None if before is None or after is None else first_difference(to_body(before), to_body(after))
    return body | {"effective": acts or difference is not None} | ({"at": difference.pointer} if difference else {})
