"""Fields of calls that may differ on replay.

Where a call differs from the recorded one in such a field, the recorded value takes its place before anything is
judged or written. So the agent goes on with the recorded outcome, and everything else still has to come out equal to
the last byte. Each such difference is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from harness.determinism.canonical import escape
from harness.errors import UsageError
from harness.run.inputs import Effects, Input, Propose, Say
from harness.run.session import SessionMachine
from harness.trace.diff import ABSENT, Difference, first_difference
from harness.trace.event import Event
from harness.trace.history import Histories
from harness.trace.reader import Entry


class Pattern(NamedTuple):
    """A JSON pointer whose tokens may be ``*``, and the tool it speaks of; empty: every tool."""

    tool: str
    tokens: tuple[str, ...]


class Tolerated(NamedTuple):
    """One difference that was allowed: the step it belongs to, the tool, the place, and the two values."""

    step: int
    seq: int
    tool: str
    pointer: str
    recorded: Any
    now: Any


def read_pattern(text: str) -> Pattern:
    """Read ``/POINTER`` or ``TOOL:/POINTER``; UsageError for anything else."""
    tool, colon, rest = ("", "", text) if text.startswith("/") else text.partition(":/")
    pointer = f"/{rest}" if colon else rest
    if not pointer.startswith("/") or pointer == "/":
        cure = "write it as a divergence does, for example /args/name, /messages/*/content or search:/args/query"
        raise UsageError(f"{text!r} names no field", cure=cure)
    return Pattern(tool, tuple(pointer[1:].split("/")))


class Tolerance:
    """Decide which fields may differ, and keep what did (``found``)."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self.found: list[Tolerated] = []

    def settle(self, recorded: Event, step: int, tool: str, values: tuple[Any, Any, Any]) -> Any:
        """Give a value with the recorded one wherever it may differ, and keep each difference.

        ``values`` are the recorded value, the present one as a trace would show it, and the present one itself.
        """
        patterns = [pattern.tokens for pattern in self._patterns if pattern.tool in ("", tool)]
        if not patterns:
            return values[2]
        kept, found = _settled(*values, patterns, "")
        self.found += [Tolerated(step, recorded.seq, tool, *difference) for difference in found]
        return kept

    def agree(self, tool: str, recorded: dict[str, Any], now: dict[str, Any], *, model: bool) -> bool:
        """Tell whether two calls of a tool differ in nothing but what may differ."""
        patterns = [pattern.tokens for pattern in self._patterns if pattern.tool in ("", tool)]
        one, other = (recorded, now) if model else ({"args": recorded}, {"args": now})
        return first_difference(one, _settled(one, other, other, patterns, "")[0]) is None


class TolerantMachine(SessionMachine):
    """Be the machine of a replay in which some fields may differ."""

    def __init__(self, tolerance: Tolerance, record: Sequence[Entry], *args: Any, **options: Any) -> None:
        super().__init__(*args, record=record, **options)
        self._tolerance, self._record = tolerance, record
        self._recorded = Histories()

    def step(self, said: Input) -> Effects:
        if isinstance(said, Propose | Say) and self.seq < len(self._record):
            recorded = self._record[self.seq].event
            if isinstance(said, Propose) and recorded.kind == "action":
                said = self._agreed_call(said, recorded)
            elif isinstance(said, Say) and recorded.kind == said.kind:
                values = recorded.body, self._shown(said.body), said.body
                said = said._replace(body=self._tolerance.settle(recorded, self.steps, said.kind, values))
        return super().step(said)

    def adopt(self, entry: Entry) -> None:
        super().adopt(entry)
        self._request(entry.event)

    def _agreed_call(self, said: Propose, recorded: Event) -> Propose:
        call, kept = said.call, self._request(recorded)
        if (recorded.body["surface"], recorded.body["tool"]) != (call.surface, call.tool):
            return said
        if call.surface == "model":
            values = kept, self._shown(call.args), call.args
            args = self._tolerance.settle(recorded, self.steps, call.tool, values)
        else:
            whole = {"args": kept}, {"args": self._shown(call.args)}, {"args": call.args}
            args = self._tolerance.settle(recorded, self.steps, call.tool, whole)["args"]
        return said._replace(call=call._replace(args=args))

    def _request(self, recorded: Event) -> dict[str, Any]:
        """Give the whole arguments of a recorded action; every call of a model has to pass here, in order."""
        args: dict[str, Any] = recorded.body.get("args", {})
        if recorded.kind == "action" and recorded.body["surface"] == "model":
            return self._recorded.restore(recorded.body["tool"], args, recorded.seq)
        return args

    def _shown(self, value: dict[str, Any]) -> dict[str, Any]:
        return value if self._redactor is None else self._redactor.redact(value)


def _settled(
    recorded: Any, shown: Any, now: Any, patterns: list[tuple[str, ...]], pointer: str
) -> tuple[Any, list[Difference]]:
    """Give ``now`` with recorded values in the places that patterns lead to, and the first difference in each place."""
    if () in patterns:
        found = first_difference(recorded, shown, pointer)
        return (now, []) if found is None else (recorded, [found])
    if type(recorded) is not type(now) or not isinstance(now, dict | list):
        return now, []
    items, differences = {}, list[Difference]()
    for key in _keys(recorded, now):
        token = escape(str(key))
        inner = [pattern[1:] for pattern in patterns if pattern[0] in ("*", token)]
        item = _at(now, key)
        if inner:
            item, found_inside = _settled(_at(recorded, key), _at(shown, key), item, inner, f"{pointer}/{token}")
            differences += found_inside
        if item is not ABSENT:
            items[key] = item
    return (items if isinstance(now, dict) else list(items.values())), differences


def _keys(recorded: Any, now: Any) -> Iterable[Any]:
    if isinstance(now, dict):
        return [*now, *(key for key in recorded if key not in now)]
    return range(max(len(recorded), len(now)))


def _at(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key, ABSENT)
    return value[key] if key < len(value) else ABSENT
