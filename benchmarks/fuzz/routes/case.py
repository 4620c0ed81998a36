"""One generated problem as plain values: a graph, what each tool is, and what each of its calls does.

Facts, tools and goals are names; costs are millionths. What a tool's n-th call does is the n-th of its ``does``, the
last for ever, so that a tool's behaviour depends on nothing but how often it was called:

========== ==================================================== =========================
ok, slow   it serves (slow: after 50 ms)                        it happened
refused    ConnectionRefusedError                               nothing happened
busy       an error that says so, and that it may pass          nothing happened
declined   an error that the graph lists as clean               nothing happened
void       an error that says so                                nothing happened
late       TimeoutError after the commit                        it happened
cut        ConnectionResetError after the commit                it happened
lost       TimeoutError before the commit                       nothing happened
crash      an error that nobody knows, before the commit        nothing happened
malformed  a result that is not what the tool promises          it happened
========== ==================================================== =========================
"""

from __future__ import annotations

from typing import Final, NamedTuple

FAULTS: Final = ("refused", "busy", "declined", "void", "late", "cut", "lost", "crash", "malformed")
HAPPENS: Final = frozenset({"ok", "slow", "late", "cut", "malformed"})

Need = tuple[tuple[str, ...], int]
"""Some facts, and how many of them are needed."""


class Way(NamedTuple):
    """One arc: a call of a tool, or without one a conclusion."""

    tool: str | None
    needs: tuple[Need, ...]
    gives: tuple[str, ...]
    cost: int

    @property
    def name(self) -> str:
        """The tool, or of a conclusion the first gift."""
        return self.tool or self.gives[0]


class Tool(NamedTuple):
    """What a tool is and does.

    ``again`` says why it may be repeated: ``""`` (it may not), ``idempotent`` or ``key``. ``undo`` is what the calls of
    its undoing tool do, empty where it has none. ``probe`` is what the tool that probes it can say: ``""`` (it has
    none), ``knows``, ``unsure`` or ``broken``.
    """

    effect: str = "read"
    again: str = ""
    undo: tuple[str, ...] = ()
    probe: str = ""
    domain: str | None = None
    does: tuple[str, ...] = ("ok",)

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is the same as once."""
        return self.effect == "read" or bool(self.again)

    @property
    def order(self) -> int:
        """When it is its turn: reads, then writes that can be repeated or undone, then the others."""
        if self.effect == "read":
            return 0
        return 1 if self.again or self.undo else 2


class Case(NamedTuple):
    """A whole problem.

    ``outages`` says of failure domains how many of the first calls of their tools are refused. ``forbidden`` are tools
    that a rule blocks, ``asked`` tools of which a person is asked first; ``person`` is what that person always says.
    ``choice`` is what is answered to a deadlock: None (nobody is there), ``stop``, ``wait`` or the name of another
    goal. ``word`` is what is answered to whether a call happened: None (nobody knows), or ``truth``. A retry comes
    after ``wait_ms``, twice that, and so on; what is down comes up again after ``cool_ms``.
    """

    start: tuple[str, ...]
    goals: dict[str, tuple[Need, ...]]
    goal: str
    ways: tuple[Way, ...]
    tools: dict[str, Tool]
    outages: tuple[tuple[str, int], ...] = ()
    retries: int = 2
    refusal: str = "stop"
    forbidden: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    person: bool = False
    choice: str | None = None
    word: str | None = None
    parallel: int = 1
    wait_ms: int = 0
    cool_ms: int = 30_000
    deadline_ms: int | None = None
    cost_cap: int | None = None
