"""Where a plan stands: which facts there are, which nodes are ready, and what each one may see of it.

A machine without I/O: nodes begin, finish or fail, and whoever drives it asks what comes next. A step that is not legal
raises and leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Self

from harness.converge.plan.change import Change, changed, refusals
from harness.converge.plan.flaw import refuse_errors
from harness.converge.plan.flaws import flaws_of_plan
from harness.converge.plan.leaks import Leak, Spelled, leaks_in, spelled
from harness.converge.plan.plan import Node, Plan, Schema, copied
from harness.converge.plan.view import View, laws_of
from harness.converge.spelling import shortly
from harness.errors import HarnessError, Mistake, NotRecordable, PlanError, UsageError
from harness.registry.complaint import nearest
from harness.registry.fault import fault
from harness.registry.program import validator
from harness.registry.registry import Registry

MAX_CHANGES: Final = 8  # of one plan; with the tries of its nodes this bounds the calls of workers

State = Literal["waiting", "ready", "working", "finished", "exhausted", "unreachable"]


class Standing(NamedTuple):
    """A copy of all there is on a board, for whoever may change its plan."""

    plan: Plan
    states: dict[str, State]
    failed: dict[str, tuple[str, ...]]
    facts: dict[str, Any]


class Board:
    """Hold the state of one plan; not thread-safe.

    ``given`` are the values of the keys that the plan is handed. PlanError lists all that is wrong with the plan,
    UsageError says what is wrong with what is given.
    """

    def __init__(self, plan: Plan, given: Mapping[str, Any], registry: Registry | None = None) -> None:
        refuse_errors(flaws_of_plan(plan, registry))
        self.plan, self._registry = plan, registry
        self._facts = _checked(given, plan.inputs, f"what is given to {plan.name}")
        self._working: set[str] = set()
        self._finished: set[str] = set()
        self._failed: dict[str, list[str]] = {}
        self._changes = 0
        self._spelled: dict[str, Spelled] = {}
        self._arrange()

    def _arrange(self) -> None:
        """Find anew what each node waits for: in the beginning, and when the plan has changed."""
        self._rank = {name: place for place, name in enumerate(self.plan.order)}
        self._missing = {name: set(before) - self._finished for name, before in self.plan.before.items()}
        self._ready = {name for name in self._rank if not self._missing[name] and self._is_open(name)}

    def _is_open(self, name: str) -> bool:
        return name not in self._finished and name not in self._working and not self._is_exhausted(name)

    def _is_exhausted(self, name: str) -> bool:
        return len(self._failed.get(name, ())) >= self.plan.by_name[name].tries

    # --- what comes next ----------------------------------------------------------------------------------------------

    def ready(self) -> tuple[str, ...]:
        """Give the nodes that can begin, in topological order, ties by name. O(those that are ready)."""
        return tuple(sorted(self._ready, key=self._rank.__getitem__))

    @property
    def ended(self) -> bool:
        """Whether nothing can begin and nothing is under way."""
        return not self._ready and not self._working

    @property
    def done(self) -> bool:
        """Whether every node is finished."""
        return len(self._finished) == len(self._rank)

    @property
    def results(self) -> dict[str, Any]:
        """Copies of the values the plan is pursued for, as far as they are there."""
        return copied({key: self._facts[key] for key in self.plan.wanted if key in self._facts})

    def states(self) -> dict[str, State]:
        """Give how each node stands, in topological order. O(nodes + edges)."""
        found: dict[str, State] = {}
        for name in self._rank:
            found[name] = self._own_state(name)
            if any(found[before] in ("exhausted", "unreachable") for before in self.plan.before[name]):
                found[name] = "unreachable"
        return found

    def left(self) -> dict[str, str]:
        """Say of each node that will not be finished why."""
        said = {}
        for name, state in self.states().items():
            if state == "exhausted":
                said[name] = f"{len(self._failed[name])} tries, the last: {self._failed[name][-1]}"
            elif state == "unreachable":
                blocked = [before for before in self.plan.before[name] if before in said]
                said[name] = f"waits for {', '.join(blocked)}"
        return said

    def standing(self) -> Standing:
        """Give a copy of everything. O(size)."""
        failed = {name: tuple(whys) for name, whys in self._failed.items()}
        return Standing(self.plan, self.states(), failed, copied(self._facts))

    # --- steps --------------------------------------------------------------------------------------------------------

    def view(self, name: str) -> View:
        """Give what the worker of a node may see, all of it copies. O(size of the declared values)."""
        node = self._node(name)
        missing = [key for key in node.inputs if key not in self._facts]
        if missing:
            raise UsageError(f"{name} cannot be seen yet: there is no {', '.join(missing)}")
        return View(node, self._facts, laws_of(self._registry, node.rules), tuple(self._failed.get(name, ())))

    def begin(self, name: str) -> View:
        """Let a node that is ready begin, and give its view."""
        if name not in self._ready:
            raise HarnessError(f"{name} is not ready: it is {self.states()[self._node(name).name]}")
        view = self.view(name)
        self._ready.remove(name)
        self._working.add(name)
        return view

    def finish(self, name: str, written: Any) -> dict[str, Any]:
        """Keep what a node that is under way has written, and give it as JSON data.

        UsageError where it is not exactly what the node declares, NotRecordable where it is no JSON; the node is under
        way then as before.
        """
        self._check_working(name)
        kept = self.accept(name, written)
        self._facts |= kept
        self._working.remove(name)
        self._finished.add(name)
        self._failed.pop(name, None)
        for later in self.plan.after[name]:
            self._missing[later].discard(name)
            if not self._missing[later] and self._is_open(later):
                self._ready.add(later)
        return copied(kept)

    def accept(self, name: str, written: Any) -> dict[str, Any]:
        """Give a copy of what a node would write, checked as ``finish`` checks it."""
        node, artifacts = self._node(name), {} if self._registry is None else self._registry.artifacts
        asked = {key: artifacts.get(key) if schema is None else schema for key, schema in node.outputs.items()}
        return _checked(written, asked, f"what {name} has written")

    def fail(self, name: str, why: str) -> bool:
        """Count a try of a node that is under way as failed; tell whether there is another."""
        self._check_working(name)
        self._failed.setdefault(name, []).append(why)
        self._working.remove(name)
        if self._is_exhausted(name):
            return False
        self._ready.add(name)
        return True

    def change(self, change: Change) -> None:
        """Change the plan; PlanError lists all that speaks against it, and leaves the board as it was.

        Nodes that are finished or under way stay; the changed plan has to be whole and without cycles. A node that is
        replaced begins with all its tries. O(size of the plan).
        """
        if self._changes >= MAX_CHANGES:
            said = f"the plan has been changed {MAX_CHANGES} times"
            raise PlanError((Mistake(f"change of {self.plan.name}", 0, 0, said, cure="pursue what there is"),))
        refuse_errors(refusals(self.plan, change, self._finished | self._working))
        plan = changed(self.plan, change)
        refuse_errors(flaws_of_plan(plan, self._registry))
        self.plan = plan
        self._changes += 1
        for name in (*change.remove, *(node.name for node in change.replace)):
            self._failed.pop(name, None)
        self._arrange()

    def leaks(self, name: str, said: Any) -> tuple[Leak, ...]:
        """Give what is said in JSON data of facts that a node has not declared; see ``converge.leaks``."""
        self._spelled |= {key: spelled(value) for key, value in self._facts.items() if key not in self._spelled}
        return leaks_in(said, self._node(name), self._facts, self._spelled)

    # --- to be gone on with -------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """Give the whole board as JSON data, from which ``of`` makes an equal one; what is under way has not begun."""
        return {
            "plan": self.plan.facts(),
            "facts": copied(self._facts),
            "finished": sorted(self._finished),
            "failed": {name: list(whys) for name, whys in sorted(self._failed.items())},
            "changes": self._changes,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any], registry: Registry | None = None) -> Self:
        """Make the board that ``facts`` has told; PlanError where its plan does not go with this registry."""
        plan = Plan.of(data["plan"])
        board = cls(plan, {key: data["facts"][key] for key in plan.inputs}, registry)
        board._facts = copied(data["facts"])
        board._finished, board._changes = set(data["finished"]), data["changes"]
        board._failed = {name: list(whys) for name, whys in data["failed"].items()}
        board._arrange()
        return board

    def _own_state(self, name: str) -> State:
        if name in self._finished:
            return "finished"
        if name in self._working:
            return "working"
        if self._is_exhausted(name):
            return "exhausted"
        return "ready" if name in self._ready else "waiting"

    def _node(self, name: str) -> Node:
        if name not in self.plan.by_name:
            raise UsageError(f"the plan has no node {name!r}", cure=nearest(name, self.plan.by_name))
        return self.plan.by_name[name]

    def _check_working(self, name: str) -> None:
        if name not in self._working:
            raise HarnessError(f"{name} is not under way: it is {self.states()[self._node(name).name]}")


def _checked(written: Any, asked: Mapping[str, Schema], what: str) -> dict[str, Any]:
    """Give a copy of an object that has exactly the keys that are asked for, each as its schema says."""
    if not isinstance(written, Mapping):
        raise UsageError(f"{what} is no object: {shortly(written)}", cure=f"give the keys {_listed(asked)}")
    missing, unknown = [key for key in asked if key not in written], [key for key in written if key not in asked]
    if missing or unknown:
        said = [f"has no {_listed(missing)}"] if missing else []
        said += [f"has {_listed(unknown)}, which nobody has declared"] if unknown else []
        raise UsageError(f"{what} {' and '.join(said)}", cure=f"give exactly the keys {_listed(asked)}")
    try:
        kept: dict[str, Any] = copied(dict(written))
    except NotRecordable as error:
        raise NotRecordable(f"{what}: {error.what}", where=error.where, cure=error.cure) from None
    for key, schema in asked.items():
        wrong = None if schema is None else fault(validator(schema), schema, kept[key])
        if wrong is not None:
            raise UsageError(f"{what}: {key}{wrong.pointer}: {wrong.message}")
    return kept


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) or "none"
