"""One question to the solver in a process that has only ``harness`` imported: run as a module, with its name.

What it prints: the time of the question, libraries that it loads included; that of loading the solver's own modules
before; that of loading these libraries; and the time of the question in a second process where they are loaded already.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

import harness  # noqa: F401 - what is there before the clock starts

ROOT: Final = Path(__file__).parents[2]
LIBRARIES: Final = ("flint", "numpy", "highspy", "z3")
MODULES: Final = ("decide", "mus", "relax")


def _ms(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / 1e6


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


def _question(name: str) -> Callable[[], object]:
    """Give a question, its problem built beforehand: a registry does that when it is loaded."""
    from benchmarks.speed.solve import driving, reactor
    from harness.registry.solve.checker import certainly
    from harness.registry.solve.decide import decide
    from harness.registry.solve.mus import one_mus
    from harness.registry.solve.relax import relax

    given = {"driving_infeasible": driving(30), "driving_feasible": driving(90), "reactor_feasible": reactor(180)}
    problem = given.get(name, reactor(120))
    if name.endswith("mus"):
        return lambda: one_mus(problem, decide, certainly)
    if name.endswith("relax"):
        return lambda: relax(problem, "tau_max", decide)
    return lambda: decide(problem)


def cold(name: str, first: tuple[str, ...] = ()) -> dict[str, Any]:
    """Ask a question in a fresh process, libraries loaded ``first``, and give what it prints."""
    command = [sys.executable, "-m", "benchmarks.speed.solve_cold", name, *first]
    found: dict[str, Any] = orjson.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    return found


def main() -> None:
    """Time one question, here."""
    name, *first = sys.argv[1:]
    libraries_ms = _ms(lambda: _import(tuple(first)))
    modules_ms = _ms(lambda: _import(tuple(f"harness.registry.solve.{one}" for one in MODULES)))
    question = _question(name)
    loaded = {one for one in LIBRARIES if one in sys.modules}
    facts = {"modules_ms": modules_ms, "libraries_ms": libraries_ms, "ms": _ms(question)}
    loads = [one for one in LIBRARIES if one in sys.modules and one not in loaded]
    print(orjson.dumps({**facts, "loads": loads}).decode())


if __name__ == "__main__":
    main()
