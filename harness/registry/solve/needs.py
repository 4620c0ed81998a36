"""The packages that the solver rests on, which are an extra."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

CURE: Final = "pip install 'agent-assurance-harness[solver]'"
_PACKAGES: Final = {"python-flint": "flint", "highspy": "highspy", "z3-solver": "z3"}


def missing_packages() -> list[str]:
    """Name the packages that are not installed."""
    return [name for name, module in _PACKAGES.items() if find_spec(module) is None]
