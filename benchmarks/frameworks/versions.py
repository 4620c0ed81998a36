"""Try the adapters on the oldest and the newest version of their frameworks, each in a virtual environment of its own.

::

    python -m benchmarks.frameworks.versions [--only NAME…] [--ends oldest newest] [--venvs DIR] [--json]

The oldest is what the framework's extra in ``pyproject.toml`` asks for at least, with the newest of all it depends on;
the newest is what the package index gives. In each the tests of the adapter run, the scenario of all frameworks among
them. ``--venvs`` keeps the environments, for another run or for a look. Exit 1 where a test failed, was skipped, or
none was found.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.speed.measure import Figure, report

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = {
    "openai-agents": "test_openai_agents*.py",
    "langgraph": "test_langgraph*.py",
    "pydantic-ai": "test_pydantic_ai*.py",
}
BESIDES: Final = {"langgraph": ("langchain", "langgraph-supervisor", "langgraph-swarm")}
"""What the tests of an adapter need beside its framework, as new as goes with it."""
ENDS: Final = ("oldest", "newest")
_RUNNER: Final = ("pytest", "pytest-timeout", "pytest-randomly")
_VERSION_IN: Final = "import importlib.metadata as found, sys; print(*map(found.version, sys.argv[1:]))"


class Tried(NamedTuple):
    """What came out for one framework at one end: tests by how they ended, and what is to be read of failures."""

    framework: str
    end: str
    versions: str
    counts: dict[str, int]
    why: str = ""

    @property
    def good(self) -> bool:
        """Whether every test there is has passed."""
        return self.counts.keys() == {"passed"}

    def facts(self) -> dict[str, Any]:
        """Give the row of the table."""
        counts = " ".join(f"{count} {how}" for how, count in self.counts.items())
        return {"framework": self.framework, "end": self.end, "versions": self.versions, "tests": counts} | (
            {"why": self.why} if self.why else {}
        )


def main() -> None:
    """Try what is asked for and end with the report."""
    options = _options()
    tried = []
    with tempfile.TemporaryDirectory() as passing:
        for framework in options.only:
            for end in options.ends:
                tried.append(_tried(framework, end, Path(options.venvs or passing).resolve()))
                print(*tried[-1].facts().values(), sep="  ", file=sys.stderr, flush=True)
    bad = sum(not one.good for one in tried)
    figures = {
        "versions": Figure(len(tried), "1"),
        "tests": Figure(sum(sum(one.counts.values()) for one in tried), "1"),
        "versions_with_a_failure": Figure(bad, "1", target="<= 0"),
    }
    report("framework versions", figures, [one.facts() for one in tried])
    sys.exit(1 if bad else 0)


def _tried(framework: str, end: str, folder: Path) -> Tried:
    requirements = _requirements(framework, end)
    names = [re.split(r"[\[<>=]", one)[0] for one in requirements]
    python = folder / f"{framework}-{end}" / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    wanted = (f"{ROOT}[{framework}]", *_RUNNER, *BESIDES.get(framework, ()), *requirements)
    installed = _run(python, "-m", "pip", "install", "--quiet", "-e", *wanted)
    if installed.returncode != 0:
        return Tried(framework, end, " ".join(requirements), {"not installed": 1}, installed.stderr[-600:])
    versions = _run(python, "-c", _VERSION_IN, *names).stdout.split()
    files = sorted(str(file) for file in (ROOT / "tests/adapters/frameworks").glob(TESTS[framework]))
    done = _run(python, "-m", "pytest", "--quiet", "--tb=short", *files)
    last = [line for line in done.stdout.splitlines() if re.search(r"\d+ (passed|failed|skipped|error)", line)]
    found = re.findall(r"(\d+) (passed|failed|skipped|errors?)", last[-1] if last else "")
    counts = {how: int(count) for count, how in found} or {"not run": 1}
    told = " ".join(f"{name} {version}" for name, version in zip(names, versions, strict=True))
    return Tried(
        framework, end, told, counts, "" if counts.keys() == {"passed"} else (done.stdout + done.stderr)[-600:]
    )


def _requirements(framework: str, end: str) -> list[str]:
    """Give what to install: what the extra asks for, pinned to the oldest it allows, or as new as it comes."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][framework]
    return [one.replace(">=", "==") if end == "oldest" else re.split(">=|,", one)[0] for one in declared]


def _run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[*TESTS], choices=[*TESTS], help="some frameworks")
    parser.add_argument("--ends", nargs="+", default=[*ENDS], choices=[*ENDS])
    parser.add_argument("--venvs", metavar="DIR", help="keep the environments here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
