"""Bind the questions of a registry to the monitors that answer them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.determinism.canonical import encode
from harness.registry.invariant import Expression, Invariant
from harness.registry.plan import Plan, plan_of
from harness.registry.reduce import reduce
from harness.registry.template import Hole, Template
from harness.registry.tree import Fold, Node, outline, rebuild


class Binder:
    """Give each question of a registry the number of the monitor that answers it; equal questions share one."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.plans: list[Plan] = []
        self._parameters = {f"params.{name}": value for name, value in parameters.items()}
        self._numbers: dict[bytes, int] = {}

    def bind(self, tree: Node) -> Node:
        """Give the tree with the numbers in it."""
        if not isinstance(tree, Fold):
            return rebuild(tree, self.bind)
        since = self.bind(tree.since) if tree.since else None
        assert since is None or isinstance(since, Fold)
        fold = replace(tree, since=since)
        asked = reduce(replace(fold, index=-1), self._parameters)
        key = encode(outline(asked))
        if key not in self._numbers:
            assert isinstance(asked, Fold)
            plan = plan_of(asked)
            self._numbers[key] = len(self.plans)
            self.plans.append(plan)
        return replace(fold, index=self._numbers[key])

    def rule(self, rule: Invariant) -> Invariant:
        """Give a rule with all its trees bound."""
        require = rule.require
        return replace(
            rule,
            when=self._expression(rule.when) if rule.when else None,
            require=self._expression(require) if isinstance(require, Expression) else require,
            rewrite=tuple((place, self._expression(expression)) for place, expression in rule.rewrite),
            says=self._template(rule.says) if rule.says else None,
        )

    def _expression(self, expression: Expression) -> Expression:
        return replace(expression, tree=self.bind(expression.tree))

    def _template(self, template: Template) -> Template:
        pieces = (replace(one, tree=self.bind(one.tree)) if isinstance(one, Hole) else one for one in template.pieces)
        return replace(template, pieces=tuple(pieces))
