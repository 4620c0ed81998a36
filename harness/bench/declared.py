"""A suite that is a directory: ``suite.yaml``, the module of its agents, rules, and plans of faults.

::

    suite: desk
    version: 1.0.0
    title: A desk that pays money back
    rules: rules.yaml
    agent: desk:main
    state: desk:state
    tasks:
      - task: a small refund
        input: {order: W-77, cents: 1200}
        oracle: sum(payment.cents for payment in state.payments) == 1200

What is read here is data. Who runs the agent stands above the door; ``check`` lets it say which functions are not
there, so that all mistakes are told at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harness.adapters.files import read_text
from harness.adapters.registries import load_registry
from harness.bench.oracle import out_of_reach
from harness.errors import Mistake, PlanError, RegistryError, UsageError
from harness.faults.file import load_faults
from harness.faults.plan import Plan
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.document import DocumentError, Written, read
from harness.registry.invariant import Expression
from harness.registry.misfit import mistakes_in
from harness.registry.parse import parse
from harness.registry.registry import Registry
from harness.trace.verdict import DEFAULT_REFUSE, Truth

FILE: Final = "suite.yaml"
"""The file that makes a directory a suite."""

Check = Callable[[str], UsageError | None]
"""Says of ``module:function`` what is wrong with it, if anything is."""

_ENTRY: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_NAME: Final = {"type": "string", "minLength": 1}
_TEXTS: Final = {"type": "object", "minProperties": 1, "additionalProperties": _NAME}
_ORACLE: Final = {"type": ["string", "array"], "items": _NAME, "minItems": 1, "minLength": 1}

FORM: Final[dict[str, Any]] = {
    "title": "harness suite",
    "type": "object",
    "additionalProperties": False,
    "required": ["suite", "version", "tasks"],
    "properties": {
        "suite": _NAME,
        "version": {"type": ["string", "number"]},
        "title": _NAME,
        "agent": _NAME,
        "agents": _TEXTS,
        "rules": _NAME,
        "state": _NAME,
        "model": _NAME,
        "time": {"enum": ["virtual", "real"]},
        "bar": {"type": "number", "minimum": 0, "maximum": 1},
        "needs": _TEXTS,
        "models": {"type": "array", "items": _NAME},
        "tasks": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["task", "oracle"],
                "properties": {
                    "task": _NAME,
                    "group": _NAME,
                    "input": {"type": "object"},
                    "faults": _NAME,
                    "expect": {"type": "object", "additionalProperties": {"enum": ["holds", "violated", "unknown"]}},
                    "oracle": _ORACLE,
                    "seeded": {"type": "boolean"},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One task: what the agent is given, what goes wrong, and what has to come of it.

    ``oracles`` are expressions over ``state``, ``result`` and ``input``, and functions by name; all have to agree.
    """

    name: str
    group: str
    input: Mapping[str, Any]
    oracles: tuple[Expression | str, ...]
    expect: Mapping[str, Truth]
    faults: Plan | None
    seeded: bool
    said: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declared:
    """A suite as its file states it; ``agents`` are entries by the name of their condition.

    ``rules`` name the registry, ``state`` the function that gives the final state, ``model`` a policy that answers in a
    model's place; each is empty where nothing is stated. ``needs`` are variables of the environment, and what they say;
    ``models`` those of them that name a model.
    """

    folder: Path
    name: str
    version: str
    title: str
    agents: Mapping[str, str]
    rules: str
    state: str
    model: str
    virtual: bool
    bar: float
    needs: Mapping[str, str]
    models: tuple[str, ...]
    tasks: tuple[Wanted, ...]


def read_declared(folder: Path, check: Check = lambda entry: None) -> Declared:
    """Read the suite of a directory; PlanError lists all mistakes, those of its rules and plans too. O(size)."""
    file = folder / FILE
    try:
        document = read(read_text(file), str(file))
    except DocumentError as error:
        raise PlanError((error.mistake,)) from None
    if document.entries is None:
        cure = "write an object with the keys suite, version, agent and tasks"
        raise PlanError((document.mistake("this is no suite", cure),))
    formal = [mistake for _, mistake in mistakes_in(document, FORM)]
    if formal:
        raise PlanError(_in_order(formal))
    reader = _Reader(folder, document, check)
    declared = reader.suite()
    if reader.mistakes:
        raise PlanError(_in_order(reader.mistakes))
    return declared


