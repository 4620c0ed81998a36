"""Packages with chance or an order of their own: numpy, uuid_utils, uvloop and anyio, whenever they come in.

The global state of numpy is treated as that of ``random``: a session draws from a state of its own, seeded by one
recorded draw; a generator made without a seed is given a recorded one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, MutableSet
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from harness.adapters.interpreter.scope import Scope, here, of_the_session, reading, taken
from harness.adapters.interpreter.slots import AttributeSlot, FunctionSlot, MethodSlot, Slot, TypeSlot
from harness.adapters.interpreter.threads import named, uvloop_replacements

_SEED_BYTES: Final = 16


def _numpy_random(numpy_random: Any) -> Iterator[tuple[Slot, Any]]:
    shared = numpy_random.mtrand._rand
    kind = type(shared)
    draw, reseed = kind.bytes, kind.seed

    def state_of(scope: Scope) -> Any:
        if scope.arrays is None:
            seed = int(of_the_session(scope, "numpy.random", lambda: draw(shared, _SEED_BYTES).hex()), 16)
            scope.arrays = kind(numpy_random.MT19937(numpy_random.SeedSequence(seed)))
        return scope.arrays

    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        def captured(self: Any, *args: Any, **options: Any) -> Any:
            scope = reading() if self is shared else None
            return original(self if scope is None else state_of(scope), *args, **options)

        return captured

    def captured_seed(self: Any, seed: Any = None) -> None:
        scope = reading()
        if scope is not None and seed is None:
            said = taken(scope, "numpy.random.seed", lambda: draw(shared, _SEED_BYTES).hex())
            seed = [int(said[place : place + 8], 16) for place in range(0, len(said), 8)]
        reseed(self if scope is None or self is not shared else state_of(scope), seed)

    yield TypeSlot(kind, "seed"), captured_seed
    for name, entry in list(vars(kind).items()):
        if not name.startswith("_") and name != "seed" and callable(entry):
            yield TypeSlot(kind, name), around(entry)
            method = getattr(numpy_random, name, None)
            if getattr(method, "__self__", None) is shared:
                yield MethodSlot(method, f"numpy.random.{name}"), around(entry)

    entropy = AttributeSlot(numpy_random.bit_generator, "randbits")

    def captured_entropy(bits: int) -> int:
        scope = reading()
        if scope is None:
            return int(entropy.original(bits))
        return int(taken(scope, "numpy.random.SeedSequence", lambda: f"{entropy.original(bits):x}"), 16)

    yield entropy, captured_entropy


def _uuid_utils(package: Any) -> Iterator[tuple[Slot, Any]]:
    def around(source: str, kind: Callable[[str], Any], original: Callable[..., Any]) -> Callable[..., Any]:
        def captured(*args: Any, **options: Any) -> Any:
            scope = reading()
            if scope is None:
                return original(*args, **options)
            return kind(taken(scope, source, lambda: str(original(*args, **options))))

        return captured

    identifiers = dict.fromkeys(("uuid1", "uuid4", "uuid6", "uuid7"), package.UUID)
    for name, kind in (identifiers | dict.fromkeys(("_uuid4_int", "_uuid7_int"), int)).items():
        if hasattr(package, name):
            slot = FunctionSlot(getattr(package, name), f"uuid_utils.{name}")
            yield slot, around(f"uuid_utils.{name}", kind, slot.original)


def _anyio(backend: Any) -> Iterator[tuple[Slot, Any]]:
    slot = AttributeSlot(backend.CancelScope, "__init__")

    def captured(scope: Any, *args: Any, **options: Any) -> None:
        slot.original(scope, *args, **options)
        if here() is not None:
            scope._child_scopes = _InOrder()

    yield slot, captured
    working = TypeSlot(backend.AsyncIOBackend, "run_sync_in_worker_thread")

    async def captured_work(cls: Any, func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return await working.original.__func__(cls, named(func), *args, **options)

    yield working, classmethod(captured_work)


class _InOrder(MutableSet[Any]):
    """A set that is gone through in the order of adding: scopes are cancelled in it, and have no other order."""

    def __init__(self) -> None:
        self._items: dict[Any, None] = {}

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: Any) -> None:
        self._items[value] = None

    def discard(self, value: Any) -> None:
        self._items.pop(value, None)


KNOWN: Final[dict[str, Callable[[Any], Iterator[tuple[Slot, Any]]]]] = {
    "numpy.random": _numpy_random,
    "uuid_utils": _uuid_utils,
    "uvloop": uvloop_replacements,
    "anyio._backends._asyncio": _anyio,
}
"""What has to be redirected in a package, by the module whose import completes it."""


class Arrivals(MetaPathFinder):
    """Tell of known modules that are imported while a session is open, as soon as they are complete."""

    def __init__(self, arrived: Callable[[str], None]) -> None:
        self._arrived = arrived

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in KNOWN:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            self._tell_after(spec.loader, name)
        return spec

    def _tell_after(self, loader: Any, name: str) -> None:
        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # from here on it is the loader it was
            loader.exec_module(module)
            self._arrived(name)

        loader.exec_module = exec_module
