"""Drive an agent toward an illegal action with answers of its tools that are all legal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.door.app import Harness
from harness.door.trial import Trial, trials_of
from harness.stress.legal.adversary import Asked, Driven, Further, Way, drive
from harness.stress.legal.protocol import ToolProtocol
from harness.stress.schedule import Schedule
from harness.stress.seen import Came

_CAME: Final[dict[str, Came]] = {"error": "failed", "timeout": "unknown", "commit_then_timeout": "unknown"}


class Astray(NamedTuple):
    """What came of it: the run with the illegal action and why it is one, or None; and how many runs were made."""

    trial: Trial | None
    illegal: str
    runs: int

    @property
    def schedule(self) -> Schedule | None:
        """The answers that led there."""
        return None if self.trial is None else self.trial.schedule


def lead_astray(
    entry: str | Callable[..., Any],
    *,
    input: Mapping[str, Any] | None = None,  # noqa: A002
    app: Harness | None = None,
    held: Collection[str] = (),
    budget: int = 500,
    seed: int = 0,
    way: Way = "guided",
    before: Callable[[], object] | None = None,
    path: str | Path = "",
) -> Astray:
    """Look for legal answers of an agent's tools after which it calls a tool that may not be called then.

    What is legal follows from the declarations of the tools (``harness.stress.legal.protocol``); ``held`` are facts
    that the agent has from the beginning. ``budget`` counts runs. The rest is as in ``trial``.
    """
    trials = trials_of(entry, app=app, before=before, path=path)
    protocol = ToolProtocol(trials.app.registry.tools, held)
    last: list[Trial] = []

    def ask(history: Schedule) -> Asked[Schedule]:
        made = trials.run(history, input)
        last[:] = [made]
        found = protocol.illegal(made.seen.calls)
        if found is not None:
            return Asked(found[1], ())
        return Asked("", _further(protocol, history, made))

    driven: Driven[Schedule] = drive(Schedule(), ask, budget=budget, seed=seed, way=way)
    return Astray(last[0] if driven.history is not None else None, driven.illegal, driven.asked)


def _further(protocol: ToolProtocol, history: Schedule, made: Trial) -> list[Further[Schedule]]:
    """Give every history that is one answer longer: another one than came, at a call after those it decides on."""
    decided = max((struck.action for struck in made.seen.struck), default=-1)
    further = []
    standing = protocol.begin()
    for call in made.seen.calls:
        if call.seq > decided and call.surface == "tool":
            for answer in protocol.answers(call):
                then = protocol.after(standing, call._replace(came=_CAME.get(answer.kind, "ok")))
                longer = Schedule((*history.faults, answer), seed=history.seed)
                further.append(Further(longer, protocol.freedom(then)))
        standing = protocol.after(standing, call)
    return further
