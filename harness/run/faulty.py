"""Faults that strike the calls of a run, and are told in its trace.

A fault lies inside the effect of the call that it strikes, and so does the event that tells of it: on replay the
outcome comes from the record, and the event with it. Which calls are struck hangs on the plan and on the calls alone,
so a run that is resumed goes on being struck where it would have been.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from harness.determinism.address import acting
from harness.faults.file import plan_of
from harness.faults.plan import Aim, Fault, Plan, Strike, Target
from harness.faults.service import Effect, changed, effect_of
from harness.run.drive import Rewritten, Run, say
from harness.run.inputs import Call
from harness.trace.diff import first_difference
from harness.trace.outcome import Ok, Outcome, to_body

_REMEMBERED: Final = 8  # results of each tool, for one that is stale


def faults_of(run: Mapping[str, Any]) -> Faults | None:
    """Give the faults that the header of a run says strike it."""
    return Faults(plan_of(run["faults"]), run.get("agent", "main")) if "faults" in run else None


class Faults:
    """The faults of one run. ``agent`` is who acts where nobody else is named."""

    def __init__(self, plan: Plan, agent: str = "main") -> None:
        self._aim, self._agent = Aim(plan), agent
        self._earlier: dict[str, deque[Any]] = {}

    def around(
        self, run: Run, action: int, wanted: Call, effect: Callable[[Rewritten], Outcome]
    ) -> Callable[[Rewritten], Outcome]:
        """Give the effect of a call with its faults around it; each call is to be shown once, performed or not."""
        strikes = self._strikes(wanted)

        def struck(rewritten: Rewritten) -> Outcome:
            made, clean = effect_of(strikes), None
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
        strikes = self._strikes(wanted)

        async def struck(rewritten: Rewritten) -> Outcome:
            made, clean = effect_of(strikes), None
            for _ in range(made.times if made.instead is None else 0):
                clean = await effect(rewritten)
            if made.delay_ms:
                await asyncio.sleep(made.delay_ms / 1000)
            return self._told(run, action, wanted.tool, made, clean)

        return struck

    def _strikes(self, wanted: Call) -> tuple[Strike, ...]:
        target = Target(wanted.surface, wanted.tool, wanted.args, acting.get() or self._agent)
        return tuple(self._aim.strikes(target))

    def _told(self, run: Run, action: int, tool: str, made: Effect, clean: Outcome | None) -> Outcome:
        """Give what the agent gets, and tell of each fault what difference it made."""
        earlier = self._earlier.setdefault(tool, deque(maxlen=_REMEMBERED))
        outcome = clean
        for strike in made.strikes:
            before = outcome
            if strike is made.by:
                outcome = made.instead
            elif outcome is not None:
                outcome = changed(strike, outcome, earlier)
            acts = strike is made.by or _acts(strike.fault, clean)
            say(run, "fault", _said(action, strike.fault, clean, acts, (before, outcome)))
        if isinstance(clean, Ok):
            earlier.append(clean.value)
        assert outcome is not None
        return outcome


def _acts(fault: Fault, clean: Outcome | None) -> bool:
    """Tell whether a fault has an effect that no outcome shows: time passes, or what is performed happens again."""
    return fault.kind == "delay" or (fault.kind == "duplicate" and clean is not None)


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
