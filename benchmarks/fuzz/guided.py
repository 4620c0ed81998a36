"""The same attacks, led by coverage: atheris changes the seeds wherever that reaches new code of the registry.

``python -m benchmarks.fuzz.guided expressions --seconds 60``, or ``documents``. Atheris is not among the dependencies;
without it this says how to install it, and leaves with 2.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.fuzz.tripwire import Wire, attempt

_LENGTHS = {"expressions": 4_000, "documents": 20_000}


def main() -> None:
    """Read the command line and fuzz until the time is over, or something is found: then leave with 1."""
    options = _options()
    if find_spec("atheris") is None:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        sys.exit(2)
    import atheris

    with atheris.instrument_imports(include=["harness.registry"], enable_loader_override=False):
        from benchmarks.fuzz import documents, expressions, grammar
    attack, seeds = (
        (expressions.attack, grammar.seeds())
        if options.what == "expressions"
        else (documents.attack, documents.seeds())
    )
    for seed in seeds:  # what is imported late is imported now
        attempt(Wire(deaf=True), lambda laps, seed=seed: attack(seed, Random(0), laps))
    wire = Wire()

    def once(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        told = attempt(wire, lambda laps: attack(text, Random(data), laps))
        if told.fault and not (told.fault.startswith("slow") and options.patient):
            raise RuntimeError(f"{told.fault}: {text!a}")

    with TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / str(number)).write_text(seed, encoding="utf-8")
        limits = [f"-max_total_time={options.seconds}", f"-max_len={_LENGTHS[options.what]}", f"-seed={options.seed}"]
        atheris.Setup([sys.argv[0], *limits, "-verbosity=0", "-print_final_stats=1", folder], once)
        atheris.Fuzz()


def _options() -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=sorted(_LENGTHS))
    parser.add_argument("--seconds", type=int, default=60, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with")
    parser.add_argument("--patient", action="store_true", help="go on where a case is slow: instrumented code is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
