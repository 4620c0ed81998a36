"""Monitors: folds over the events of a trace, each of which says what it has noticed and how much it matters."""

from harness.routing.health.monitors.budget import Budget
from harness.routing.health.monitors.instability import Instability
from harness.routing.health.monitors.intent import Intent
from harness.routing.health.monitors.progress import Loops, Progress
from harness.routing.health.monitors.rate import Rate
from harness.routing.health.monitors.risk import Risk
from harness.routing.health.monitors.signal import STOPS, Monitor, Panel, Signal
from harness.routing.health.monitors.tools import Tools

__all__ = [
    "STOPS",
    "Budget",
    "Instability",
    "Intent",
    "Loops",
    "Monitor",
    "Panel",
    "Progress",
    "Rate",
    "Risk",
    "Signal",
    "Tools",
]
