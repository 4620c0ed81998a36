"""Which tier of a team met a fault, and whether it held: told by what its trace shows beside that of its clean twin.

A team meets a fault by its mechanism (M: its structure, its retries, its critics), by rules (L: what is refused, or
never reaches a model), by its prompts (P), or by what its models make of it (R). arXiv 2602.19843 says of each fault
which behaviours there are, and which tiers those speak of; its table is ``BEHAVIOURS``, with rows of our own where the
paper has none. What decides is what agents *did*: their calls, and their messages as data that are equal or not. What
anybody said about it is not read.

What this does not verify: that the task was done. That is told by data outside of the trace, and counted beside it
(``harness.statistics.tolerance``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.statistics.tolerance import TIERS, Came, Tier
from harness.stress.seen import Made, Seen, seen_of
from harness.trace.event import Event

_FAILED: Final = ("failed", "refused", "unknown")


class Evidence(NamedTuple):
    """What the trace of a struck run shows that its clean twin does not.

    The *struck* agents are those whose calls the fault has changed. ``own``: they did the same as in the twin.
    ``settled``: what was written last is what the twin wrote. ``failed``: a call of theirs failed, was refused, or was
    asked for and never made. ``asked``: they began to talk oftener than in the twin, or called one of the tools that
    ask; ``peers``: another agent began. ``ruled``: a rule refused something. ``sought``: they read something.
    ``elsewhere``: an agent wrote that is not struck. ``filtered``: of a message that was led astray no copy came to a
    model that had none in the twin.
    """

    own: bool
    settled: bool
    failed: bool = False
    peers: bool = False
    ruled: bool = False
    asked: bool = False
    sought: bool = False
    elsewhere: bool = False
    filtered: bool = False


class Behaviour(NamedTuple):
    """One way in which a fault is met: what it is called, when it is seen, and the tiers of which it speaks.

    ``when`` are names of evidence that have to be there, or with ``!`` not. ``ours`` marks what the paper lacks.
    """

    name: str
    when: str
    tiers: str
    ours: bool = False

    def fits(self, evidence: Evidence) -> bool:
        """Tell whether the evidence is of this behaviour."""
        return all(getattr(evidence, one.lstrip("!")) is not one.startswith("!") for one in self.when.split())

    @property
    def came(self) -> dict[Tier, Came]:
        """Give the tiers that were triggered, and what each came to."""
        said = dict(zip(self.tiers[::2], self.tiers[1::2], strict=True))
        return {tier: "held" if said[tier] == "+" else "failed" for tier in TIERS if tier in said}


class Met(NamedTuple):
    """How a fault was met: ``behaviour`` is None where the trace does not tell, with the reason in ``why``."""

    kind: str
    behaviour: Behaviour | None
    evidence: Evidence | None = None
    why: str = ""

    @property
    def tiers(self) -> dict[Tier, Came]:
        """Give the tiers that were triggered; none where nobody can tell."""
        return {} if self.behaviour is None else self.behaviour.came


_PEERS: Final = (
    Behaviour("unnoticed, peers repair it", "peers settled", "M+R-", ours=True),
    Behaviour("unnoticed, peers fail", "peers !settled", "M-R-", ours=True),
)
_ACTION: Final = (
    Behaviour("corrects it", "failed settled", "M+R+"),
    Behaviour("several mend it", "peers settled", "M+R+"),
    Behaviour("redundancy or retry", "settled", "M+"),
    Behaviour("reacts and fails", "failed !settled", "M+R-"),
    Behaviour("reacts and fails", "peers !settled", "M+R-"),
    Behaviour("no tolerance", "!settled", ""),
)
_STORM: Final = (
    Behaviour("filtered", "filtered", "L+"),
    Behaviour("not filtered, harmless", "settled", "L-R+"),
    Behaviour("not filtered, harmful", "!settled", "L-R-"),
)

BEHAVIOURS: Final[dict[str, tuple[Behaviour, ...]]] = {
    "RA": (
        Behaviour("unaffected", "own", "P+"),
        Behaviour("disturbed, filtered", "ruled settled", "L+P-"),
        Behaviour("disturbed, the filter does not help", "ruled !settled", "L-P-"),
        Behaviour("disturbed, peers compensate", "peers settled", "M+P-"),
        Behaviour("disturbed, peers fail", "peers !settled", "M-P-"),
        Behaviour("disturbed, recovers", "settled", "M+P-"),
        Behaviour("disturbed, nothing helps", "!settled", "P-"),
    ),
    "BT": (
        Behaviour("no judgement needed", "own settled", "M+P+"),
        Behaviour("judges, peers repair it", "asked settled elsewhere", "M+P+R+"),
        Behaviour("judges and repairs it", "asked settled", "P+R+"),
        Behaviour("judges and repairs it", "sought settled", "P+R+"),
        Behaviour("judges, and the repair fails", "asked !settled", "P+R-"),
        Behaviour("judges, and the repair fails", "sought !settled", "P+R-"),
        Behaviour("accepts all, and it is mended elsewhere", "settled", "M+P-", ours=True),
        Behaviour("accepts all", "!settled", "P-"),
    ),
    "ILC": (
        Behaviour("detects it, asks", "asked settled !peers", "M+R+"),
        *_PEERS,
        Behaviour("ignores it", "own", "R+"),
        Behaviour("tries to correct it", "settled", "R+"),
        Behaviour("detects it, cannot ask", "asked !settled", "M-R+"),
        Behaviour("unnoticed", "!settled", "R-"),
    ),
    "IA": (
        Behaviour("notices it, asks", "asked settled !peers", "M+R+"),
        *_PEERS,
        Behaviour("notices it, guesses", "settled", "R+"),
        Behaviour("notices it, cannot ask", "asked !settled", "M-R+"),
        Behaviour("unnoticed", "!settled", "R-"),
    ),
    "MS": _STORM,
    "MBA": _STORM,
    "MC": (
        Behaviour("filtered", "filtered settled", "L+"),
        Behaviour("harmless", "settled", "R+"),
        Behaviour("harmful", "!settled", "R-"),
    ),
    "H": (
        Behaviour("repaired from outside", "peers settled", "M+R-"),
        Behaviour("repaired from outside", "failed settled", "M+R-"),
        Behaviour("detects it, seeks the truth", "asked settled", "M+R+"),
        Behaviour("detects it, seeks the truth", "sought settled", "M+R+"),
        Behaviour("infers what is meant", "settled", "R+"),
        Behaviour("executed, peers fail", "peers !settled", "M-R-", ours=True),
        Behaviour("executed", "!settled", "R-"),
    ),
    "CIL": (
        Behaviour("repaired from outside", "peers settled", "M+R-"),
        Behaviour("repairs itself", "asked settled", "M+R+"),
        Behaviour("repairs itself", "sought settled", "M+R+"),
        Behaviour("avoids using it", "own settled", "R+"),
        Behaviour("the process restores it", "settled", "M+"),
        Behaviour("ignored, peers fail", "peers !settled", "M-R-", ours=True),
        Behaviour("ignored", "!settled", "R-"),
    ),
    "ML": (
        Behaviour("repaired from outside", "peers settled", "M+R+"),
        Behaviour("repairs itself", "asked settled", "R+"),
        Behaviour("repairs itself", "sought settled", "R+"),
        Behaviour("avoids needing it", "own settled", "R+"),
        Behaviour("the process restores it", "settled", "M+"),
        Behaviour("ignored, peers fail", "peers !settled", "M-R-", ours=True),
        Behaviour("ignored", "!settled", "R-"),
    ),
    "IP": (
        Behaviour("the process restores it", "peers settled", "M+"),
        Behaviour("the process restores it", "failed settled", "M+"),
        Behaviour("skips what is bad", "settled", "R+"),
        Behaviour("reacts and fails", "failed !settled", "M+R-"),
        Behaviour("reacts and fails", "peers !settled", "M+R-"),
        Behaviour("no tolerance", "!settled", ""),
    ),
    "CLV": (
        Behaviour("asks", "asked settled !peers !own", "M+R+"),
        Behaviour("ignores the padding", "own settled", "R+"),
        Behaviour("the architecture filters it", "ruled settled", "L+"),
        Behaviour("the process restores it", "settled", "M+", ours=True),
        Behaviour("no tolerance", "!settled", ""),
    ),
    "TSE": _ACTION,
    "PFE": _ACTION,
    "TFE": _ACTION,
}
"""How each fault may be met, the first that fits first; tiers are as published unless ``ours``."""


def met(
    kind: str,
    clean: Iterable[Event],
    struck: Iterable[Event],
    *,
    writes: Collection[str],
    asks: Collection[str] = (),
) -> Met:
    """Tell how a fault was met, by the events of the struck run and of its twin without the fault.

    ``writes`` are the tools whose calls are what a run comes to, ``asks`` those by which an agent asks somebody outside
    of the team. Nobody can tell where the fault made no difference, or where the twin wrote nothing. O(events).
    """
    twin, faulty = list(clean), list(struck)
    before, after = seen_of(twin), seen_of(faulty)
    strikes = [one for one in after.struck if one.kind == kind and one.effective]
    if not strikes:
        return Met(kind, None, why="inert: the fault made no difference")
    if not _written(before, writes):
        return Met(kind, None, why="unknown: the twin wrote nothing that could be compared")
    first = min(one.action for one in strikes)
    by = {call.seq: call for call in after.calls}
    struck_calls = [by[one.action] for one in strikes]
    runs = _Runs(before, after, first, frozenset(call.agent for call in struck_calls))
    evidence = runs.evidence(frozenset(writes), frozenset(asks))
    evidence = evidence._replace(
        failed=evidence.failed or _unmade(twin, faulty, runs.agents),
        filtered=all(_filtered(twin, faulty, call) for call in struck_calls if call.surface != "model"),
    )
    found = next((one for one in BEHAVIOURS[kind] if one.fits(evidence)), None)
    return Met(kind, found, evidence, "" if found else "unknown: the trace shows none of the published behaviours")


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
        began = next((call.agent for call in self._oftener()), None)
        return Evidence(
            own=_acts(self.before, self.agents) == _acts(self.after, self.agents),
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


def _acts(seen: Seen, agents: frozenset[str]) -> list[tuple[str, str, str, bytes]]:
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
