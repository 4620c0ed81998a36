"""What programs already hold is redirected in place, and put back."""

from __future__ import annotations

import ctypes
import datetime
import gc
import sys
import time
from types import MethodType
from typing import Any

import pytest

from harness.adapters.interpreter.slots import AttributeSlot, CodeSlot, FunctionSlot, MethodSlot, Slot, TypeSlot
from harness.errors import UsageError

held = time.time


def call_often() -> float:
    """Call a built-in function often enough for the interpreter to specialise the call."""
    for _ in range(200):
        held()
    return held()


class Holder:
    """Something with a method."""

    kind = "own"

    def method(self) -> str:
        return "real"


def plain() -> str:
    """Give something to redirect."""
    return "real"


def test_a_held_function_is_redirected_and_put_back() -> None:
    """A call that was specialised before goes to the replacement, and afterwards to the clock again."""
    slot = FunctionSlot(time.time, "time.time")
    call_often()
    slot.fill(lambda: 42)
    try:
        assert call_often() == 42
        assert slot.original() > 1e9
    finally:
        slot.empty()
    assert call_often() > 1e9
    assert time.time is held


def test_an_exception_of_the_replacement_reaches_the_caller() -> None:
    """Arguments, keywords and exceptions pass as in any call."""

    def refuse(seconds: float, **more: object) -> None:
        raise KeyError(seconds, more)

    slot = FunctionSlot(time.sleep, "time.sleep")
    slot.fill(refuse)
    try:
        with pytest.raises(KeyError, match="3"):
            time.sleep(3)
    finally:
        slot.empty()


def test_a_filled_function_keeps_its_replacement_alive() -> None:
    """The replacement survives a collection while the slot is filled, and is let go afterwards."""
    slot = FunctionSlot(time.time, "time.time")

    class Fixed:
        def __call__(self) -> float:
            return 42.0

    fixed = Fixed()
    before = sys.getrefcount(fixed)
    slot.fill(fixed)
    gc.collect()
    assert time.time() == 42.0
    slot.empty()
    assert sys.getrefcount(fixed) == before


def test_the_documentation_of_a_redirected_function_stays() -> None:
    """What describes the function to people and tools is left alone."""
    doc, name = time.time.__doc__, time.time.__name__
    slot = FunctionSlot(time.time, "time.time")
    slot.fill(lambda: 42)
    try:
        assert (time.time.__doc__, time.time.__name__) == (doc, name)
    finally:
        slot.empty()


def test_an_entry_of_a_c_type_is_redirected_for_its_subclasses_too() -> None:
    """A class that was derived before sees the replacement, as itself."""

    class Mine(datetime.datetime):
        pass

    slot = TypeSlot(datetime.datetime, "now")
    slot.fill(classmethod(lambda cls, tz=None: cls(2000, 1, 1)))
    try:
        assert Mine.now() == Mine(2000, 1, 1)
        assert type(Mine.now()) is Mine
    finally:
        slot.empty()
    assert Mine.now().year > 2000


def test_a_bound_method_that_is_held_is_redirected() -> None:
    """The very method object calls the replacement with its instance."""
    holder = Holder()
    method = holder.method
    slot = MethodSlot(method, "method")
    slot.fill(lambda self: (self is holder, slot.original(self)))
    try:
        assert method() == (True, "real")
    finally:
        slot.empty()
    assert method() == "real"
    assert isinstance(method, MethodType)


def test_a_python_function_is_redirected_for_everybody_who_holds_it() -> None:
    """Its code is exchanged, so that names bound before are redirected too."""
    slot, bound = CodeSlot(plain), plain
    slot.fill(lambda: f"not {slot.original()}")
    try:
        assert bound() == "not real"
    finally:
        slot.empty()
    assert bound() == "real"


def test_an_inherited_attribute_is_inherited_again() -> None:
    """Emptying a slot on an instance leaves nothing of its own behind."""
    holder = Holder()
    slot = AttributeSlot(holder, "kind")
    slot.fill("other")
    assert holder.kind == "other"
    slot.empty()
    assert (holder.kind, vars(holder)) == ("own", {})


@pytest.mark.parametrize(
    "slot", [FunctionSlot(time.monotonic, "x"), TypeSlot(datetime.datetime, "now"), CodeSlot(plain)]
)
def test_emptying_an_empty_slot_changes_nothing(slot: Slot) -> None:
    """A slot may be emptied whether or not it was filled."""
    slot.empty()
    slot.empty()
    assert time.monotonic() > 0
    assert datetime.datetime.now(datetime.UTC).year > 2000
    assert plain() == "real"


@pytest.mark.parametrize("strange", [plain, len, ctypes.CFUNCTYPE(None), print.__call__])
def test_an_unexpected_layout_is_refused_by_name(strange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written where the object is not what it should be; the message names the source."""
    if strange is len:  # as if the fields came in another order
        monkeypatch.setattr("harness.adapters.interpreter.slots._HEAD", object.__basicsize__ + 8)
        monkeypatch.setattr("harness.adapters.interpreter.slots._FIELDS", 4)
    with pytest.raises(UsageError, match=r"cannot be captured: the source"):
        FunctionSlot(strange, "the source")
