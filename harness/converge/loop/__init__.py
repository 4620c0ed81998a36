"""Somebody proposes and a registry judges: rounds that lock rules, the way back as data, four ends."""

from harness.converge.loop.ask import Ask, Oscillation
from harness.converge.loop.gradient import Gradient
from harness.converge.loop.machine import TRIES, Convergence, Gone, Loop, Proposed, Round, Silent

__all__ = ["TRIES", "Ask", "Convergence", "Gone", "Gradient", "Loop", "Oscillation", "Proposed", "Round", "Silent"]
