"""A deterministic assurance harness for LLM agents: record, check, block, replay.

The layers, top to bottom; imports point downwards only, and a test checks it::

    cli         composition root for people: one file per verb
    door        composition root for Python: sessions, tools, agents, replay
    testing     help for users' tests: the pytest plugin, the scripted model server
    bench       suites of tasks, done cell by cell, and the figures that come of them
    adapters    one file per neighbour: disks, clocks, the OpenAI client, transcripts
    stress      schedules, the search for one that breaks an agent, making it small, what caused it
    converge    what a model proposes and a registry judges: loops, plans, votes, negotiation
    run         the session as a machine without I/O, its drivers, the world of a replay
    mediation   from verdicts to decisions
    routing     ways through a graph of tools, and what is known of the tools' health
    faults      what is to go wrong, as values
    review      registries judged against labelled traces
    assertion   the Unified Assertion Interface: events in, verdicts out
    registry    invariants as an asset: YAML, the expression language
    statistics  intervals
    ports       what a user may implement
    trace       events, outcomes, lines, chains
    tool        the one declaration of a tool
    determinism canonical bytes, named randomness, addresses, the event loop
    errors      every exception

Only cli, door, testing, bench and adapters touch disk, network, environment, wall clock or chance.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from harness.errors import Divergence, HarnessError, InDoubt, NoRoute, RecordedError, Refused, UsageError

if TYPE_CHECKING:
    from harness.door.app import Harness
    from harness.door.check import check, check_artifact
    from harness.door.fork import fork
    from harness.door.proposing import proposer
    from harness.door.replay import Replay, replay
    from harness.door.resume import resume
    from harness.door.shorthand import session
    from harness.ports import Approval, Question
    from harness.registry.build import build_registry, invariant

__version__ = "0.1.0"

_LAZY: Final = {
    "Approval": "harness.ports",
    "Harness": "harness.door.app",
    "Question": "harness.ports",
    "Replay": "harness.door.replay",
    "build_registry": "harness.registry.build",
    "check": "harness.door.check",
    "check_artifact": "harness.door.check",
    "fork": "harness.door.fork",
    "invariant": "harness.registry.build",
    "proposer": "harness.door.proposing",
    "replay": "harness.door.replay",
    "resume": "harness.door.resume",
    "session": "harness.door.shorthand",
}

__all__ = [
    "Approval",
    "Divergence",
    "Harness",
    "HarnessError",
    "InDoubt",
    "NoRoute",
    "Question",
    "RecordedError",
    "Refused",
    "Replay",
    "UsageError",
    "build_registry",
    "check",
    "check_artifact",
    "fork",
    "invariant",
    "proposer",
    "replay",
    "resume",
    "session",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``import harness`` alone stays cheap."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
