"""One hash seed for what is recorded: sets are then ordered the same each time."""

from __future__ import annotations

import os
import sys

HASH_SEED = "0"


def restart_with_hash_seed(seed: str) -> None:
    """Start this process again under a hash seed, if it has another."""
    if os.environ.get("PYTHONHASHSEED", "random") == "random":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        os.execve(sys.executable, [sys.executable, "-m", "harness", *sys.argv[1:]], environment)
