"""Every exception of harness, for whoever has to catch or read one.

::

    HarnessError                    anything harness raises on purpose
    ├── UsageError                  the caller's mistake: what, where, cure                (exit 2)
    │   ├── RegistryError           one or more mistakes in a registry, all listed at once
    │   ├── PlanError               one or more mistakes in a plan or a routine, all listed at once
    │   ├── CaseError               one or more mistakes in an assurance case, all listed at once
    │   └── NotRecordable           a value the trace cannot hold, with the place it came from
    ├── TraceError                  a trace that cannot be read: version, syntax, order    (exit 2)
    │   ├── UnknownVersion          a trace of a format that this harness does not know
    │   └── TamperedTrace           a sound-looking trace whose chain or seal is broken    (exit 1)
    ├── StoreError                  the disk said no; what was acknowledged is kept        (exit 5)
    ├── Refused                     a rule blocked the call; carries the rule and the way out
    ├── InDoubt                     a call was sent and no answer came: it may have happened
    ├── NoRoute                     no way leads to what was asked for; carries the exact deadlock
    ├── Waiting                     the run has stopped before a call that nobody has answered for (exit 3)
    ├── RecordedError               a recorded error whose class cannot be rebuilt here
    └── Divergence                  a replay is not the record; names the first difference (exit 4)

    Halt (BaseException)            carries a Divergence, StoreError or Waiting through an agent's ``except Exception``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_SHOWN: Final = 100  # characters of a value, in a message


def _again(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """Make the exception of a pickle or a copy without its constructor, which takes other things than ``args``."""
    return kind.__new__(kind, *arguments)


class HarnessError(Exception):
    """Be the root of everything harness raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args), self.__dict__


class UsageError(HarnessError):
    """Say what the caller got wrong, where, and the likely cure.

    ``where`` is a file with line and column, a call site, or empty.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        super().__init__(what, where, cure)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        cure = f"\n    cure  {self.cure}" if self.cure else ""
        return f"{place}{self.what}{cure}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file: place, message, the line itself, and the likely cure.

    ``line`` and ``column`` count from 1; ``length`` is the number of characters to underline. Where there is no file,
    ``file`` names the place in the data and ``line`` is 0.
    """

    file: str
    line: int
    column: int
    message: str
    source: str = ""
    length: int = 1
    cure: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text += f"  {self.message}"
        if self.source:
            bare = self.source.lstrip()
            indent = self.column - 1 - (len(self.source) - len(bare))
            text += f"\n    {bare}\n    {' ' * max(indent, 0)}{'^' * max(self.length, 1)}"
        if self.cure:
            text += f"\n    {self.cure}"
        return text


class RegistryError(UsageError):
    """Report every mistake of a registry at once; ``outcome`` says what was not done because of them."""

    def __init__(self, mistakes: tuple[Mistake, ...], outcome: str = "nothing was loaded") -> None:
        self.mistakes = mistakes
        files = len({mistake.file for mistake in mistakes})
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)} in {files} file{'s' * (files != 1)}"
        super().__init__("\n".join(map(str, mistakes)) + f"\n{count}; {outcome}")


class PlanError(UsageError):
    """Report every mistake of a plan or a routine at once; nothing of it was done."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)}"
        super().__init__("\n".join(map(str, mistakes)) + f"\n{count}; nothing was begun")


class CaseError(UsageError):
    """Report every mistake of an assurance case at once; nothing of it was judged."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)}"
        super().__init__("\n".join(map(str, mistakes)) + f"\n{count}; nothing was judged")


class NotRecordable(UsageError):
    """Refuse a value that a trace cannot hold, naming its type and place."""


class TraceError(HarnessError):
    """Say why a trace cannot be read: file, line (from 1; 0 for the whole file), reason, cure."""

    def __init__(self, file: str, line: int, reason: str, *, cure: str = "") -> None:
        self.file, self.line, self.reason, self.cure = file, line, reason, cure
        super().__init__(file, line, reason, cure)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        cure = f"\n    cure  {self.cure}" if self.cure else ""
        return f"{place}: {self.reason}{cure}"


