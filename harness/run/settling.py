"""What became of a call of a route that may have happened: its probe is asked, and where that cannot tell, a person."""

from __future__ import annotations

from typing import Any

from harness.routing.orders import Settle, Settled
from harness.run.doubt import Settled as Doubtless
from harness.run.doubt import reading
from harness.run.drive import Attempt, aattempt, attempt
from harness.run.journey import Journey
from harness.trace.outcome import Ok


def settle(journey: Journey, order: Settle) -> Settled:
    """Ask a call's probe, and where that does not tell, a person."""
    found: Doubtless | str = "no tool can tell"
    probing, failed = journey.hands.probe(order.tool, order.args), -1
    if probing is not None:
        how = attempt(journey.run, *journey.serving(*journey.hands.call(*probing)))
        found, failed = _told(probing[0], journey.heard(how))
    if isinstance(found, Doubtless):
        return _settled(journey, order, found)
    return _answered(journey, order, found, failed, journey.ask(_question(order, found)))


async def asettle(journey: Journey, order: Settle) -> Settled:
    """Do what ``settle`` does in an asynchronous agent."""
    found: Doubtless | str = "no tool can tell"
    probing, failed = journey.hands.probe(order.tool, order.args), -1
    if probing is not None:
        how = await aattempt(journey.run, *journey.serving(*journey.hands.acall(*probing)))
        found, failed = _told(probing[0], journey.heard(how))
    if isinstance(found, Doubtless):
        return _settled(journey, order, found)
    return _answered(journey, order, found, failed, await journey.aask(_question(order, found)))


def _told(probe: str, how: Attempt) -> tuple[Doubtless | str, int]:
    """Read what a probe said; with the event that says so where it failed."""
    if isinstance(how.outcome, Ok) and how.refused is None:
        return reading(probe, how.outcome.value), -1
    said = str(how.refused) if how.refused is not None else f"the probe {probe} failed"
    return said, how.seq


def _settled(journey: Journey, order: Settle, found: Doubtless) -> Settled:
    decided = "found" if found.outcome is not None else "absent"
    return Settled(journey.run.machine.at, order.call, decided, found.why, found.outcome)  # type: ignore[arg-type]


def _question(order: Settle, unclear: str) -> dict[str, Any]:
    return {"in_doubt": {"args": order.args, "tool": order.tool, "unclear": unclear, "why": order.why}}


def _answered(journey: Journey, order: Settle, unclear: str, probe: int, choice: Any) -> Settled:
    """Read a person's word on whether a call happened: ``happened`` with its ``result``, or ``again``."""
    at, why = journey.run.machine.at, f"{order.why}; {unclear}"
    known = choice if isinstance(choice, dict) else None
    match known:
        case {"happened": True, **rest} if not rest.keys() - {"result"}:
            outcome = Ok(rest.get("result"))
            return Settled(at, order.call, "found", "a person says that it happened", outcome, probe, known)
        case {"happened": False, **rest} if not rest:
            return Settled(at, order.call, "absent", "a person says that it did not happen", None, probe, known)
        case {"again": True, **rest} if not rest:
            return Settled(at, order.call, "again", "a person allows it", None, probe, known)
        case None:
            return Settled(at, order.call, "left", f"{why}; nobody was there to ask", None, probe)
        case _:
            return Settled(at, order.call, "left", f"{why}; the answer does not say", None, probe, known)
