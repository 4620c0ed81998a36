"""Calls that somebody else's objects make, as actions: performed once, and given back as they came or were recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple, Self

from harness.errors import InDoubt, NotRecordable
from harness.run.drive import Rewritten, Run, abandon, acall, call, finish
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.covered import Covered
from harness.trace.error import describe, describe_whole, rebuild
from harness.trace.outcome import Failed, Ok, Outcome, Unknown
from harness.trace.value import decode_value, encode_value


class Doorway(NamedTuple):
    """What an adapter is given of an app.

    ``current`` finds the run that the calling code belongs to, None outside a session. ``narrow`` puts the registry's
    word in the place of a declaration. ``keep_secret`` keeps a value, by its name, out of every trace. ``wrap`` is the
    app's own, for what is inside of what is wrapped. ``covers`` is told, by the adapter's name and where what it has
    wrapped is used, which surfaces of that pass the door and which do not; it writes them into the trace of the run,
    once for each task and list.
    """

    current: Callable[[], Run | None]
    narrow: Callable[[ToolSpec], ToolSpec]
    keep_secret: Callable[[str, str], None]
    wrap: Callable[[Any], Any]
    covers: Callable[[str, Iterable[Covered]], None]


class Kept:
    """What an effect has made, so that whoever asked gets the very object or error, where that is what counts.

    The outcome that counts may be another one: recorded, or changed by a fault. An effect that is performed twice
    keeps what it made the last time.
    """

    __slots__ = ("_error", "_made", "_value")

    def __init__(self) -> None:
        self._made: Outcome | None = None
        self._value: Any = None
        self._error: Exception | None = None

    def keep(self, outcome: Outcome, value: Any = None, error: Exception | None = None) -> Outcome:
        """Keep what was returned, or raised, beside the outcome that says so."""
        self._made, self._value, self._error = outcome, value, error
        return outcome

    def made(self, outcome: Outcome) -> bool:
        """Tell whether an outcome is the one that was made here."""
        return outcome is self._made

    def given(self) -> Any:
        """Give what was returned, or raise what was raised."""
        if self._error is not None:
            raise self._error
        return self._value


class Exchange(Kept):
    """One call of a framework's object, kept so that whoever made it gets the very value or error that came.

    ``perform`` is given the arguments in force as JSON data, None where they are those that were wanted. ``write``
    gives the JSON data of what it returned, ``read`` makes the like of it again on replay; ``fail`` and ``revive`` do
    so with what it raised.
    """

    def __init__(
        self,
        perform: Callable[[Rewritten], Any],
        *,
        write: Callable[[Any], Any] = encode_value,
        read: Callable[[Any], Any] = decode_value,
        fail: Callable[[Exception], Failed] | None = None,
        revive: Callable[[dict[str, Any]], Exception] = rebuild,
    ) -> None:
        super().__init__()
        self._perform, self._write, self._read = perform, write, read
        self._fail, self._revive = fail or failed, revive

    def passed(self, run: Run, wanted: Call) -> Any:
        """Make the call through the door; Refused where a rule or a person says no."""
        return self._result(call(run, wanted, self._effect), wanted)

    async def apassed(self, run: Run, wanted: Call) -> Any:
        """Do what ``passed`` does where ``perform`` is asynchronous."""
        return self._result(await acall(run, wanted, in_time(wanted.spec, self._aeffect)), wanted)

    def _effect(self, rewritten: Rewritten) -> Outcome:
        try:
            value = self._perform(rewritten)
            return self.keep(Ok(self._write(value)), value)
        except Exception as error:  # noqa: BLE001 - whatever it raises is its outcome
            return self._failed(error)

    async def _aeffect(self, rewritten: Rewritten) -> Outcome:
        try:
            value = await self._perform(rewritten)
            return self.keep(Ok(self._write(value)), value)
        except Exception as error:  # noqa: BLE001 - whatever it raises is its outcome
            return self._failed(error)

    def _failed(self, error: Exception) -> Outcome:
        try:
            return self.keep(self._fail(error), error=error)
        except NotRecordable as unfit:
            return self.keep(failed(unfit), error=unfit)

    def _result(self, outcome: Outcome, wanted: Call) -> Any:
        if self.made(outcome):
            return self.given()
        if isinstance(outcome, Failed):
            raise self._revive(outcome.error)
        return self._read(told(outcome, wanted.tool))


def in_time(
    spec: ToolSpec, effect: Callable[[Rewritten], Coroutine[Any, Any, Outcome]]
) -> Callable[[Rewritten], Coroutine[Any, Any, Outcome]]:
    """Give an effect that ends as unknown when the ``timeout_ms`` of its tool are over: it may have happened."""
    if spec.timeout_ms is None:
        return effect
    limit_ms = spec.timeout_ms

    async def limited(rewritten: Rewritten) -> Outcome:
        try:
            async with asyncio.timeout(limit_ms / 1000):
                return await effect(rewritten)
        except TimeoutError:  # that of the limit: an effect gives what its tool raises as an outcome
            return Unknown(f"no answer in {limit_ms} ms")

    return limited


class Lasting:
    """An action that is made of other calls, and lasts as long as the code inside.

    ``value`` is what it has come to, as JSON data, when that ends. An error is its failure; cancelled, nobody knows
    what became of it. What halts the run is neither: the action stays open, and goes on where the run is resumed.
    """

    def __init__(self, run: Run, action: int, value: Any = None) -> None:
        self._run, self._action, self.value = run, action, value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            finish(self._run, self._action, Ok(self.value))
        elif isinstance(error, asyncio.CancelledError):
            abandon(self._run, self._action)
        elif isinstance(error, Exception):
            finish(self._run, self._action, failed(error, describe(error)))  # by the agent's own code, again on replay


def failed(error: Exception, described: dict[str, Any] | None = None) -> Failed:
    """Write what a tool raised, with what its class says of it: whether anything has happened, and may go better."""
    described = describe_whole(error) if described is None else described
    if getattr(error, "happened", None) is False or isinstance(error, ConnectionRefusedError):
        described["happened"] = False
    passing = getattr(error, "retryable", isinstance(error, ConnectionError | TimeoutError))
    return Failed(described, retryable=passing is True)


def told(outcome: Outcome, tool: str) -> Any:
    """Give the value of a recorded outcome, as it was written, or raise what was raised; InDoubt where nobody knows."""
    if isinstance(outcome, Ok):
        return outcome.value
    if isinstance(outcome, Failed):
        raise rebuild(outcome.error)
    assert isinstance(outcome, Unknown)
    raise InDoubt(tool, outcome.reason)


def written(value: Any, pointer: str = "") -> Any:
    """Write a value as JSON data; NotRecordable also where it is nested too deeply."""
    try:
        return encode_value(value, pointer)
    except RecursionError:
        raise NotRecordable("nested too deeply", where=pointer, cure="flatten the value") from None