class UnknownVersion(TraceError):
    """Say that a trace has a format that this harness does not know."""


class TamperedTrace(TraceError):
    """Say which line of a trace is not the one that was written."""


class StoreError(HarnessError):
    """Say that a trace could not be written, and what is safe."""


class Refused(HarnessError):
    """Tell the agent that a rule blocked its call, and what it may do instead.

    ``call`` is the tool's name; ``alternative`` is the rule's own advice; ``retryable`` says whether the
    same call may be allowed later; ``values`` are the values that decided, by sub-expression, ``gradient`` the
    nearest values that would have been right (``field``, ``direction``, ``distance``, ``boundary`` …). ``who`` may
    decide otherwise, where the rule names somebody; ``times`` counts how often this run was refused this tool by this
    rule, this time included.
    """

    def __init__(
        self,
        rule: str,
        reason: str,
        *,
        call: str = "",
        alternative: str = "",
        retryable: bool = False,
        values: dict[str, Any] | None = None,
        gradient: tuple[dict[str, Any], ...] = (),
        who: str = "",
        times: int = 1,
    ) -> None:
        self.rule, self.reason, self.call = rule, reason, call
        self.alternative, self.retryable, self.values = alternative, retryable, values or {}
        self.gradient, self.who, self.times = gradient, who, times
        super().__init__(rule, reason)

    def __str__(self) -> str:
        advice = f" {self.alternative}" if self.alternative else ""
        return f"{self.call or 'the call'} was blocked by {self.rule}: {self.reason}.{advice}"


class InDoubt(HarnessError):
    """Tell the agent that a call of it may have happened, or not, and is not made again.

    ``call`` is the tool's name, ``reason`` why nobody knows. Whoever catches it should look before acting again.
    """

    def __init__(self, call: str, reason: str) -> None:
        self.call, self.reason = call, reason
        super().__init__(call, reason)

    def __str__(self) -> str:
        return f"{self.call} may have happened, or not: {self.reason}. It was not repeated."


class NoRoute(HarnessError):
    """Tell the agent that there is no way to what it asked for, and that nothing was left half done in silence.

    ``goal`` is what was asked for, ``deadlock`` what stands in the way as JSON data (``blocked`` tools and why,
    ``unreachable`` facts, a route that is ``too_dear``, other ``goals`` that could be had), ``left`` the tools whose
    work was not taken back, ``in_doubt`` those of which nobody knows whether they did anything.
    """

    def __init__(
        self,
        goal: str,
        reason: str,
        *,
        deadlock: dict[str, Any] | None = None,
        left: Sequence[str] = (),
        in_doubt: Sequence[str] = (),
    ) -> None:
        self.goal, self.reason, self.deadlock = goal, reason, deadlock or {}
        self.left, self.in_doubt = tuple(left), tuple(in_doubt)
        super().__init__(goal, reason)

    def __str__(self) -> str:
        parts = [f"there is no way to {self.goal}: {self.reason}."]
        if blocked := self.deadlock.get("blocked"):
            tools = [f"{tool} ({one['why']})" for tool, one in blocked.items()]
            parts.append(f"Blocked: {', '.join(tools)}.")
        if dear := self.deadlock.get("too_dear"):
            path = ", ".join(dear["path"])
            parts.append(f"Too dear: {path} at {dear['cost']:g}, after {dear['spent']:g} of {dear['cost_cap']:g}.")
        if self.left:
            parts.append(f"Not taken back: {', '.join(self.left)}.")
        if goals := [one["goal"] for one in self.deadlock.get("goals", ())]:
            parts.append(f"Still possible: {', '.join(goals)}.")
        return " ".join(parts)


