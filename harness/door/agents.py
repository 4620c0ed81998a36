"""Functions as entries of a run: JSON in, JSON out, therefore replayable by name."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.door.binding import Binder, annotations_of, call_site
from harness.door.current import session_var
from harness.door.session import Entry, Session
from harness.errors import HarnessError, NotRecordable, UsageError
from harness.run.site import is_installed
from harness.trace.value import decode_value, encode_value, module_of

if TYPE_CHECKING:
    from harness.door.app import Harness


def make_agent(app: Harness, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that the first call inside a session becomes the entry of the run."""
    if hasattr(function, "__harness_app__"):
        return function
    name, binder = entry_name(function), Binder(function)

    def entered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Session | None:
        session = session_var.get()
        if session is None or session.begun:
            return None
        try:
            session.enter_agent(Entry(name, encode_value(binder.bind(args, kwargs)), entry_folder(function)))
        except NotRecordable as error:
            raise UsageError(
                f"the input {error.where} of {name} is no JSON: {error.what}",
                where=call_site(function),
                cure="pass JSON data to the entry, and make clients and connections inside it or at import",
            ) from None
        return session

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def agent(*args: Any, **kwargs: Any) -> Any:
            session = entered(args, kwargs)
            if session is None:
                return await function(*args, **kwargs)
            try:
                result = await function(*args, **kwargs)
            except (Exception, SystemExit) as error:
                session.raised(error)
                raise
            session.returned(result)
            return result

    else:

        @functools.wraps(function)
        def agent(*args: Any, **kwargs: Any) -> Any:
            session = entered(args, kwargs)
            if session is None:
                return function(*args, **kwargs)
            try:
                result = function(*args, **kwargs)
            except (Exception, SystemExit) as error:
                session.raised(error)
                raise
            session.returned(result)
            return result

    agent.__harness_app__ = app  # type: ignore[attr-defined]
    return agent


def recorded_input(function: Callable[..., Any], recorded: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give the arguments that a run was begun with; objects come back from the annotations of its entry.

    UsageError names an argument that its annotation does not give back.
    """
    annotations, given = annotations_of(function), dict[str, Any]()
    for name, value in (recorded or {}).items():
        try:
            given[name] = decode_value(value, annotations.get(name))
        except ValueError as error:
            raise UsageError(
                f"the recorded {name} does not come back from its annotation {annotations.get(name)!r}: {error}",
                where=call_site(function),
                cure="annotate it with the exact type it was recorded with",
            ) from None
    return given


def entry_name(function: Callable[..., Any]) -> str:
    """Name a function so that ``load_entry`` finds it; a script's functions go by the script's file name."""
    return f"{module_of(function.__module__)}:{function.__qualname__}"


def entry_folder(function: Callable[..., Any]) -> str:
    """Give the folder that has to be importable for a function to be found by name; empty where there is none."""
    module = sys.modules[function.__module__]
    file = getattr(module, "__file__", None)
    if file is None:
        return ""
    name = function.__module__
    levels = 0 if name == "__main__" else name.count(".")
    return str(Path(file).resolve().parents[levels + (Path(file).name == "__init__.py")])


def load_entry(entry: str, *folders: str) -> Callable[..., Any]:
    """Import ``module:function``, looking in some folders first.

    UsageError says which part is missing, or what the module raises when it is imported, and where.
    """
    module_name, colon, path = entry.partition(":")
    if not colon or not module_name or not path:
        raise UsageError(f"{entry!r} names no entry", cure="write module:function, for example examples.refunds:main")
    first = [folder for folder in dict.fromkeys(folders) if folder]
    sys.path[:] = first + [folder for folder in sys.path if folder not in first]
    try:
        found: Any = _imported(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise UsageError(
                f"there is no module {error.name!r}",
                where=entry,
                cure="start in the folder it is in, or put that folder on PYTHONPATH",
            ) from None
        raise _unimportable(entry, error) from error
    except HarnessError:
        raise
    except Exception as error:
        raise _unimportable(entry, error) from error
    for part in path.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise UsageError(f"module {module_name!r} has no {path!r}", where=entry, cure=_nearest(module_name, path))
    if not callable(found):
        what = f"{path!r} is no function but of type {type(found).__name__}"
        raise UsageError(what, where=entry, cure=_nearest(module_name, path))
    return found  # type: ignore[no-any-return]


def _imported(module_name: str) -> Any:
    """Import a module, and look for no garbage meanwhile: the client of a model is thousands of classes, which stay."""
    if not gc.isenabled():
        return importlib.import_module(module_name)
    gc.disable()
    try:
        return importlib.import_module(module_name)
    finally:
        gc.enable()


def _unimportable(entry: str, error: Exception) -> UsageError:
    """Say what a module raises when it is imported, and at which line of whose code."""
    lines = [line for line in traceback.extract_tb(error.__traceback__) if not is_installed(line.filename)]
    return UsageError(
        f"{entry} cannot be imported: {type(error).__name__}: {error}",
        where=f"{lines[-1].filename}:{lines[-1].lineno}" if lines else "",
        cure=f"python -c 'import {entry.partition(':')[0]}' in that folder tells more",
    )


def _nearest(module_name: str, path: str) -> str:
    names = [
        name for name, value in vars(sys.modules[module_name]).items() if callable(value) and not name.startswith("_")
    ]
    close = get_close_matches(path, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(sorted(names)[:12])}"