class _Reader:
    """Make a suite of a document that has the right form; ``mistakes`` grow on the way."""

    def __init__(self, folder: Path, document: Written, check: Check) -> None:
        self._folder, self._document, self._check = folder, document, check
        self._said = document.plain()
        self.mistakes: list[Mistake] = []

    def suite(self) -> Declared:
        said = self._said
        registry = self._registry()
        tasks = tuple(self._task(node, registry) for node in self._at("tasks").items or ())
        for name, times in Counter(task.name for task in tasks).items():
            if times > 1:
                self._wrong(self._at("tasks"), f"{times} tasks are named {name!r}", "give each its own name")
        return Declared(
            self._folder,
            said["suite"],
            str(said["version"]),
            said.get("title", said["suite"]),
            self._agents(),
            self._rules(),
            self._entry("state"),
            self._entry("model"),
            said.get("time", "virtual") == "virtual",
            said.get("bar", 1),
            said.get("needs", {}),
            tuple(said.get("models", ())),
            tasks,
        )

    def _at(self, *path: str) -> Written:
        return self._document.find([*path])

    def _wrong(self, node: Written, message: str, cure: str = "") -> None:
        self.mistakes.append(node.mistake(message, cure))

    def _agents(self) -> dict[str, str]:
        if ("agent" in self._said) == ("agents" in self._said):
            stated = "both" if "agent" in self._said else "neither"
            cure = "agent: module:function, or agents: {name: module:function, …} to compare several"
            self._wrong(self._document, f"a suite states exactly one of 'agent' and 'agents'; this one {stated}", cure)
            return {}
        if "agent" in self._said:
            return {"agent": self._entry("agent")}
        return {name: self._entry("agents", name) for name in self._said["agents"]}

    def _entry(self, *path: str) -> str:
        """Give the function that is named there, empty where none is."""
        return self._function(self._at(*path)) if path[0] in self._said else ""

    def _function(self, node: Written) -> str:
        error = self._check(node.value) if _ENTRY.fullmatch(node.value) else UsageError("names no function")
        if error is not None:
            told = error.what if error.what.startswith(node.value) else f"{node.value}: {error.what}"
            where = f" ({error.where})" if error.where not in ("", node.value) else ""
            self._wrong(node, told + where, error.cure or "write module:function; the module stands in the directory")
        return str(node.value)

    def _rules(self) -> str:
        """Give the path of the registry, or what is a shipped one's name; empty where none is stated."""
        named = self._said.get("rules", "")
        beside = self._folder / named
        return str(beside) if named and beside.is_file() else named

    def _registry(self) -> Registry | None:
        if "rules" not in self._said:
            return None
        try:
            return load_registry(self._rules())
        except RegistryError as error:
            self.mistakes += error.mistakes
        except UsageError as error:
            self._wrong(self._at("rules"), f"{error.what}: {error.where}", error.cure)
        return None

    def _task(self, node: Written, registry: Registry | None) -> Wanted:
        said = node.plain()
        place = node.find(["oracle"])
        self._expected(node, registry)
        return Wanted(
            said["task"],
            said.get("group", "tasks"),
            said.get("input", {}),
            tuple(map(self._oracle, place.items or (place,))),
            said.get("expect", {}),
            self._plan(node.find(["faults"])) if "faults" in said else None,
            said.get("seeded", False),
            said,
        )

    def _oracle(self, node: Written) -> Expression | str:
        if _ENTRY.fullmatch(node.value):
            return self._function(node)
        try:
            tree = parse(node.value)
        except ExpressionError as error:
            cure = error.cure or "write an expression over state, result and input, or module:function"
            self.mistakes.append(node.mistake(error.message, cure, start=error.span.start, end=error.span.end))
            return ""
        known = {"result", "input", *(["state"] if "state" in self._said else [])}
        for part, message, cure in out_of_reach(tree, known):
            self.mistakes.append(node.mistake(message, cure, start=part.span.start, end=part.span.end))
        return Expression(node.value, tree, node)

    def _expected(self, task: Written, registry: Registry | None) -> None:
        node = task.find(["expect"])
        if "expect" not in (task.entries or {}):
            return
        if "rules" not in self._said:
            self._wrong(node, "verdicts are expected of rules that are not named", "name them: rules: rules.yaml")
        known = [] if registry is None else [*(rule.id for rule in registry.invariants), DEFAULT_REFUSE]
        for name, place in node.keys.items():
            if known and name not in known:
                cure = nearest(name, known) or f"rules: {', '.join(known[:-1])}"
                self._wrong(place, f"no rule is called {name!r}", cure)

    def _plan(self, node: Written) -> Plan | None:
        file = self._folder / node.value
        try:
            return load_faults(read_text(file), str(file))
        except PlanError as error:
            self.mistakes += error.mistakes
        except UsageError as error:
            self._wrong(node, f"{error.what}: {file}", "name a plan of faults that stands in the directory")
        return None


def _in_order(mistakes: list[Mistake]) -> tuple[Mistake, ...]:
    """Give each mistake once, those of one file together, each in the order of its lines."""
    files: Iterator[str] = (mistake.file for mistake in mistakes)
    rank = {file: place for place, file in enumerate(dict.fromkeys(files))}
    return tuple(sorted(dict.fromkeys(mistakes), key=lambda one: (rank[one.file], one.line, one.column)))
