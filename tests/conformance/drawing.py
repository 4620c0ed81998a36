"""A module that draws when it is imported."""

from __future__ import annotations

import random
import time

DRAWN = [random.random(), time.time()]


def draw() -> str:
    """Draw again."""
    return str(random.random())
