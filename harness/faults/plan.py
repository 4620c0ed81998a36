"""What is to go wrong, where, and how strongly: a plan as a value.

A plan with a seed decides everything by itself: chance comes from streams that are named after the fault and how often
it has struck, so that one fault more or less moves no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Final, Literal, NamedTuple

from harness.determinism.streams import stream
from harness.registry.explain import Explanation
from harness.registry.invariant import Expression
from harness.registry.values import Undefined
from harness.trace.event import Surface

Family = Literal["service", "request", "answer", "delivery"]
"""What a fault gets hold of: a call of a tool, what a model is asked, what it says, where a message goes."""

KINDS: Final[dict[str, Family]] = {
    **dict.fromkeys(
        (
            *("timeout", "reset", "rate_limit", "error", "drop", "commit_then_timeout", "delay", "duplicate"),
            *("partial", "corrupt", "schema_mismatch", "stale", "empty", "variant"),
            *("shuffle", "truncate", "near_duplicate", "inject", "collide"),
        ),
        "service",
    ),
    **dict.fromkeys(("ML", "CLV", "RA", "BT", "ILC", "IA"), "request"),
    **dict.fromkeys(("IP", "CIL", "H", "TSE", "PFE", "TFE"), "answer"),
    **dict.fromkeys(("MC", "MS", "MBA"), "delivery"),
}
"""Every kind of fault there is. Those in capitals are the fifteen of arXiv 2602.19843."""

SURFACES: Final[dict[Family, tuple[Surface, ...]]] = {
    "service": ("tool", "memory", "server"),
    "request": ("model",),
    "answer": ("model",),
    "delivery": ("message",),
}
"""What a fault of each family strikes."""

_BESIDES: Final[dict[str, tuple[Surface, ...]]] = {
    **dict.fromkeys(
        ("timeout", "reset", "rate_limit", "error", "drop", "commit_then_timeout", "delay"),
        ("model",),  # a model is a service too; what these do has a form in HTTP that its clients know
    ),
    "MC": ("handoff",),  # only one can be handed over to: the other two have nothing to multiply
}

_OF_KIND: Final = {kind: (*SURFACES[family], *_BESIDES.get(kind, ())) for kind, family in KINDS.items()}


def surfaces_of(kind: str) -> tuple[Surface, ...]:
    """Give the surfaces whose calls a kind of fault strikes."""
    return _OF_KIND[kind]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: a kind, the calls it strikes, and how strongly.

    ``tools`` and ``agents`` are names or globs. Of the calls that fit, and for which ``when`` is true, those numbered
    in ``nth`` (from 1) are struck, all where it is empty, but none in ``spare``; ``chance`` strikes only a share of
    them. ``strength`` are the settings of the kind (``harness.faults.service`` and its neighbours say which).
    """

    name: str
    kind: str
    tools: tuple[str, ...] = ("*",)
    agents: tuple[str, ...] = ("*",)
    nth: tuple[int, ...] = ()
    chance: float = 1.0
    when: Expression | None = field(default=None, hash=False)
    strength: Mapping[str, Any] = field(default_factory=dict, hash=False)
    spare: tuple[int, ...] = ()

    @property
    def family(self) -> Family:
        """What it gets hold of."""
        return KINDS[self.kind]

    def stated(self) -> dict[str, Any]:
        """Give everything that is not as it would be by itself, as JSON data that a plan's file may hold."""
        said: dict[str, Any] = {"name": self.name, "fault": self.kind}
        said |= {} if self.tools == ("*",) else {"tool": list(self.tools)}
        said |= {} if self.agents == ("*",) else {"agent": list(self.agents)}
        said |= {"nth": list(self.nth)} if self.nth else {}
        said |= {"spare": list(self.spare)} if self.spare else {}
        said |= {} if self.chance == 1.0 else {"chance": self.chance}
        said |= {} if self.when is None else {"when": self.when.text}
        return said | ({"strength": dict(self.strength)} if self.strength else {})


@dataclass(frozen=True, slots=True)
class Plan:
    """Faults in the order in which they strike, and the seed of their chance."""

    name: str
    faults: tuple[Fault, ...]
    seed: int = 0

    def stated(self) -> dict[str, Any]:
        """Give the plan as JSON data: what a header holds, and what a file that means the same may say."""
        return {"faults": self.name, "seed": self.seed, "inject": [fault.stated() for fault in self.faults]}


class Target(NamedTuple):
    """A call that is about to be performed, as far as a plan looks at it."""

    surface: Surface
    tool: str
    args: Mapping[str, Any]
    agent: str = "main"


class Strike(NamedTuple):
    """A fault that strikes a call, chance of its own, and which of the calls that fit it this is (from 1)."""

    fault: Fault
    chance: Random
    nth: int = 1


class Aim:
    """Tell, call by call, which faults of a plan strike; counts calls, so one is needed for each run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._fitted = [0] * len(plan.faults)

    def strikes(self, target: Target) -> Iterator[Strike]:
        """Yield the faults that strike a call, in the plan's order; each call is to be shown once. O(faults)."""
        for number, fault in enumerate(self._plan.faults):
            if not _fits(fault, target):
                continue
            self._fitted[number] += 1
            fitted = self._fitted[number]
            if fitted in fault.spare or (fault.nth and fitted not in fault.nth):
                continue
            if fault.chance < 1 and stream(self._plan.seed, fault.name, "strikes", fitted).random() >= fault.chance:
                continue
            yield Strike(fault, stream(self._plan.seed, fault.name, "how", fitted), fitted)


def _fits(fault: Fault, target: Target) -> bool:
    return (
        target.surface in surfaces_of(fault.kind)
        and any(fnmatchcase(target.tool, pattern) for pattern in fault.tools)
        and any(fnmatchcase(target.agent, pattern) for pattern in fault.agents)
        and (fault.when is None or _true(fault.when, target))
    )


def _true(when: Expression, target: Target) -> bool:
    """Tell whether a condition is certainly true of a call; what lacks data is not."""
    call = {"tool": target.tool, "args": target.args, "surface": target.surface}
    try:
        return Explanation(when.text, {"call": call, "agent": target.agent}).value(when.tree) is True
    except Undefined:
        return False
