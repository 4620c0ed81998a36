"""Named random streams: one seed, any number of independent generators."""

from __future__ import annotations

import hashlib
import random


def seed_for(seed: int, *names: str | int) -> int:
    """Derive the seed of a named stream by hashing, so that adding one stream never shifts another.

    ``names`` is a path such as ``("faults", "refund", 3)``; text and numbers are told apart.
    """
    path = "\x00".join(f"{type(name).__name__}:{name}" for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:16])


def stream(seed: int, *names: str | int) -> random.Random:
    """Give a generator of its own to each name under one seed."""
    return random.Random(seed_for(seed, *names))
