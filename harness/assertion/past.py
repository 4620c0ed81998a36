"""The past of one run, as far as its registry asks about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from typing import Any, Final, NamedTuple

from harness.assertion.entry import Clock, Entry, doubt_of
from harness.assertion.hearsay import Hearsay
from harness.assertion.leaves import leaves_of
from harness.assertion.monitor import Monitor
from harness.assertion.obligation import Obligation, Obligations
from harness.assertion.provenance import Kind, Provenance
from harness.assertion.trust import Standing
from harness.determinism import canonical
from harness.registry.compile import MISS
from harness.registry.explain import Explanation, key_of_event
from harness.registry.plan import Plan
from harness.registry.program import Program, Watches
from harness.registry.values import Number, Undefined, number, truth
from harness.tool import Trust

MAX_LEAVES: Final = 200  # of a structure that is asked for as a whole

Kept = tuple[Monitor | Obligations, Entry]
Entries = list[Kept]


class Happening(NamedTuple):
    """An event as questions see it: its number, where it stands in the run, its names, and ``compile.ARGUMENTS``."""

    seq: int
    step: int
    at: int
    names: dict[str, Any]
    arguments: tuple[Any, ...]


class Past:
    """Keep what the questions of a registry need of the past, and where its values came from.

    ``asked`` holds a monitor, or the open obligations, for each of the program's plans. It is also the ``Present`` that
    expressions see: ``run``, ``elapsed_s``, ``trust_of``, ``origins``.
    """

    def __init__(
        self, program: Program, parameters: dict[str, Any], run: dict[str, Any], trust: Standing | None = None
    ) -> None:
        self.run, self.clock = run, Clock()
        self.trust_of = (trust or Standing({})).of
        self.asked: list[Monitor | Obligations] = []
        self._parameters = parameters
        for plan in program.plans:
            self.asked.append(self._keeper(plan))
        self.obligations = [one for one in self.asked if isinstance(one, Obligations)]
        self._known: dict[str, list[dict[str, Any]]] = {}  # origins of texts, until something is learnt
        self._provenance = Provenance() if program.asks_sources else None
        self._hearsay = Hearsay()
        self._kept: dict[str, bytes] = {}  # digests of what the agents of this run have put in shared memory, by key
        self.learn(list(parameters.values()), "registry", trust="trusted")

    def _keeper(self, plan: Plan) -> Monitor | Obligations:
        if plan.verb == "must_follow":
            return Obligations(plan, self.clock)
        since = self.asked[plan.since] if plan.since >= 0 else None
        assert not isinstance(since, Obligations)
        return Monitor(plan, self.clock, since)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the run."""
        return self.clock.at / 1e9

    @property
    def asks_sources(self) -> bool:
        """Whether anything asks where values come from."""
        return self._provenance is not None

    def origins(self, value: Any) -> list[dict[str, Any]]:
        """Tell where a value came from, best known origin first; empty where nothing but the model knew it."""
        if self._provenance is None:
            return []
        if type(value) is not str:
            if sum(1 for _ in islice(leaves_of(value, ()), MAX_LEAVES + 1)) > MAX_LEAVES:
                raise Undefined(f"a structure of more than {MAX_LEAVES} values; ask for its parts")
            return [origin._asdict() for origin in self._provenance.origins(value)]
        if value not in self._known:
            self._known[value] = [origin._asdict() for origin in self._provenance.origins(value)]
        return self._known[value]

    def learn(self, value: Any, kind: Kind, *, tool: str = "", trust: Trust = "unknown", seq: int = -1) -> None:
        """Remember that a value was seen."""
        if self._provenance:
            self._known.clear()
            self._provenance.learn(value, kind, tool=tool, trust=trust, seq=seq, step=self.clock.step)

    def learn_message(self, text: str, kind: Kind, *, seq: int, relayed: bool) -> None:
        """Remember what a user or the system said; of a message that is ``relayed``, only what no agent told before."""
        if self._provenance:
            parts = self._hearsay.rest(text) if relayed else [text]
            self.learn(parts[0] if len(parts) == 1 else parts, kind, trust="trusted", seq=seq)

    def told(self, args: dict[str, Any]) -> None:
        """Remember what one agent tells another: a message, or what it hands over."""
        if self._provenance:
            self._hearsay.hear([args.get("content"), args.get("input")])

    def returned(self, call: dict[str, Any], said: Any, *, ok: bool, trust: Trust, seq: int) -> None:
        """Remember what came of a call; what an agent of this run has kept in shared memory comes from where it was."""
        if call["surface"] == "memory" and ok:
            key, recalled = str(call["args"].get("key")), "value" not in call["args"]
            if not recalled:
                self._kept[key] = _digest(call["args"]["value"])
                return
            self._hearsay.hear(said)
            if self._kept.get(key) == _digest(said):
                return
        self.learn(said, "tool", tool=call["tool"], trust=trust, seq=seq)

    def happened(self, watches: Watches, event: Happening, *, settled: bool = True) -> Entries:
        """Tell the monitors of an event; give where it is kept."""
        if not watches:
            return []
        doubts: Iterable[Undefined | None] = repeat(None)
        try:
            found = watches.matches(*event.arguments)
        except Exception:  # noqa: BLE001 - data a question did not expect: each is asked by itself
            found, doubts = zip(*self._one_by_one(watches, event), strict=True)
        seq, step, at, names, _ = event
        entries: Entries = []
        for (monitor, plan), key, doubt in zip(watches.plans, found, doubts, strict=False):
            if key is not MISS:
                key, value = (key, 0) if plan.value is None else key  # noqa: PLW2901 - unpacked
                entry = Entry(seq, step, at, key, names if plan.keeps_names else None, doubt, value, settled)
                keeper = self.asked[monitor]
                keeper.add(entry)
                entries.append((keeper, entry))
        return entries

    def settle(self, entries: Entries, late: Watches, event: Happening, arguments: tuple[Any, ...]) -> None:
        """Make an action final: its outcome is known, as ``arguments`` tell, and it cannot be taken back any more."""
        for keeper, entry in entries:
            if keeper.plan.late:
                keeper.remove(entry)
            else:
                keeper.settle(entry)
        if late:
            self.happened(late, event._replace(arguments=arguments))

    def take_back(self, action: int, entries: Entries) -> None:
        """Forget an action that was blocked."""
        for keeper, entry in entries:
            keeper.remove(entry)
        for waiting in self.obligations:
            waiting.release(action)

    def overdue(self) -> Iterator[Obligation]:
        """Yield the obligations whose time is up."""
        for waiting in self.obligations:
            yield from waiting.overdue()

    def unmet(self) -> Iterator[Obligation]:
        """Yield the obligations that are left at the end."""
        for waiting in self.obligations:
            yield from waiting.rest()

    def _one_by_one(self, watches: Watches, event: Happening) -> Iterator[tuple[Any, Undefined | None]]:
        """Yield for each question what its compiled match gives, or if that does not know, the exact meaning."""
        for (_, plan), match in zip(watches.plans, watches.match, strict=True):
            try:
                (found,) = match(*event.arguments)
            except Exception:  # noqa: BLE001 - its exact meaning says what it did not expect, and why
                yield self._exactly(plan, event)
            else:
                yield found, None

    def _exactly(self, plan: Plan, event: Happening) -> tuple[Any, Undefined | None]:
        """Give what a compiled match would, and why it is unknown whether the event fits."""
        names = event.names | {"run": self.run, "params": self._parameters, "elapsed_s": self.elapsed_s}
        key = key_of_event(plan, names)
        doubt = doubt_of(key)
        value: Number = 0
        try:
            if plan.filter is not None and not truth(Explanation("", names).value(plan.filter)):
                return MISS, None
            if plan.value is not None:
                value = number(Explanation("", names).value(plan.value))
        except Undefined as error:
            doubt = error
        except Exception as error:  # noqa: BLE001 - a crash is no answer, and must not bring a run down
            doubt = Undefined(f"{type(error).__name__}: {error}")
        return (key if plan.value is None else (key, value)), doubt


def _digest(value: Any) -> bytes:
    return hashlib.sha256(canonical.encode(value)).digest()
