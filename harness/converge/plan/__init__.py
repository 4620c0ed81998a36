"""A task in parts: a plan, the board that it is worked through on, and walls between what its nodes may know."""

from harness.converge.plan.board import Board
from harness.converge.plan.change import Change
from harness.converge.plan.plan import Node, Plan
from harness.converge.plan.view import View

__all__ = ["Board", "Change", "Node", "Plan", "View"]
