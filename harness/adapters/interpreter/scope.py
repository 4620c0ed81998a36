"""Whose read it is: which session's, and whether the agent's at all.

A source is read by an agent where the code that asks lies inside a session whose run has begun, outside every effect,
and in no module that is plumbing: code whose reads differ from run to run without the agent ever seeing them.
"""

from __future__ import annotations

import _frozen_importlib
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from random import Random
from types import FrameType
from typing import Any, Final, TypeVar

from harness.determinism import address
from harness.determinism.address import in_effect
from harness.determinism.member import current
from harness.run.drive import Run
from harness.run.site import INSTALLED, rank_of
from harness.run.taking import read, read_at, secret

T = TypeVar("T")

_WAITS: Final = "asyncio concurrent multiprocessing queue sched selectors signal socket ssl subprocess threading"
"""When they look at the clock depends on the load of the machine, not on the agent."""
_REPORTS: Final = "importlib inspect linecache logging pkgutil traceback warnings zoneinfo"
"""What they read never reaches the agent, and caches decide whether they read at all."""
_CARRIERS: Final = "anyio h11 h2 http httpcore httpcore2 httpx httpx2 sniffio starlette uvicorn"
"""They carry requests and answers, which are recorded above them."""
_WATCHERS: Final = "_pytest bdb coverage harness hypothesis opentelemetry pdb pluggy pytest pytest_timeout ray xdist"
"""They watch the agent for somebody else."""
_PLUMBING: Final = frozenset(f"{_WAITS} {_REPORTS} {_CARRIERS} {_WATCHERS}".split())
_TRANSPARENT: Final = {"collections.abc", "os", "pathlib", "pathlib._local", "posixpath", "random", "secrets"}
_HIDDEN, _TRANSPARENT_KIND = 1, 2
_IMPORT_SYSTEM: Final = "<frozen importlib._bootstrap>"
_imports_under_way: Final[dict[str, Any]] = _frozen_importlib._module_locks  # type: ignore[attr-defined]


class _Kinds(dict[str, int]):
    """Tell by a module's name: 0 the agent's or a package's that speaks for it, 1 plumbing, 2 to be looked through."""

    def __missing__(self, module: str) -> int:
        plumbing = module.partition(".")[0] in _PLUMBING
        kind = self[module] = _TRANSPARENT_KIND if module in _TRANSPARENT else int(plumbing)
        return kind


_kinds: Final = _Kinds()


class Scope:
    """What one session keeps of capture: its run, once that has begun, and its own streams of chance.

    ``random`` holds one stream (under ``""``), or one for each address where tasks race (``stream_name``).
    ``run`` is None before the run has begun and after it has ended: sources give the real thing then. ``refuse`` says
    that uncaptured doors are shut; ``uncaptured`` lists those that were used, for people.
    """

    __slots__ = ("arrays", "random", "refuse", "run", "seed", "seen", "uncaptured")

    def __init__(self, *, refuse: bool = False) -> None:
        self.run: Run | None = None
        self.random: dict[str, Random] = {}
        self.seed: int | None = None
        self.arrays: Any = None
        self.refuse = refuse
        self.uncaptured: list[str] = []
        self.seen: set[tuple[str, str]] = set()


_scope: ContextVar[Scope | None] = ContextVar("harness_scope", default=None)


def enter(scope: Scope | None) -> Token[Scope | None]:
    """Let code from here on belong to the scope of a session, or with None to none."""
    return _scope.set(scope)


def leave(token: Token[Scope | None]) -> None:
    """End what ``enter`` began."""
    _scope.reset(token)


def here() -> Scope | None:
    """Give the scope of the calling code where its reads are the agent's as far as the session knows."""
    scope = _scope.get()
    return None if scope is None or scope.run is None or in_effect() else scope


def reading(depth: int = 2) -> Scope | None:
    """Give the scope that the caller's caller (at ``depth``) reads a source in; None where it gets the real thing."""
    scope = _scope.get()
    if scope is None or scope.run is None or in_effect():
        return None
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and (kind := _kinds[frame.f_globals.get("__name__", "")]):
        if kind == _HIDDEN:
            return None
        frame = frame.f_back
    return None if _imports_under_way and _is_import(frame) else scope


def _is_import(frame: FrameType | None) -> bool:
    """Tell whether code runs because a module is imported, which happens once per process and not once per run."""
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("harness."):
        if frame.f_code.co_filename == _IMPORT_SYSTEM:
            return True
        frame = frame.f_back
    return False


def stream_name() -> str:
    """Say which stream of the session the calling code draws from: in somebody else's loop each task has its own."""
    timeline = current.get()
    return "" if timeline is not None and timeline.exact else address.here().address


def asker(depth: int = 2) -> FrameType:
    """Give the frame that reads a source, looked for behind modules that pass a question on."""
    frame = sys._getframe(depth)
    while frame.f_back is not None and _kinds[module_of(frame)] == _TRANSPARENT_KIND:
        frame = frame.f_back
    return frame


def module_of(frame: FrameType) -> str:
    """Name the module whose code a frame runs."""
    name: str = frame.f_globals.get("__name__", "")
    return name


def taken(scope: Scope, source: str, real: Callable[[], T]) -> T:
    """Read a source in a scope that ``reading`` gave."""
    assert scope.run is not None
    place = _place()
    return read_at(scope.run, source, place, real) if place else read(scope.run, source, real)


def taken_in_secret(scope: Scope, source: str, drawn: bytes) -> bytes:
    """Take bytes that were drawn to be secret in a scope that ``reading`` gave."""
    assert scope.run is not None
    return secret(scope.run, source, _place(), drawn)


def of_the_session(scope: Scope, source: str, real: Callable[[], T]) -> T:
    """Read something once for a whole session, whoever of its tasks comes first."""
    assert scope.run is not None
    return read_at(scope.run, source, "session", real, address="0")


def _place() -> str:
    """Name the function of an installed package that reads; empty where the agent's own code does."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        rank = rank_of(_file(frame))
        if rank:
            return f"{module_of(frame)}:{frame.f_code.co_qualname}" if rank == INSTALLED else ""
        frame = frame.f_back
    return ""


def _file(frame: FrameType) -> str:
    """Name the file that a frame's code stands in; that of its module where ``dataclasses`` has written the code."""
    file = frame.f_code.co_filename
    if file != "<string>":
        return file
    return getattr(sys.modules.get(module_of(frame)), "__file__", None) or file


def outside(real: Callable[[], T]) -> T:
    """Call something whose own reads are no reads of the agent, because its result is one."""
    token = enter(None)
    try:
        return real()
    finally:
        leave(token)


def plain(source: str, real: Callable[[], T]) -> Callable[[], T]:
    """Give the replacement of a source without arguments whose values are JSON data."""

    def captured() -> T:
        scope = reading()
        return real() if scope is None else taken(scope, source, real)

    return captured
