"""Questions about the past, asked of the run's monitors."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.registry.comparing import Comparing
from harness.registry.local import Env, chain_of, class_of
from harness.registry.plan import Plan
from harness.registry.reduce import reduce
from harness.registry.scope import PAST_NAMES, STEP_NAMES
from harness.registry.syntax import (
    assign,
    attribute_loader,
    call,
    function,
    invoke,
    key_loader,
    load,
    loader,
)
from harness.registry.tree import Constant, Each, Fold, Node, walk
from harness.registry.values import frozen

STEP: Final[Env] = {name: loader(name) for name in ("call", "tool", "message", "agent", "step")} | {
    "result": key_loader("outcome", "result"),
    "failed": key_loader("outcome", "failed"),
    "artifact": key_loader("outcome", "artifact"),
    "route": key_loader("outcome", "route"),
    "refusal": key_loader("outcome", "refusal"),
    "surface": key_loader("outcome", "surface"),
    "seq": key_loader("outcome", "seq"),
    "run": attribute_loader("moment", "run"),
    "elapsed_s": attribute_loader("moment", "elapsed_s"),
    "trust": lambda: invoke(ast.Attribute(load("moment"), "trust_of", ast.Load()), load("agent")),
}
EVENT: Final[Env] = STEP | {name: key_loader("message", name) for name in ("role", "text", "tool_calls")}


class Asking(Comparing):
    """Write questions: their plan knows what is to be asked, ``past`` holds the monitors.

    ``plans`` are those of all questions; ``known`` is what is known of the present step before it is made.
    """

    def __init__(self, plans: Sequence[Plan], known: Mapping[str, Any], shared: frozenset[str]) -> None:
        super().__init__(shared)
        self._plans = plans
        self._present = {name: value for name, value in known.items() if name.startswith("now.")}

    def _fold(self, node: Fold, env: Env) -> ast.expr:
        plan = self._plans[node.index]
        lasting: Env = {name: word for name, word in env.items() if name not in STEP_NAMES}
        lasting |= {f"now.{name}": word for name, word in env.items()}
        if not plan.gates:
            return self._question(node, plan, lasting)
        with self.maybe():
            gates = [self.truth(reduce(gate, self._present), lasting) for gate in plan.gates]
        with self.maybe():
            asked = self._question(node, plan, lasting)
        if node.verb == "happened":
            return ast.BoolOp(ast.And(), [*gates, asked])
        passed = ast.BoolOp(ast.And(), gates) if len(gates) > 1 else gates[0]
        nothing = ast.Constant(0) if node.verb in ("count", "total") else call("give_up")
        return ast.IfExp(passed, asked, nothing)

    def _question(self, node: Fold, plan: Plan, lasting: Env) -> ast.expr:
        if plan.residual is not None and self._nested:
            return call("give_up")  # for each of a list all events are asked: the exact meaning counts them
        monitor = ast.Subscript(load("past"), ast.Constant(node.index), ast.Load())
        if node.verb == "happened" and plan.simple:
            with self.maybe():
                there = ast.Compare(
                    self._key(plan, lasting), [ast.In()], [ast.Attribute(monitor, "buckets", ast.Load())]
                )
            again = ast.Subscript(load("past"), ast.Constant(node.index), ast.Load())
            return ast.IfExp(ast.Attribute(again, "doubts", ast.Load()), call("give_up"), there)
        known = self._key(plan, lasting)
        arguments = [known, ast.Constant(None)]
        if node.since is not None:
            since = self._plans[node.since.index]
            if not since.simple:
                return call("give_up")
            arguments[1] = self._key(since, lasting)
        if plan.residual is not None:
            inner = lasting | {name: key_loader("event", name) for name in PAST_NAMES[plan.past]}
            with self._inside():
                test = self.truth(plan.residual, inner)
            if needs_budget(plan.residual):
                test = invoke(function(["budget"], test), call("Budget"))
            arguments.append(function(["event"], test))
        return invoke(ast.Attribute(monitor, node.verb, ast.Load()), *arguments)

    def _key(self, plan: Plan, lasting: Env) -> ast.expr:
        """Write what joins the present step to past events."""
        parts = [self._part(reduce(join.present, self._present), lasting) for join in plan.joins]
        if len(parts) < 2:
            return parts[0] if parts else ast.Constant(None)
        return ast.Tuple(parts, ast.Load())

    def key_of_event(self, plan: Plan, known: Mapping[str, Any]) -> ast.expr:
        """Write the key of a past event."""
        parts = [self._part(reduce(join.event, known), EVENT) for join in plan.joins]
        if len(parts) < 2:
            return parts[0] if parts else ast.Constant(None)
        return ast.Tuple(parts, ast.Load())

    def _part(self, side: Node, env: Env) -> ast.expr:
        if isinstance(side, Constant):
            return ast.Constant(side.value) if type(side.value) is str else load(self.constant(frozen(side.value)))
        if not self._readable(side, env):
            return call("frozen", self.emit(side, env))
        whole = f"frozen {chain_of(side)}"
        if whole in self._known.names:
            return load(self._known.names[whole])
        first, again = self._twice(side, env)
        is_text = ast.Compare(class_of(first), [ast.Is()], [load("str")])
        return self._kept(whole, ast.IfExp(is_text, again, call("frozen", again)))


def needs_budget(tree: Node) -> bool:
    """Tell whether a tree goes through lists, which ``budget`` has to count."""
    return any(isinstance(node, Each) for node in walk(tree))


def budget() -> ast.stmt:
    """Write the line that begins a new count."""
    return assign("budget", call("Budget"))
