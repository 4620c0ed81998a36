"""The recorded conversations of a folder, which are no part of the project: whose they are, and which rules judge them.

A file is taken for what it holds: simulations of tau2-bench (``{"info", "tasks", "simulations"}``), or transcripts of
tau-bench (a list of ``{"task_id", "trial", "reward", "info", "traj"}``), annotated ones where the annotations of
AgentRx stand beside it. Any other JSON file is passed over.

A set is a domain in one of these formats: ``airline``, ``airline_tau2``, ``telecom_tau2_solo`` where nobody talks to
the agent. Agents are called by their model, where the file says it, else by the file; where two files of a set have one
model, both by the file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.registries import load_registry
from harness.adapters.transcripts import agentrx, tau, tau2
from harness.adapters.transcripts.conversation import Conversation, documents
from harness.bench.task import Cell, Condition, Task
from harness.errors import UsageError
from harness.registry.registry import Registry

Read = Callable[[Path], Iterator[Conversation]]
Trial = tuple[str, int]  # the task's id as text, and which attempt at it

JUDGED: Final = ("airline", "retail")
"""The domains that a shipped registry judges, which has their name."""

_NAMELESS: Final = "desk"  # the domain of a file that names none
_HEADING: Final = re.compile(r"#\s*(\w+) agent policy", re.IGNORECASE)
_CURE: Final = "name a folder with files of tau-bench or tau2-bench, as they save them (.json, .json.gz)"


class Recording(NamedTuple):
    """One file of the folder: the set that it belongs to, its domain, and the agent that speaks in it."""

    file: str
    of: str
    domain: str
    agent: str
    read: Read


@dataclass(frozen=True)
class Recordings:
    """The recorded conversations of a folder."""

    folder: Path
    files: tuple[Recording, ...]

    def tasks(self) -> tuple[Task, ...]:
        """Give the tasks of each set with the trials that each agent made; reads every file."""
        trials: dict[tuple[str, str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for one in self.files:
            for task, trial in conversations(self.folder / one.file, one.read):
                trials[one.of, one.domain, task][one.agent].append(trial)
        return tuple(
            Task(f"{of}/{task}", of, {"domain": domain, "task": task}, trials=dict(made))
            for (of, domain, task), made in trials.items()
        )

    def conditions(self) -> tuple[Condition, ...]:
        """Give the agents."""
        return tuple(Condition(agent) for agent in dict.fromkeys(one.agent for one in self.files))

    def of(self, cell: Cell) -> Conversation:
        """Give the conversation of a cell."""
        [one] = (one for one in self.files if (one.of, one.agent) == (cell.task.group, cell.condition.name))
        return conversations(self.folder / one.file, one.read)[cell.task.data["task"], cell.seed]

    def pinned(self) -> dict[str, Any]:
        """Give what rows depend on, for the manifest: agents, and files and registries by their digests."""
        domains = {one.domain for one in self.files}
        return {
            "models": sorted({one.agent for one in self.files}),
            "registries": {domain: registry_of(domain).digest for domain in JUDGED if domain in domains},
            "data": {one.file: hashlib.sha256((self.folder / one.file).read_bytes()).hexdigest() for one in self.files},
        }


@lru_cache(8)
def registry_of(domain: str) -> Registry:
    """Give the shipped registry of a domain, once in a process."""
    return load_registry(domain)


@lru_cache(64)
def conversations(path: Path, read: Read) -> Mapping[Trial, Conversation]:
    """Read a file once in a process; UsageError for what is not of its format, or stands there twice."""
    found: dict[Trial, Conversation] = {}
    for one in read(path):
        trial = str(one.label["task"]), one.label["trial"]
        if trial in found:
            raise UsageError(f"task {trial[0]}, trial {trial[1]} stands here a second time", where=str(path))
        found[trial] = one._replace(events=tuple(one.events))
    return found


def recordings(folder: Path) -> Recordings:
    """Find the files of conversations in a folder and below; UsageError where there is none."""
    named = (path for path in sorted(folder.rglob("*")) if path.name.endswith((".json", ".json.gz")))
    found = [one for path in named for one in _recording(path, path.relative_to(folder).as_posix())]
    if not found:
        raise UsageError("holds no recorded conversations", where=str(folder), cure=_CURE)
    times = Counter((one.of, one.agent) for one in found)
    apart = (one._replace(agent=_bare(one.file)) if times[one.of, one.agent] > 1 else one for one in found)
    return Recordings(folder, tuple(apart))


def _recording(path: Path, file: str) -> Iterator[Recording]:
    first = next(documents(path), None)
    said = first.value if first and isinstance(first.value, dict) else {}
    if "simulations" in said:
        yield _of_tau2(file, said)
    elif "traj" in said:
        annotated = path.with_name(agentrx.ANNOTATIONS).is_file()
        yield _of_tau(file, said["traj"], annotated=annotated)


def _of_tau2(file: str, said: Any) -> Recording:
    domain = _text(said, "info", "environment_info", "domain_name") or _NAMELESS
    agent = _text(said, "info", "agent_info", "llm") or _bare(file)
    implementation = _text(said, "info", "agent_info", "implementation")
    variant = implementation.removeprefix("llm_agent")  # "_solo", "_gt"; "" is the usual one
    return Recording(file, f"{domain}_tau2{variant}", domain, agent, tau2.conversations)


def _of_tau(file: str, messages: Any, *, annotated: bool) -> Recording:
    policy = _text(messages[0], "content") if isinstance(messages, list) and messages else ""
    heading = _HEADING.match(policy)
    domain = heading[1].lower() if heading else _NAMELESS
    if annotated:
        return Recording(file, domain, domain, "agentrx", agentrx.conversations)
    name = Path(_bare(file)).name.replace(domain, "").strip("-_")
    return Recording(file, domain, domain, name or _bare(file), tau.conversations)


def _text(said: Any, *names: str) -> str:
    """Give the text that stands under names in JSON, empty where none does: what is amiss there its reader says."""
    for name in names:
        said = said.get(name) if isinstance(said, dict) else None
    return said if isinstance(said, str) else ""


def _bare(file: str) -> str:
    return file.removesuffix(".gz").removesuffix(".json")
