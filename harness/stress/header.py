"""What the header of a run says of its schedule, so that whoever has the trace can do the same again.

Faults and the seed stand where every run has them. The rest is ``schedule``: turns, changes with the input as it was
before them, and the function that put the agent's world back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.faults.file import plan_of
from harness.stress.schedule import Change, Schedule, Turn
from harness.trace.value import decode_value, encode_value


class Begun(NamedTuple):
    """How a run began: its schedule, its input before the changes, and ``before`` as ``module:function`` or empty."""

    schedule: Schedule
    input: dict[str, Any]
    before: str = ""


def schedule_part(schedule: Schedule, given: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Give what a header says beyond faults and seed; ``given`` is the input before the changes.

    NotRecordable for a value that a trace cannot hold.
    """
    said: dict[str, Any] = {"turns": [list(turn) for turn in schedule.turns]} if schedule.turns else {}
    if schedule.changes:
        said["changes"] = [[change.pointer, encode_value(change.value)] for change in schedule.changes]
        said["input"] = encode_value(dict(given))
    if before:
        said["before"] = before
    return {"schedule": said} if said else {}


def begun(run: Mapping[str, Any]) -> Begun:
    """Read from the ``run`` part of a header how the run began; one without a schedule began with its input alone.

    The seed is that of the plan of faults, which decides what strikes: a plan from a file has one of its own.
    """
    said = run.get("schedule", {})
    schedule = Schedule(
        plan_of(run["faults"]).faults if "faults" in run else (),
        tuple(Turn(*turn) for turn in said.get("turns", ())),
        tuple(Change(pointer, decode_value(value)) for pointer, value in said.get("changes", ())),
        run.get("faults", run).get("seed", 0),
    )
    return Begun(schedule, decode_value(said.get("input", run["input"]) or {}), said.get("before", ""))
