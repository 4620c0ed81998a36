"""The debugger in the agent's own frame, while a run is replayed."""

from __future__ import annotations

import os
import pdb
import sys
from collections import ChainMap
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from harness.door.aside import aside
from harness.run.site import Home
from harness.run.watch import Stop

_SKIPPED: Final = ["harness.*", "asyncio.*", "threading", "concurrent.*", "contextlib"]


class Debugger:
    """Open a debugger where a replay stops; called in the stack of whoever made the call.

    It is ``pdb``, or what ``sys.breakpointhook`` or PYTHONBREAKPOINT say instead. ``action``, ``verdict``, ``trace``
    and ``divergence`` are in reach under these names, where the agent's frame has none of its own.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._pdb: _Pdb | None = None

    def __call__(self, stop: Stop) -> bool:
        """Hand the frame to the debugger; give False where its user wants to end the replay."""
        frame = self._home.frame()
        names = {"action": stop.action, "verdict": stop.verdict, "trace": stop.trace, "divergence": stop.divergence}
        hook = _foreign_hook()
        if frame is None:
            sys.stderr.write(f"{_headline(stop)}\n(the agent has no frame here)\n")
            return True
        if hook is not None:
            with aside():
                _call_in(frame, names, hook)
            return True
        if self._pdb is None:
            self._pdb = _Pdb(self._home)
        return self._pdb.stop_at(frame, names, _headline(stop))


class _Pdb(pdb.Pdb):
    """Stop in a frame that is not the innermost one, with more names in reach than the frame has.

    The stack it shows is the agent's: frames of harness, of the event loop and of packages are left out.
    """

    def __init__(self, home: Home) -> None:
        super().__init__(skip=_SKIPPED)
        self._home = home
        self.names: dict[str, Any] = {}

    def stop_at(self, frame: FrameType, names: dict[str, Any], headline: str) -> bool:
        self.names = names
        self.reset()
        self.message(headline)
        self.botframe = _outermost(frame)
        self.interaction(frame, None)
        if self.quitting:
            sys.settrace(None)
            return False
        if self.breaks or self.stoplineno != -1:  # the user steps on, or has set breakpoints
            _trace_from(frame, self.trace_dispatch)
        return True

    def get_stack(self, f: FrameType | None, t: Any) -> Any:
        stack, _ = super().get_stack(f, t)
        kept = [place for place in stack if place[0] is f or self._home.owns(place[0])]
        return kept, max(len(kept) - 1, 0)

    def interaction(self, *args: Any, **options: Any) -> None:
        with aside():
            super().interaction(*args, **options)

    def setup(self, *args: Any) -> Any:
        found = super().setup(*args)
        self._reach()
        return found

    def _select_frame(self, number: int) -> None:
        super()._select_frame(number)
        self._reach()

    def _reach(self) -> None:
        if self.curframe is not None:
            self.curframe_locals = ChainMap(self.curframe.f_locals, self.names)


def _headline(stop: Stop) -> str:
    if stop.divergence is not None:
        return str(stop.divergence)
    action, verdict = stop.action, stop.verdict
    said = f"stopped at step {stop.step}"
    if action is not None and action.body["surface"] == "tool":
        args = ", ".join(f"{name}={value!r}" for name, value in action.body["args"].items())
        said += f": {action.body['tool']}({args if len(args) <= 200 else args[:199] + '…'})"
    elif action is not None:
        said += f": {action.body['tool']}"
    if verdict is not None:
        said += f"\n{verdict['rule']} {verdict['verdict']}: {verdict['says']}"
    return f"{said}\nin reach: action, verdict, trace[seq]; c goes on to the next, q ends the replay"


def _foreign_hook() -> Callable[[], Any] | None:
    """Give the debugger that the user has put in the place of pdb."""
    if sys.breakpointhook is not sys.__breakpointhook__:
        return sys.breakpointhook
    named = os.environ.get("PYTHONBREAKPOINT", "")
    return sys.breakpointhook if named and named != "pdb.set_trace" else None


def _call_in(frame: FrameType, names: dict[str, Any], hook: Callable[[], Any]) -> None:
    """Call a debugger's hook so that it finds the agent's names in the frame that called it."""
    code = compile("__harness_hook__()", frame.f_code.co_filename, "exec")
    exec(code, {**frame.f_globals, **names, "__harness_hook__": hook}, dict(frame.f_locals))  # noqa: S102 - no text of others


def _outermost(frame: FrameType) -> FrameType:
    while frame.f_back is not None:
        frame = frame.f_back
    return frame


def _trace_from(frame: FrameType | None, trace: Any) -> None:
    while frame is not None:
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(trace)
