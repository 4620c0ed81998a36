"""Put something else in the place of what a program may already hold under names of its own.

``from time import time`` keeps the function object, so replacing ``time.time`` would miss it. A *slot* is a place that
every holder looks through at each call:

* the fields of a built-in function object (``FunctionSlot``): its definition is swapped for one that calls Python;
* the function of a bound method object (``MethodSlot``);
* the dict of a type written in C (``TypeSlot``);
* the code of a function written in Python (``CodeSlot``);
* an attribute of a module, or of a class or instance written in Python (``AttributeSlot``).

Nothing is written before the layout has been read back and found to be as expected. Slots are filled and emptied under
the interpreter's lock in one step, so that another thread sees either the one or the other.
"""

from __future__ import annotations

import ctypes
import gc
import platform
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any, Final, Protocol

from harness.errors import UsageError

_HEAD: Final = object.__basicsize__
_WORD: Final = ctypes.sizeof(ctypes.c_void_p)
_FIELDS: Final = 5  # definition, self, module, weak references, vectorcall
_VARARGS_KEYWORDS: Final = 3
_STATIC: Final = 0x20
_NOTHING: Final = object()


class Slot(Protocol):
    """A place that is filled while at least one session is open; ``original`` is what stands there otherwise."""

    original: Any

    def fill(self, replacement: Any) -> None:
        """Put the replacement in the place."""

    def empty(self) -> None:
        """Put back what was there; does nothing where nothing was filled."""


class _Definition(ctypes.Structure):
    """The PyMethodDef of a built-in function."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_void_p),
    )


class FunctionSlot:
    """Redirect one built-in function object to a Python callable; UsageError where its layout is not as expected.

    The object stays the same, so every name that was bound to it is redirected. ``original`` is a new built-in
    function that does what the object did. Calls and exceptions pass through without a callback of ctypes.
    """

    def __init__(self, function: Any, source: str) -> None:
        self.function = function
        self._fields = _checked_fields(function, source)
        definition = self._fields[0]
        self.original: Callable[..., Any] = _new_function()(definition, self._fields[1], function.__module__)
        self._before: list[int | None] = []
        self._ours = _Definition.from_buffer_copy(_Definition.from_address(_address(definition)))
        self._ours.function = ctypes.cast(ctypes.pythonapi.PyObject_Call, ctypes.c_void_p).value
        self._ours.flags = _VARARGS_KEYWORDS
        self._replacement: Any = None
        # where this module is unloaded (pytest does that to a run inside a run), its definition must not go with it
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))

    def fill(self, replacement: Any) -> None:
        self.empty()
        self._replacement = replacement
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(replacement))  # the object's field owns a reference
        self._before = list(self._fields)
        ours: list[int | None] = [ctypes.addressof(self._ours), id(replacement), *self._before[2:4], None]
        self._fields[:] = ours

    def empty(self) -> None:
        if self._before:
            self._fields[:] = self._before
            self._before = []
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(self._replacement))
            self._replacement = None


class MethodSlot:
    """Redirect one bound method object to a function that is given the same instance first."""

    def __init__(self, method: Any, source: str) -> None:
        if type(method) is not MethodType:
            raise _foreign(source, f"it is of type {type(method).__name__}")
        self.original: Any = method.__func__
        self._method = method
        self._fields: Any = (ctypes.c_void_p * 2).from_address(id(method) + _HEAD)
        if list(self._fields) != [id(self.original), id(method.__self__)]:
            raise _foreign(source, "the fields of its object have another order")

    def fill(self, replacement: Any) -> None:
        self._point_to(replacement)

    def empty(self) -> None:
        self._point_to(self.original)

    def _point_to(self, function: Any) -> None:
        before = self._method.__func__
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))  # the object's field owns a reference
        self._fields[0] = id(function)
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(before))


class TypeSlot:
    """Replace one entry in the dict of a type, also of one written in C."""

    def __init__(self, kind: type, name: str) -> None:
        self._kind, self._name = kind, name
        self._entries: Any = gc.get_referents(kind.__dict__)[0]
        self.original: Any = kind.__dict__[name]
        if type(self._entries) is not dict or self._entries.get(name) is not self.original:
            raise _foreign(f"{kind.__module__}.{kind.__qualname__}.{name}", "its type keeps its entries elsewhere")

    def fill(self, replacement: Any) -> None:
        self._write(replacement)

    def empty(self) -> None:
        self._write(self.original)

    def _write(self, entry: Any) -> None:
        self._entries[self._name] = entry
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(self._kind))


class AttributeSlot:
    """Replace one attribute of a module, a Python class or an instance."""

    def __init__(self, holder: Any, name: str) -> None:
        self._holder, self._name = holder, name
        self.original: Any = getattr(holder, name)
        self._own = vars(holder).get(name, _NOTHING) if name != "__class__" else self.original

    def fill(self, replacement: Any) -> None:
        setattr(self._holder, self._name, replacement)

    def empty(self) -> None:
        if self._own is not _NOTHING:
            setattr(self._holder, self._name, self._own)
        elif self._name in vars(self._holder):
            delattr(self._holder, self._name)


class CodeSlot:
    """Redirect one function written in Python, whoever holds it; it must have no closure."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._code: CodeType = function.__code__
        self._name = f"__harness_{function.__name__}__"
        self.original: Callable[..., Any] = FunctionType(
            self._code, function.__globals__, function.__name__, function.__defaults__
        )
        self.original.__kwdefaults__ = function.__kwdefaults__
        names = tuple(self._name if name == "_replacement" else name for name in _redirected.__code__.co_names)
        self._ours = _redirected.__code__.replace(co_names=names, co_name=function.__name__)

    def fill(self, replacement: Any) -> None:
        self._function.__globals__[self._name] = replacement
        self._function.__code__ = self._ours

    def empty(self) -> None:
        self._function.__code__ = self._code  # the name stays for calls that are under way


def _redirected(*args: Any, **options: Any) -> Any:
    return _replacement(*args, **options)  # type: ignore[name-defined] # noqa: F821 - a name of the function's module


def _checked_fields(function: Any, source: str) -> Any:
    """Give the fields of a built-in function object, once they are found to be what Python itself says they are."""
    kind = type(function)
    if kind.__name__ != "builtin_function_or_method" or kind.__basicsize__ != _HEAD + _FIELDS * _WORD:
        raise _foreign(source, f"it is of type {kind.__name__}, {kind.__basicsize__} bytes long")
    fields = (ctypes.c_void_p * _FIELDS).from_address(id(function) + _HEAD)
    module = function.__module__
    if fields[2] != (None if module is None else id(module)) or not fields[0]:
        raise _foreign(source, "the fields of its object have another order")
    definition = _Definition.from_address(_address(fields[0]))
    owner = None if definition.flags & _STATIC else function.__self__
    if definition.name != function.__name__.encode() or (owner is not None and fields[1] != id(owner)):
        raise _foreign(source, f"its definition is named {definition.name!r}")
    return fields


def _new_function() -> Any:
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.py_object]
    return new


def _address(pointer: int | None) -> int:
    assert pointer is not None
    return pointer


def _foreign(source: str, why: str) -> UsageError:
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    return UsageError(
        f"this interpreter ({interpreter}) cannot be captured: {source}: {why}",
        cure="use CPython 3.11, 3.12 or 3.13 with the interpreter lock",
    )
