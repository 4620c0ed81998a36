"""Procedures that scipy and statsmodels have, fetched where they are used: neither comes with harness."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from harness.errors import UsageError

CURE: Final = "pip install 'agent-assurance-harness[statistics]'"


def library(module: str) -> Any:
    """Give a module such as ``scipy.stats``; UsageError with the way to install it where it is not there."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs {module.partition('.')[0]}, which is not installed", cure=CURE) from error
