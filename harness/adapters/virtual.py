"""The world of a trial: what is performed is real; clocks, chance and secrets follow from a seed and from virtual time.

Two runs that do the same then read the same, whenever and wherever they are made. What it does not control: what tools
read inside their effects, and what an agent reads of the environment.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from harness.adapters.live import LiveWorld
from harness.determinism.member import member_of_thread
from harness.determinism.streams import stream

BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which every trial begins."""

_BEGINS_NS: Final = int(BEGINS.timestamp()) * 1_000_000_000
_OF_DAY: Final = ("time.time", "time.clock_gettime(0)")
_ZONE_S: Final = 900  # time zones differ by quarters of an hour
_DRAWN: Final = ("os.urandom", "os.getrandom", "harness.nonce", "harness.vote")
"""What is read as random bytes, in hexadecimal digits; by the last two routes and votes are told apart."""
_SEED_BYTES: Final = 16  # of a generator that is given no seed
_UUID_BYTES: Final = 16


class VirtualWorld(LiveWorld):
    """Serve one trial; its parameters are those of ``LiveWorld``, with a seed that is always there."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._counts: Counter[str] = Counter()

    def now(self, seq: int) -> int:
        member = member_of_thread()
        self._last = self._last if member is None else member.timeline.now
        return max(self._last, 0)

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        name = source.partition("@")[0]
        if name in _DRAWN:
            return self._drawn(task, name, len(real()) // 2).hex()
        if name == "random.Random":
            return self._drawn(task, name, _SEED_BYTES).hex()
        if name == "uuid.uuid1":
            return [UUID(bytes=self._drawn(task, name, _UUID_BYTES), version=1).hex, None]
        moment = _moment(name, self.now(0), real)
        return super().read(task, source, real) if moment is None else moment

    def secret(self, task: str, source: str, drawn: bytes) -> tuple[str, bytes]:
        kept = self._drawn(task, source, len(drawn))
        self._counts["secrets"] += 1
        return f"⟦secret:{source}:{self._counts['secrets']}⟧", kept

    def _drawn(self, task: str, source: str, size: int) -> bytes:
        self._counts[f"{task} {source}"] += 1
        return stream(self._seed or 0, task, source, self._counts[f"{task} {source}"]).randbytes(size)


def _moment(source: str, elapsed_ns: int, real: Callable[..., Any]) -> Any:
    """Give what a clock says so many nanoseconds after the beginning; None for what is no clock."""
    now = BEGINS + timedelta(microseconds=elapsed_ns // 1000)
    match source:
        case "time.localtime" | "time.gmtime":
            broken = (time.localtime if source == "time.localtime" else time.gmtime)(now.timestamp())
            return [*broken, broken.tm_zone, broken.tm_gmtoff]
        case "time.ctime" | "time.asctime":
            return time.ctime(now.timestamp())
        case "time.strftime":
            return real(time.localtime(now.timestamp()))
        case "datetime.date.today":
            return now.astimezone().date().isoformat()
        case _ if source.startswith("datetime."):
            return _in_zone_of(datetime.fromisoformat(real().rstrip("*")), now)
        case _ if source.startswith("time."):
            count = elapsed_ns + _BEGINS_NS * source.removesuffix("_ns").startswith(_OF_DAY)
            return count if "_ns" in source else count / 1e9
    return None


def _in_zone_of(wall: datetime, now: datetime) -> str:
    """Write a moment as the clock on the wall does, whose real reading tells its zone."""
    ahead = (wall - datetime.now(UTC).replace(tzinfo=None)).total_seconds()
    zone = timedelta(seconds=round(ahead / _ZONE_S) * _ZONE_S)
    return (now + zone).replace(tzinfo=None).isoformat()
