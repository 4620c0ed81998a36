"""The mediation coverage of a run: every surface it had, and whether what happened there passed the door.

A fold over the events of a trace. An action is mediated. A tool that a model asked for and whose result came back to
the model without a call at the door is unseen, and so is, at the end, one that never came there at all. Hosted tools
are observed: a request offers them and an answer may tell of their use, but nothing judges it. Files, processes and
sockets that the agent's own code opened are observed where capture has written them down.

A call at the door is matched with the one that was asked for by the model's own id, else by the tool's name, the
oldest first. Not seen: surfaces of which neither a request, an answer, an adapter nor an audit event of Python says
anything, such as what C code does by itself; and what a tool does inside of its effect, which is the tool's own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness.trace.covered import SURFACES, Covered, Status, SurfaceKind, read_facts
from harness.trace.event import Event
from harness.trace.offered import answered_in, asked_in, hosted_in, offered

_WORSE: Final[dict[Status, int]] = {"unused": 0, "mediated": 1, "observed": 2, "unseen": 3}
_RECENT: Final = 64  # as many conversations as a trace goes on with
_UNCAPTURED: Final = "uncaptured:"
_HOSTED: Final = "the provider of the model runs it"
_BACK: Final = "a result came back without a call at the door"
_NEVER: Final = "asked for, and no call came to the door"
_KINDS: Final[dict[str, SurfaceKind]] = {
    **dict.fromkeys(("subprocess", "pty", "os.exec", "os.fork", "os.forkpty"), "process"),
    **dict.fromkeys(("os.posix_spawn", "os.spawn", "os.startfile", "os.system"), "process"),
    "socket": "network",
    "ctypes": "library",
}
"""What an audit event of Python opens, by the event or its module; everything else is files."""


class Known(NamedTuple):
    """What is known of one surface of a run; ``times`` counts its uses."""

    kind: SurfaceKind
    name: str
    status: Status
    why: str
    times: int


class _Surface:
    __slots__ = ("reasons", "status", "times")

    def __init__(self) -> None:
        self.status: Status = "unused"
        self.reasons: list[str] = []
        self.times = 0

    def learn(self, status: Status, why: str) -> None:
        """Take the worse of what was known and what is said now; of what is as bad, all reasons."""
        if _WORSE[status] > _WORSE[self.status]:
            self.status, self.reasons = status, []
        if status == self.status and why and why not in self.reasons:
            self.reasons.append(why)


class _Carried(NamedTuple):
    """What a request to a model holds: the hosted tools it offers, and the tools of results that came past the door."""

    hosted: tuple[str, ...]
    past: tuple[str, ...]


class Coverage:
    """Hear the events of one run, in their order, and tell what surfaces it has. Not thread-safe."""

    def __init__(self) -> None:
        self._surfaces: dict[tuple[SurfaceKind, str], _Surface] = {}
        self._waiting: dict[str, list[str]] = {}  # by tool, the ids of calls that were asked for and have not come
        self._asked: dict[str, str] = {}  # the tools of these calls, by id
        self._came: set[str] = set()  # the ids of calls that came before the answer that asked for them was complete
        self._excused: set[str] = set()  # tools of which an adapter says that they do not pass the door
        self._models: dict[int, Event] = {}
        self._carried: OrderedDict[int, _Carried] = OrderedDict()
        self._rewrites: set[int] = set()

    def heard(self, event: Event) -> list[Covered]:
        """Take an event and give the uses of surfaces it tells of. O(what is new in it)."""
        if event.kind == "action":
            return list(self._action(event))
        if event.kind == "observation":
            action = self._models.pop(event.body["action"], None)
            return list(self._answered(event, action)) if action is not None else []
        if event.kind == "message":
            self._ask(event, None)
            return [self._use("tool", tool, "unseen", _BACK) for tool in self._results(event)]
        if event.kind == "read":
            return [one for source, value in event.body["reads"] for one in self._read(source, value)]
        if event.kind == "decision" and event.body["decision"] == "rewrite":
            self._rewrites.add(event.seq)
        return []

    def finish(self) -> list[Covered]:
        """Give the tools that were asked for and of which nothing ever came to the door."""
        return [self._use(*one) for one in self._missing()]

    @property
    def surfaces(self) -> tuple[Known, ...]:
        """All surfaces so far, worst first, then by kind and name."""
        known = [Known(*key, one.status, ", ".join(one.reasons), one.times) for key, one in self._surfaces.items()]
        missing = {one.name: one for one in self._missing()}
        known = [
            one._replace(status="unseen", why=_NEVER) if one.kind == "tool" and one.name in missing else one
            for one in known
        ]
        return tuple(sorted(known, key=lambda one: (-_WORSE[one.status], one.kind, one.name)))

    # --- what comes to the door --------------------------------------------------------------------------------------

    def _action(self, event: Event) -> Iterator[Covered]:
        surface, tool = event.body["surface"], event.body["tool"]
        again = not self._rewrites.isdisjoint(event.parents)  # what a rule has put in the place of another call
        self._rewrites.clear()
        name = str(event.body["args"].get("to", "")) if surface in ("handoff", "message") else tool
        yield self._use(surface, name, "mediated", times=int(not again))
        if surface == "model":
            self._models[event.seq] = event
            yield from self._request(event)
        elif not again and "serves" not in event.body:
            asked = self._arrived(event.body.get("id", ""), tool)
            if asked and asked != tool:
                yield self._use("tool", asked, "mediated", f"as {tool}")

    def _arrived(self, call_id: str, tool: str) -> str:
        """Find the call that was asked for and has now come; give the tool that it was asked of."""
        asked = self._asked.pop(call_id, "")
        if asked:
            self._waiting[asked].remove(call_id)
            return asked
        for name in (tool, tool.rpartition("/")[2]):  # what stands before the tools of a server no model has seen
            waiting = self._waiting.get(name, [])
            found = next((one for one in waiting if not (one and call_id)), None)
            if found is not None:
                waiting.remove(found)
                self._asked.pop(found, None)
                return name
        if call_id:
            self._came.add(call_id)
        return ""

    # --- what models are offered, ask for, and are told --------------------------------------------------------------

    def _request(self, event: Event) -> Iterator[Covered]:
        args = event.body["args"]
        before = self._carried.get(args.get("after", -1), _Carried((), ()))
        hosted, options = before.hosted, args.get("options")
        if options is not None:
            tools = list(offered(options))
            hosted = tuple(dict.fromkeys(name for kind, name in tools if kind == "hosted"))
            for kind, name in tools:
                self._surface(kind, name)
        back = self._results(event)
        past = tuple(dict.fromkeys((*before.past, *back)))
        self._carried[event.seq] = _Carried(hosted, past)
        if len(self._carried) > _RECENT:
            self._carried.popitem(last=False)
        for name in hosted:
            yield self._use("hosted", name, "observed", _HOSTED)
        for name in past:
            yield self._use("tool", name, "unseen", _BACK, times=back.count(name))

    def _results(self, event: Event) -> list[str]:
        """Give the tools whose results come back although no call of theirs came to the door, once for each result."""
        found = [(tool, call_id) for call_id in answered_in(event) if (tool := self._asked.pop(call_id, ""))]
        for tool, call_id in found:
            self._waiting[tool].remove(call_id)
        return [tool for tool, _ in found if tool not in self._excused]

    def _answered(self, event: Event, action: Event) -> Iterator[Covered]:
        self._ask(event, action)
        known = self._carried.get(action.seq, _Carried((), ())).hosted
        for name in hosted_in(event, action):
            if name not in known:
                yield self._use("hosted", name, "observed", _HOSTED)

    def _ask(self, event: Event, action: Event | None) -> None:
        for call_id, tool in asked_in(event, action):
            if call_id in self._came:
                self._came.discard(call_id)
                continue
            self._surface("tool", tool)
            self._waiting.setdefault(tool, []).append(call_id)
            if call_id:
                self._asked[call_id] = tool

    def _missing(self) -> Iterator[Covered]:
        for tool, waiting in self._waiting.items():
            if waiting and tool not in self._excused and self._surface("tool", tool).status == "unused":
                yield Covered("tool", tool, "unseen", _NEVER)

    # --- what is read ------------------------------------------------------------------------------------------------

    def _read(self, source: str, value: Any) -> Iterator[Covered]:
        if source.startswith(_UNCAPTURED):
            door = source.removeprefix(_UNCAPTURED)
            kind = _KINDS.get(door) or _KINDS.get(door.partition(".")[0], "files")
            yield self._use(kind, str(value), "observed", door)
        elif source.partition("@")[0] == SURFACES:
            for one in filter(None, map(read_facts, value)):
                if one.kind == "tool" and one.status in ("observed", "unseen"):
                    self._excused.add(one.name)
                yield self._use(*one, times=0)

    def _use(self, kind: SurfaceKind, name: str, status: Status, why: str = "", *, times: int = 1) -> Covered:
        surface = self._surface(kind, name)
        surface.learn(status, why)
        surface.times += times
        return Covered(kind, name, status, why)

    def _surface(self, kind: SurfaceKind, name: str) -> _Surface:
        return self._surfaces.setdefault((kind, name), _Surface())


def coverage_of(events: Iterable[Event]) -> tuple[Known, ...]:
    """Give the surfaces of a whole run. O(events)."""
    coverage = Coverage()
    for event in events:
        coverage.heard(event)
    return coverage.surfaces
