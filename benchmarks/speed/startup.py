"""What ``import harness`` adds to Python's start, and how long the first help page takes.

Whole processes are timed, warm: each starts once before it counts, so byte code is compiled and files are in memory.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.speed.measure import Samples, measured, report, side_by_side

ROOT: Final = Path(__file__).parents[2]
COMMANDS: Final = {
    "python": ["-c", "pass"],
    "import": ["-c", "import harness"],
    "import_door": ["-c", "import harness; harness.Harness"],
    "help": ["-c", "import sys; from harness.cli import main; sys.argv = ['harness', '--help']; main()"],
}


def process(arguments: list[str]) -> Callable[[], float]:
    """Give the timing of one fresh interpreter, in milliseconds."""

    def timing() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        return (time.perf_counter() - start) * 1000

    return timing


def added(whole: Samples, bare: Samples) -> Samples:
    """Give what one process took longer than the other, repetition by repetition."""
    return Samples("ms", tuple(one - two for one, two in zip(whole.values, bare.values, strict=True)))


def main() -> None:
    taken = side_by_side({name: process(arguments) for name, arguments in COMMANDS.items()}, "ms")
    python = taken["python"]
    figures = {
        "python_ms": measured(python),
        "import_added_ms": measured(added(taken["import"], python), "< 150"),
        "import_door_added_ms": measured(added(taken["import_door"], python)),
        "help_ms": measured(taken["help"]),
    }
    report("startup", figures)


if __name__ == "__main__":
    main()