class Waiting(HarnessError):
    """Say that a run has stopped because questions have no answer yet; nothing of the calls they are about happened.

    ``questions`` are what is waited for, as JSON data (``tool``, ``args``, ``rule``, ``reason``, ``digest``, and where
    they are known ``where``, ``why`` and ``until``). ``trace`` is what to resume; the run asks again then.
    """

    def __init__(self, questions: Sequence[dict[str, Any]], trace: str = "") -> None:
        self.questions, self.trace = list(questions), trace
        super().__init__("the run waits for an answer")

    def __str__(self) -> str:
        lines = [f"the run waits for {'an answer' if len(self.questions) == 1 else f'{len(self.questions)} answers'}"]
        for one in self.questions:
            args = ", ".join(f"{name}={_short(value, 0)}" for name, value in one["args"].items())
            lines += [f"    {one['tool']}({args})  {one['rule']}: {one['reason']}", f"    question  {one['digest']}"]
            lines += [f"    {name:8}  {one[name]}" for name in ("where", "why", "until") if name in one]
        if self.trace:
            lines.append(f"    go on     harness resume {self.trace}")
        return "\n".join(lines)


class RecordedError(HarnessError):
    """Stand in on replay for a recorded error whose class cannot be rebuilt; ``name`` is that class.

    It reads as the original did, because an agent may show an error's text to its model.
    """

    def __init__(self, name: str, message: str) -> None:
        self.name, self.message = name, message
        super().__init__(name, message)

    def __str__(self) -> str:
        return self.message


class Divergence(HarnessError):
    """Name the first place where a replay is not the record.

    ``seq`` is the event's number, ``step`` the action's (both from 0, -1 where there is none), ``pointer``
    a JSON pointer into the event, ``recorded`` and ``now`` the two values there. ``sites`` are the lines of the agent
    that it came from, innermost first, as ``file:line``, where they are known.
    """

    def __init__(
        self,
        what: str,
        *,
        seq: int = -1,
        step: int = -1,
        agent: str = "",
        task: str = "",
        pointer: str = "",
        recorded: Any = None,
        now: Any = None,
        cause: str = "",
        cure: str = "",
        sites: Sequence[str] = (),
    ) -> None:
        self.what, self.seq, self.step, self.agent, self.task = what, seq, step, agent, task
        self.pointer, self.recorded, self.now = pointer, recorded, now
        self.cause, self.cure, self.sites = cause, cure, tuple(sites)
        super().__init__(what)

    @property
    def site(self) -> str:
        """The line of the agent that made the call; empty where it is not known."""
        return self.sites[0] if self.sites else ""

    def __str__(self) -> str:
        where = f" at step {self.step}" if self.step >= 0 else f" at event {self.seq}" if self.seq >= 0 else ""
        who = f" (agent {self.agent}, task {self.task})" if self.agent else ""
        text = f"diverged{where}{who}: {self.what}"
        if self.pointer:
            recorded, now = told_apart(self.recorded, self.now)
            text += f"\n    {self.pointer}  recorded  {recorded}"
            text += f"\n    {' ' * len(self.pointer)}  now       {now}"
        if self.cause:
            text += f"\ncause  {self.cause}"
        if self.site:
            text += f"\nat     {self.site}"
        if self.cure:
            text += f"\ncure   {self.cure}"
        return text


class Halt(BaseException):
    """Stop an agent even inside its ``except Exception``; ``error`` is what to report at the rim."""

    def __init__(self, error: HarnessError) -> None:
        self.error = error
        super().__init__(str(error))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args), self.__dict__


def told_apart(one: Any, other: Any) -> tuple[str, str]:
    """Write two values for a reader; of long texts the part where they differ."""
    start = 0
    if isinstance(one, str) and isinstance(other, str) and max(len(one), len(other)) > _SHOWN:
        pairs = enumerate(zip(one, other, strict=False))
        common = next((place for place, (mine, yours) in pairs if mine != yours), min(len(one), len(other)))
        start = max(common - _SHOWN // 4, 0)
    return _short(one, start), _short(other, start)


def _short(value: Any, start: int) -> str:
    if isinstance(value, str):
        text = repr(value[start : start + _SHOWN])
        return f"{text[0]}{'…' * (start > 0)}{text[1:-1]}{'…' * (len(value) > start + _SHOWN)}{text[-1]}"
    text = repr(value)
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN - 1]}…"
