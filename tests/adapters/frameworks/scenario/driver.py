"""The scenario in processes of their own: run until somebody is asked, answer, resume elsewhere, replay elsewhere.

An entry is ``module:function`` below ``tests.adapters.frameworks.agents``, a function that needs no arguments and is
decorated with ``@app.agent`` of an app over ``ledger.REGISTRY``. It gives the text of the last answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.adapters.frameworks.scenario.ledger import OBSERVED

ROOT: Final = Path(__file__).parents[4]
_AGENTS: Final = "tests.adapters.frameworks.agents"
_MODEL: Final = "tests.adapters.frameworks.scenario.model:policy"
_RUNNER: Final = "tests.adapters.frameworks.scenario.alone"
_WAITS: Final = 3  # the exit code of a run that has stopped for an answer


class Alone(NamedTuple):
    """What an entry gave, and the bodies of its requests to the model."""

    result: Any
    requests: list[dict[str, Any]]


class Scenario:
    """The runs of one entry, in one folder, which holds its traces and its ledger."""

    def __init__(self, folder: Path, entry: str) -> None:
        self.folder, self.entry = folder, f"{_AGENTS}.{entry}"
        self.stopped, self.trace = folder / "run.mat.jsonl", folder / "run.resumed-1.mat.jsonl"

    def stop(self) -> dict[str, Any]:
        """Run until somebody has to be asked; give what the run says then."""
        done = self._harness("run", self.entry, "--trace", self.stopped.name, *self._live())
        assert done.returncode == _WAITS, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def answer(self, *, allowed: bool = True) -> None:
        """Answer the one question."""
        (question,) = (self.folder / "desk").glob("*.question.json")
        done = self._harness("approve", str(question), "--yes" if allowed else "--no", "--by", "Ann")
        assert done.returncode == 0, done.stderr

    def resume(self) -> dict[str, Any]:
        """Let another process go on to the end; give what it says."""
        done = self._harness("resume", self.stopped.name, *self._live())
        said: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2] or "{}")
        assert said.get("error", done.stderr) is None, said.get("error", done.stderr)
        return said

    def replay(self, trace: Path, hash_seed: int = 7) -> dict[str, Any]:
        """Replay a trace in a fresh process under another hash seed and without network; give what it says."""
        options = ("--json", "--offline", "--hash-seed", "any")
        done = self._harness("replay", str(trace), *options, PYTHONHASHSEED=str(hash_seed))
        said: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2] or "{}")
        assert said, done.stderr
        return said

    def alone(self, entry: str) -> Alone:
        """Run an entry without harness: a function of the same module, or ``module:function``."""
        beside, _, _ = self.entry.partition(":")
        return self._runner(f"{_AGENTS}.{entry}" if ":" in entry else f"{beside}:{entry}")

    def observed(self, trace: Path) -> Alone:
        """Run the entry in a session whose rules only observe."""
        return self._runner(self.entry, "--trace", str(trace), "--registry", str(OBSERVED))

    def _live(self) -> tuple[str, ...]:
        return "--model-script", _MODEL, "--approve", "desk", "--json"

    def _harness(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._python("-m", "harness", *arguments, **environment)

    def _runner(self, *arguments: str) -> Alone:
        done = self._python("-m", _RUNNER, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return Alone(**json.loads(done.stdout.strip().rpartition("\n")[2]))

    def _python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-W", "ignore", *arguments],
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
