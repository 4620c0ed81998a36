"""What the trace of a struck run shows of how a fault was met, beside that of its twin without the fault.

What agents *did* is compared: their calls, and their messages as data that are equal or not. What anybody said about it
is not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.stress.seen import Made, Seen, seen_of
from harness.trace.event import Event

_FAILED: Final = ("failed", "refused", "unknown")


class Evidence(NamedTuple):
    """What a struck run shows that its twin does not. The *struck* agents are those whose calls the fault changed.

    ``own``, ``others``: the struck agents, and all others, did the same as in the twin. ``settled``: what was written
    last is what the twin wrote. ``failed``: a call of the struck agents failed, was refused, or was asked for by their
    model and never made. ``asked``: it was they who began to talk oftener than in the twin, or they called a tool that
    asks; ``peers``: another agent began. ``ruled``: a rule refused something. ``sought``: they read something more.
    ``elsewhere``: an agent that is not struck wrote something more. ``filtered``: of a message that was led astray no
    copy came to a model that had none in the twin.
    """

    own: bool
    others: bool
    settled: bool
    failed: bool = False
    peers: bool = False
    ruled: bool = False
    asked: bool = False
    sought: bool = False
    elsewhere: bool = False
    filtered: bool = False


def evidence_of(
    kind: str,
    clean: Sequence[Event],
    struck: Sequence[Event],
    *,
    writes: Collection[str],
    asks: Collection[str] = (),
) -> Evidence | str:
    """Collect what two runs show, or say why nobody can tell: the fault is inert, or there is nothing to compare.

    ``writes`` and ``asks`` are as in ``harness.stress.tolerance.tiers.met``. O(events × agents).
    """
    before, after = seen_of(clean), seen_of(struck)
    strikes = [one for one in after.struck if one.kind == kind and one.effective]
    if not strikes:
        return "inert: the fault made no difference"
    if not _written(before, writes):
        return "unknown: the twin wrote nothing that could be compared"
    by = {call.seq: call for call in after.calls}
    calls = [by[one.action] for one in strikes]
    runs = _Runs(before, after, min(call.seq for call in calls), frozenset(call.agent for call in calls))
    found = runs.evidence(frozenset(writes), frozenset(asks))
    return found._replace(
        failed=found.failed or _unmade(clean, struck, runs.agents),
        filtered=all(_filtered(clean, struck, call) for call in calls if call.surface != "model"),
    )


class _Runs(NamedTuple):
    """Two runs, the first call that was struck in the second, and whose those calls were."""

    before: Seen
    after: Seen
    first: int
    agents: frozenset[str]

    def evidence(self, writes: frozenset[str], asks: frozenset[str]) -> Evidence:
        """Compare what agents did."""
        new = list(_new(self.before, self.after, self.first))
        own = [call for call in new if call.agent in self.agents]
        others = {call.agent for call in (*self.before.calls, *self.after.calls)} - self.agents
        began = next((call.agent for call in self._oftener()), None)
        return Evidence(
            own=_acts(self.before, self.agents) == _acts(self.after, self.agents),
            others=_acts(self.before, others) == _acts(self.after, others),
            settled=_settled(self.before, self.after, writes),
            failed=any(call.came in _FAILED for call in own),
            peers=began is not None and began not in self.agents,
            ruled=any(call.came == "refused" for call in new),
            asked=began in self.agents or any(call.tool in asks for call in own),
            sought=any(_reads(call, writes) and call.came == "ok" for call in own),
            elsewhere=any(call.tool in writes and call.agent not in self.agents for call in new),
        )

    def _oftener(self) -> Iterator[Made]:
        """Yield the messages from a strike on by which one agent tells another more often than in the twin."""
        left = Counter((call.agent, _told(call)) for call in self.before.calls if _told(call))
        for call in self.after.calls:
            pair = call.agent, _told(call)
            if pair[1] is None:
                continue
            left[pair] -= 1
            if left[pair] < 0 and call.seq > self.first:
                yield call


def _new(before: Seen, after: Seen, first: int) -> Iterator[Made]:
    """Yield the calls from a strike on that stand in no twin as often: those that came of it."""
    left = Counter(_named(call) for call in before.calls if call.surface != "model")
    for call in after.calls:
        if call.surface == "model":
            continue
        if left[_named(call)] > 0:
            left[_named(call)] -= 1
        elif call.seq >= first:
            yield call


def _named(call: Made) -> tuple[str, str, str, bytes]:
    return call.agent, call.tool, call.came, canonical.encode_as_is(dict(call.args))


def _acts(seen: Seen, agents: Collection[str]) -> list[tuple[str, str, str, bytes]]:
    return [_named(call) for call in seen.calls if call.agent in agents and call.surface != "model"]


def _told(call: Made) -> str | None:
    return call.args.get("to") if call.surface in ("message", "handoff") else None


def _reads(call: Made, writes: frozenset[str]) -> bool:
    return call.surface in ("tool", "memory", "server") and call.tool not in writes


def _written(seen: Seen, writes: Collection[str]) -> dict[str, list[bytes]]:
    """Give what was written, in order, by tool."""
    written: dict[str, list[bytes]] = {}
    for call in seen.calls:
        if call.tool in writes and call.came == "ok":
            written.setdefault(call.tool, []).append(canonical.encode_as_is(dict(call.args)))
    return written


def _settled(before: Seen, after: Seen, writes: frozenset[str]) -> bool:
    """Tell whether each tool was at last given what the twin gave it, and none that the twin never used."""
    wanted, written = _written(before, writes), _written(after, writes)
    return set(wanted) == set(written) and all(written[tool][-len(last) :] == last for tool, last in wanted.items())


# --- what models were asked -------------------------------------------------------------------------------------------


def _unmade(before: Sequence[Event], after: Sequence[Event], agents: frozenset[str]) -> bool:
    """Tell whether models of some agents were told of calls that were never made, oftener than in the twin."""
    return _answered(after, agents) - _made(after, agents) > _answered(before, agents) - _made(before, agents)


def _answered(events: Sequence[Event], agents: frozenset[str]) -> int:
    return sum(one.get("role") == "tool" for one in _asked(events, agents))


def _made(events: Sequence[Event], agents: frozenset[str]) -> int:
    return sum(
        event.kind == "action" and event.agent in agents and event.body["surface"] in ("tool", "memory", "server")
        for event in events
    )


def _filtered(before: Sequence[Event], after: Sequence[Event], message: Made) -> bool:
    """Tell whether no agent's model was given a message oftener at once than in the twin."""
    usual = _copies(before, message)
    return all(count <= usual[agent] for agent, count in _copies(after, message).items())


def _copies(events: Sequence[Event], message: Made) -> Counter[str]:
    """Give how often a message stands, at most, in one of those that each agent's model was asked."""
    content, copies = message.args.get("content"), Counter[str]()
    for agent in {event.agent for event in events} if isinstance(content, str) and content else ():
        said = (str(one.get("content") or "") for one in _asked(events, {agent}) if one.get("role") == "user")
        copies[agent] = max((text.count(str(content)) for text in said), default=0)
    return copies


def _asked(events: Sequence[Event], agents: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the messages that models were asked, each when it was new."""
    for event in events:
        if event.kind == "action" and event.body["surface"] == "model" and event.agent in agents:
            messages = event.body["args"].get("messages")
            yield from (one for one in messages if isinstance(one, dict)) if isinstance(messages, list) else ()
