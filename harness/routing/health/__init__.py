"""How well the tools are: breakers, vital signs, the store that many runs share, and monitors over a trace."""

from harness.routing.health.store import Health, Limits, Seen, Standing, standing
from harness.routing.health.vitals import Quota, Vitals

__all__ = ["Health", "Limits", "Quota", "Seen", "Standing", "Vitals", "standing"]
