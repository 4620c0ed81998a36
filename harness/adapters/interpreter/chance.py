"""Chance: the generators of ``random``, the operating system's, and what is built on them.

The hidden generator behind ``random.random`` is shared by a whole process. Inside a session another one takes its
place, seeded by one recorded draw from the process's own, so that draws cost no line each and ``random.seed`` in one
session never changes another. The hidden generator is one object, whose class is exchanged: every function that was
taken out of ``random`` by name still ends there.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Final

from harness.adapters.interpreter.scope import (
    Scope,
    asker,
    module_of,
    of_the_session,
    outside,
    plain,
    reading,
    stream_name,
    taken,
    taken_in_secret,
)
from harness.adapters.interpreter.slots import AttributeSlot, CodeSlot, FunctionSlot, Slot, TypeSlot
from harness.determinism.streams import stream

_hidden: Final[random.Random] = random._inst
_C_RANDOM: Final[type] = random.Random.__mro__[1]
_SEED_BITS: Final = 128
_IDENTIFIERS: Final = frozenset({"fastuuid", "ksuid", "nanoid", "shortuuid", "ulid", "uuid", "uuid6", "uuid_utils"})
"""Packages that draw identifiers, which are no secrets."""
TEMPDIR_PROBE: Final[CodeType] = tempfile._get_default_tempdir.__code__  # type: ignore[attr-defined]
"""The function that looks for a folder that can be written to, once per process."""
_LABELLERS: Final = frozenset({"openai._base_client"})
"""Modules whose identifiers go into headers of requests, which neither a trace nor an agent knows of."""


def replacements() -> Iterator[tuple[Slot, Any]]:
    """Yield each slot with what is to stand in it."""
    urandom = FunctionSlot(os.urandom, "os.urandom")
    yield urandom, _bytes("os.urandom", urandom.original)
    if hasattr(os, "getrandom"):
        getrandom = FunctionSlot(os.getrandom, "os.getrandom")
        yield getrandom, _bytes("os.getrandom", getrandom.original)
    yield from _hidden_generator()
    yield from _seeds(urandom.original)
    yield from _identifiers()


def _bytes(source: str, original: Callable[..., bytes]) -> Callable[..., bytes]:
    def captured(size: int, /, flags: int = 0) -> bytes:
        drawn = original(size, flags) if flags else original(size)  # what is no size is refused alike on replay
        scope = reading()
        if scope is None:
            return drawn
        drawer = asker()
        if module_of(drawer).partition(".")[0] in _IDENTIFIERS:
            if drawer.f_back is not None and module_of(drawer.f_back) in _LABELLERS:
                return drawn
            return bytes.fromhex(taken(scope, source, drawn.hex))
        return taken_in_secret(scope, f"{source}({size})", drawn)

    return captured


# --- the hidden generator --------------------------------------------------------------------------------------------


class _Sessions(random.Random):
    """The class of the hidden generator while a session is open: it draws from the stream of the session."""

    def random(self) -> float:
        return (_stream() or _base).random()

    def getrandbits(self, k: int, /) -> int:
        return (_stream() or _base).getrandbits(k)

    @property
    def gauss_next(self) -> float | None:
        own = _stream()
        return self.__dict__["gauss_next"] if own is None else own.gauss_next  # type: ignore[attr-defined,no-any-return]

    @gauss_next.setter
    def gauss_next(self, value: float | None) -> None:
        own = _stream()
        if own is None:
            self.__dict__["gauss_next"] = value
        else:
            own.gauss_next = value  # type: ignore[attr-defined]


class _Base:
    """The hidden generator as it is outside every session."""

    def random(self) -> float:
        return _C_RANDOM.random(_hidden)  # type: ignore[attr-defined,no-any-return]

    def getrandbits(self, k: int, /) -> int:
        return _C_RANDOM.getrandbits(_hidden, k)  # type: ignore[attr-defined,no-any-return]


_base: Final = _Base()


def _stream() -> random.Random | None:
    """Give the stream of the session that draws, seeded by its first draw; None where the process's own is meant."""
    scope = reading(3)
    if scope is None:
        return None
    name = stream_name()
    if name not in scope.random:
        if scope.seed is None:
            scope.seed = int(of_the_session(scope, "random", lambda: f"{_base.getrandbits(_SEED_BITS):x}"), 16)
        scope.random[name] = stream(scope.seed, name) if name else random.Random(scope.seed)  # noqa: S311 - it is one
    return scope.random[name]


