"""Clocks: every way in which Python code learns what time it is."""

from __future__ import annotations

import concurrent.futures.thread
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, tzinfo
from functools import partial
from typing import Any, Final

from harness.adapters.interpreter.scope import Scope, here, plain, reading, taken
from harness.adapters.interpreter.slots import FunctionSlot, Slot, TypeSlot
from harness.determinism.member import current, member_here, member_of_thread

_READINGS: Final = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_WAIT: Final = frozenset({"threading", "queue", "concurrent.futures._base", "concurrent.futures.thread"})
_BY_ID: Final = ("clock_gettime", "clock_gettime_ns")
_RUNS_JOBS: Final = {threading.Thread.run.__code__, concurrent.futures.thread._WorkItem.run.__code__}


def replacements() -> Iterator[tuple[Slot, Any]]:
    """Yield each slot with what is to stand in it."""
    for reading_name in _READINGS:
        for name in (reading_name, f"{reading_name}_ns"):
            slot = FunctionSlot(getattr(time, name), f"time.{name}")
            yield slot, _monotonic(slot.original) if name == "monotonic" else plain(f"time.{name}", slot.original)
    for name in _BY_ID:
        slot = FunctionSlot(getattr(time, name), f"time.{name}")
        yield slot, _clock_by_id(f"time.{name}", slot.original)
    for name in ("localtime", "gmtime", "ctime", "asctime", "strftime", "sleep"):
        slot = FunctionSlot(getattr(time, name), f"time.{name}")
        yield slot, _WITH_MOMENT[name](slot.original)
    yield from _calendar()


def _monotonic(real: Callable[[], float]) -> Callable[[], float]:
    """Let what waits with a timeout count on the clock by which its thread is woken."""

    def monotonic() -> float:
        scope = reading()
        if scope is not None:
            return taken(scope, "time.monotonic", real)
        if sys._getframe(1).f_globals.get("__name__") in _WAIT and (member := member_here()) is not None:
            return member.timeline.now / 1e9
        return real()

    return monotonic


def _clock_by_id(source: str, real: Callable[[int], Any]) -> Callable[[int], Any]:
    def captured(clk_id: int, /) -> Any:
        value = real(clk_id)  # what is no clock is refused alike on replay
        scope = reading()
        return value if scope is None else taken(scope, f"{source}({clk_id})", lambda: value)

    return captured


# --- moments as structs and text -------------------------------------------------------------------------------------


def _now(scope: Scope, source: str, broken_down: Callable[[], time.struct_time]) -> time.struct_time:
    """Read the present moment with its zone, as eleven numbers and names."""

    def real() -> list[Any]:
        moment = broken_down()
        return [*moment, moment.tm_zone, moment.tm_gmtoff]

    return time.struct_time(taken(scope, source, real))


def _broken_down(source: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        def captured(seconds: float | None = None, /) -> time.struct_time:
            scope = reading() if seconds is None else None
            if scope is None:
                return original(seconds)  # type: ignore[no-any-return]
            return _now(scope, source, original)

        return captured

    return around


def _ctime(original: Callable[..., str]) -> Callable[..., str]:
    def captured(seconds: float | None = None, /) -> str:
        scope = reading() if seconds is None else None
        return original(seconds) if scope is None else taken(scope, "time.ctime", original)

    return captured


def _asctime(original: Callable[..., str]) -> Callable[..., str]:
    def captured(*moment: Any) -> str:
        scope = None if moment else reading()
        return original(*moment) if scope is None else taken(scope, "time.asctime", original)

    return captured


def _strftime(original: Callable[..., str]) -> Callable[..., str]:
    def captured(format: str, /, *moment: Any) -> str:  # noqa: A002 - as in time
        scope = None if moment else reading()
        if scope is None:
            return original(format, *moment)
        return taken(scope, "time.strftime", partial(original, format))

    return captured


def _sleep(original: Callable[[float], None]) -> Callable[[float], None]:
    """Sleep while recording; on replay a sleep is over at once. A thread among others gives its turn away."""

    def captured(seconds: float, /) -> None:
        if (reading() is None and not _is_job()) or not seconds > 0:
            aside = member_of_thread()
            if aside is not None and seconds > 0 and aside.timeline.linger(aside, int(seconds * 1e9)):
                return None
            return original(seconds)
        member, timeline = member_here(), current.get()
        if member is not None and member.timeline.sleep(member, int(seconds * 1e9)):
            return None
        return original(seconds) if timeline is None or timeline.live else None

    return captured


def _is_job() -> bool:
    """Tell whether to sleep is all that the agent wants of a thread: then the caller is what runs a thread's job."""
    return here() is not None and sys._getframe(2).f_code in _RUNS_JOBS


_WITH_MOMENT: Final[dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]]] = {
    "localtime": _broken_down("time.localtime"),
    "gmtime": _broken_down("time.gmtime"),
    "ctime": _ctime,
    "asctime": _asctime,
    "strftime": _strftime,
    "sleep": _sleep,
}

# --- datetime --------------------------------------------------------------------------------------------------------


def _calendar() -> Iterator[tuple[Slot, Any]]:
    now, utcnow = TypeSlot(datetime, "now"), TypeSlot(datetime, "utcnow")
    today = TypeSlot(date, "today")
    real_now: Callable[..., datetime] = now.original.__get__(None, datetime)

    def captured_now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
        scope = reading()
        if scope is None:
            return now.original.__get__(None, cls)(tz)  # type: ignore[no-any-return]
        if tz is None:
            return _built(cls, _moment(scope, "datetime.datetime.now", real_now))
        real_now(tz)  # what is no time zone is refused as Python words it
        moment = _moment(scope, "datetime.datetime.now", lambda: real_now(UTC).replace(tzinfo=None))
        return tz.fromutc(_built(cls, moment, tz))

    def captured_utcnow(cls: type[datetime]) -> datetime:
        scope = reading()
        if scope is None:
            return utcnow.original.__get__(None, cls)()  # type: ignore[no-any-return]
        return _built(cls, _moment(scope, "datetime.datetime.utcnow", lambda: real_now(UTC).replace(tzinfo=None)))

    def captured_today(cls: type[date]) -> date:
        scope = reading()
        if scope is None:
            return today.original.__get__(None, cls)()  # type: ignore[no-any-return]
        if issubclass(cls, datetime):
            return _built(cls, _moment(scope, "datetime.datetime.today", real_now))
        said = taken(scope, "datetime.date.today", lambda: real_now().date().isoformat())
        day = date.fromisoformat(said)
        return day if cls is date else cls(day.year, day.month, day.day)

    yield now, classmethod(captured_now)
    yield utcnow, classmethod(captured_utcnow)
    yield today, classmethod(captured_today)


def _moment(scope: Scope, source: str, real: Callable[[], datetime]) -> datetime:
    """Read a moment without a zone as text; the second reading of an hour that comes twice ends with a ``*``."""

    def written() -> str:
        moment = real()
        return moment.isoformat() + "*" * moment.fold

    said = taken(scope, source, written)
    return datetime.fromisoformat(said.rstrip("*")).replace(fold=said.count("*"))


def _built(cls: type[datetime], moment: datetime, tz: tzinfo | None = None) -> datetime:
    """Give the moment as the class itself would have made it: through its own constructor."""
    if cls is datetime:
        return moment.replace(tzinfo=tz)
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)
    return cls(*parts, tz, fold=moment.fold) if moment.fold else cls(*parts, tz)
