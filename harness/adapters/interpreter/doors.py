"""Doors that no trace can hold: files, sockets, processes, foreign functions, seen by Python's own audit events.

What an agent does there happens again on replay and may come out otherwise. So each use is written into the trace once
per door and place in the agent's code, told to people with file and line, or refused. Effects of tools may do what
they like. Python cannot take an audit hook back: after the last session it stays, and does nothing.

Files are special: packages read theirs once per process (certificates, time zones, tables). What they open is told to
people, but neither written nor refused. What is not seen at all: ``os.stat`` and its kin, and what C code does without
telling Python.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple
from zoneinfo import TZPATH

from harness.adapters.interpreter.chance import TEMPDIR_PROBE
from harness.adapters.interpreter.scope import Scope, here, module_of
from harness.errors import UsageError
from harness.run.site import is_installed
from harness.run.taking import observe

_FILES: Final = frozenset({"open", "os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob", "mmap.__new__"})
_DOORS: Final = _FILES | {
    *("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "sqlite3.connect"),
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn"),
    *("subprocess.Popen", "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyaddr"),
    *("socket.gethostbyname", "socket.sendmsg", "socket.sendto", "ctypes.dlopen", "ctypes.call_function"),
}
_LOOKUPS: Final = "certifi distro encodings gettext locale mimetypes pkgutil platform ssl uuid zoneinfo"
"""Modules that look up something about the machine, once per process."""
_REPORTS: Final = "_pytest coverage harness hypothesis importlib inspect linecache logging tokenize traceback warnings"
"""Modules that read code, or write about it."""
_QUIET: Final = frozenset(f"{_LOOKUPS} {_REPORTS}".split())
_IMPORT_SYSTEM: Final = "<frozen importlib."


class Place(NamedTuple):
    """The code that used a door: the agent's own where some of it is on the stack; ``packaged`` where a package did."""

    frame: FrameType
    packaged: bool

    @property
    def name(self) -> str:
        """Name the function, the same on every machine."""
        module = module_of(self.frame)
        if module == "__main__":  # a replay imports the script by its own name
            module = Path(self.frame.f_code.co_filename).stem
        return f"{module}:{self.frame.f_code.co_qualname}"

    @property
    def line(self) -> str:
        """Give file and line, for people."""
        return f"{self.frame.f_code.co_filename}:{self.frame.f_lineno}"


class Watch:
    """The audit hook of this process; it looks on while ``open`` is set."""

    def __init__(self) -> None:
        self.open = False
        self._hooked = False

    def begin(self) -> None:
        """Look on from here on."""
        self.open = True
        if not self._hooked:
            self._hooked = True
            sys.addaudithook(self._heard)

    def end(self) -> None:
        """Look away."""
        self.open = False

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.open or not _DOORS:  # the interpreter ends, and has put this module away
            return
        if event in _DOORS:
            scope = here()
            if scope is not None and not (event == "open" and _is_no_file(arguments[0])):
                _used(scope, event)


def _is_no_file(opened: Any) -> bool:
    """Tell descriptors, and tables of time zones (opened from C, with nobody on the stack), from an agent's files."""
    return not isinstance(opened, str | bytes) or (isinstance(opened, str) and opened.startswith(TZPATH))


def _used(scope: Scope, door: str) -> None:
    """Tell, and write or refuse, the use of a door at the present place."""
    user = sys._getframe(2)
    if door != "subprocess.Popen" and module_of(user) == "subprocess":
        return  # told as that already; since 3.13 it spawns processes by a door of its own
    place = _place(user)
    if place is None:
        return
    told_only = place.packaged and door in _FILES
    if scope.refuse and not told_only:
        raise UsageError(
            f"{place.name} uses {door}, which no trace can hold",
            where=place.line,
            cure="make it a tool with @app.tool, or observe it: Harness(uncaptured='observe')",
        )
    if (door, place.name) in scope.seen:
        return
    scope.seen.add((door, place.name))
    scope.uncaptured.append(f"{door}  {place.name}  {place.line}")
    if not told_only and scope.run is not None:
        observe(scope.run, f"uncaptured:{door}", place.name)


def _place(frame: FrameType | None) -> Place | None:
    """Find who used a door; None where it was Python's own machinery."""
    packaged: FrameType | None = None
    while frame is not None:
        file = frame.f_code.co_filename
        root = module_of(frame).partition(".")[0]
        if file.startswith(_IMPORT_SYSTEM) or (packaged is None and (root in _QUIET or frame.f_code is TEMPDIR_PROBE)):
            return None
        if not is_installed(file):
            return Place(frame, packaged is not None)
        if packaged is None and root not in sys.stdlib_module_names:
            packaged = frame
        elif root == "harness":
            break
        frame = frame.f_back
    return None if packaged is None else Place(packaged, packaged=True)