def _drawn() -> float:
    return (_stream() or _base).random()


def _drawn_bits(k: int, /) -> int:
    return (_stream() or _base).getrandbits(k)


def _recorded_seed(scope: Scope, source: str, real: Callable[[], int]) -> int:
    return int(taken(scope, source, lambda: f"{real():x}"), 16)


def _hidden_generator() -> Iterator[tuple[Slot, Any]]:
    yield AttributeSlot(_hidden, "__class__"), _Sessions
    yield FunctionSlot(random.random, "random.random"), _drawn
    yield FunctionSlot(random.getrandbits, "random.getrandbits"), _drawn_bits
    getstate, setstate = TypeSlot(_C_RANDOM, "getstate"), TypeSlot(_C_RANDOM, "setstate")

    def captured_getstate(self: Any) -> Any:
        own = _stream() if self is _hidden else None
        return getstate.original(own or self)

    def captured_setstate(self: Any, state: Any) -> None:
        setstate.original(_replaced(reading(), self), state)

    yield getstate, captured_getstate
    yield setstate, captured_setstate


def _seeds(true_random: Callable[[int], bytes]) -> Iterator[tuple[Slot, Any]]:
    """Yield the slot that every generator is seeded through; one without a seed of its own is given a recorded one."""
    seed = TypeSlot(_C_RANDOM, "seed")

    def captured_seed(self: Any, *seeds: Any) -> None:
        scope = reading()
        if scope is not None and (not seeds or seeds[0] is None):
            seeds = (_recorded_seed(scope, "random.Random", lambda: int.from_bytes(true_random(_SEED_BITS // 8))),)
        seed.original(_replaced(scope, self), *seeds)

    yield seed, captured_seed


def _replaced(scope: Scope | None, generator: Any) -> Any:
    """Give the generator whose whole state is about to be replaced: of the hidden one, the session's own."""
    if scope is None or generator is not _hidden:
        return generator
    return scope.random.setdefault(stream_name(), random.Random(0))  # noqa: S311 - it stands in for one


# --- identifiers -----------------------------------------------------------------------------------------------------


def _identifiers() -> Iterator[tuple[Slot, Any]]:
    if uuid._generate_time_safe is not None:  # type: ignore[attr-defined]  # the C library's own uuid1
        slot = FunctionSlot(uuid._generate_time_safe, "uuid.uuid1")  # type: ignore[attr-defined]
        yield slot, _time_based(slot.original)
    node = CodeSlot(uuid.getnode)
    yield node, plain("uuid.getnode", lambda: outside(node.original))
    names = AttributeSlot(tempfile._RandomNameSequence, "__next__")  # type: ignore[attr-defined]

    def captured_name(self: Any) -> str:
        scope = reading()
        if scope is None or sys._getframe(1).f_code is TEMPDIR_PROBE:
            return str(outside(lambda: names.original(self)))
        return str(taken(scope, "tempfile", lambda: outside(lambda: names.original(self))))

    yield names, captured_name


def _time_based(original: Callable[[], tuple[bytes, int | None]]) -> Callable[[], tuple[bytes, int | None]]:
    def captured() -> tuple[bytes, int | None]:
        scope = reading()
        if scope is None:
            return original()

        def real() -> list[Any]:
            drawn, safe = original()
            return [drawn.hex(), safe]

        said, safe = taken(scope, "uuid.uuid1", real)
        return bytes.fromhex(said), safe

    return captured
