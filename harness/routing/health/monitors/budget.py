"""Notice how much of a budget is spent."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction

from harness.routing.health.monitors.calls import Calls, is_tool_call, number_at
from harness.routing.health.monitors.signal import Signal
from harness.trace.chat import tokens_of
from harness.trace.event import Event


class Budget:
    """Signal each time that something is spent; the priority is the share spent, 1 where it is all of it or more.

    ``of`` is what the budget is of: ``calls`` of tools, ``tokens`` of models, or the dotted path of an argument whose
    numbers are added up; ``tools`` are those that spend it, None for all but ``goals``, which spend what the calls
    spend that they are made of. A call spends when it is proposed, and gives back what it spent if it is not made after
    all; tokens are spent when a model says so.
    """

    def __init__(
        self, of: str, limit: int | Decimal, tools: Collection[str] | None = None, goals: Collection[str] = ()
    ) -> None:
        if limit <= 0:
            raise ValueError(f"a budget of {limit} {of} leaves nothing to spend")
        self.of, self.limit, self.tools, self.goals = of, limit, tools, goals
        self.spent = Fraction(0)
        self._subject = of if tools is None else f"{of} of {', '.join(sorted(tools))}"
        self._calls = Calls()

    @property
    def stands(self) -> Signal | None:
        """How much is spent now; None where nothing is."""
        if not self.spent:
            return None
        share = float(self.spent / Fraction(self.limit)) if self.spent < self.limit else 1.0
        spent = Decimal(self.spent.numerator) / self.spent.denominator
        return Signal("budget", share, self._subject, f"{spent} of {self.limit} {self._subject} are spent")

    def step(self, event: Event) -> Signal | None:
        withdrawn = self._calls.withdrawn(event)
        action = self._calls.ended(event)
        if withdrawn is not None:
            self.spent -= self._amount(withdrawn)
        amount = self._amount(event) if action is None else self._tokens(action, event)
        if not amount:
            return None
        self.spent += amount
        return self.stands

    def _amount(self, event: Event) -> Fraction:
        if self.of == "tokens" or not is_tool_call(event):
            return Fraction(0)
        tool = event.body["tool"]
        if tool in self.goals if self.tools is None else tool not in self.tools:
            return Fraction(0)
        amount = 1 if self.of == "calls" else number_at(event.body["args"], self.of)
        return Fraction(max(amount or 0, 0))  # a negative amount gives nothing back

    def _tokens(self, action: Event, observation: Event) -> Fraction:
        if self.of != "tokens" or action.body["surface"] != "model":
            return Fraction(0)
        return Fraction(tokens_of(observation.body.get("ok")) or 0)
