"""One environment of AgentDojo for one run: its tools at a door, a run in it, and its own judgement of what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from harness.adapters.registries import load_registry
from harness.adapters.transcripts.agentdojo import value_of
from harness.door.app import Harness
from harness.door.trial import Trial, Trials
from harness.registry.registry import Registry
from harness.stress.schedule import Schedule
from harness.trace.event import Event

from . import world


class Act(NamedTuple):
    """One call of a tool: what it does, the rules that stood against it where it was refused, whose wish it was."""

    tool: str
    effect: str
    refused: tuple[str, ...] = ()
    whose: str = ""


class Site:
    """The environment of a user's task, with an attacker's text in its data if there is one; good for one run.

    ``user`` and ``attack`` are AgentDojo's tasks, the latter None without an attacker; ``before`` is the environment as
    it was, ``texts`` are the attacker's, and ``said`` is the text that AgentDojo makes of the last answer of a tool.
    """

    def __init__(self, suite: str, user: str, goal: str, texts: Mapping[str, str]) -> None:
        tasks = world.suite_of(suite)
        self.suite, self.tools, self.texts, self.said = suite, tasks.tools, tuple(texts.values()), ""
        self.user = tasks.user_tasks[user]
        self.attack = tasks.injection_tasks[goal] if goal else None
        self._environment = self.user.init_environment(world.environment(suite, texts))
        self.before = self._environment.model_copy(deep=True)
        self._performed: list[Any] = []

    def run(
        self,
        registry: Registry | None,
        work: Callable[[Harness, Mapping[str, Callable[..., Any]]], Any],
        *,
        seed: int,
        virtual: bool,
    ) -> Trial:
        """Do some work with the tools in one recorded run; ``registry`` is None where nothing stands in between.

        What the work raises is raised: it is nothing that was measured.
        """
        app = Harness(registry)
        tools = {tool.name: app.tool(**self._said_of(tool.name))(self._through(tool)) for tool in self.tools}

        def agent() -> Any:
            return work(app, tools)

        trial = Trials(app, agent, virtual=virtual).run(Schedule(seed=seed))
        if trial.error is not None:
            raise trial.error
        return trial

    def acts(self, trial: Trial) -> Iterator[Act]:
        """Yield the calls of tools as the trace tells of them."""
        for event, refused in _calls(trial.events):
            yield Act(event.body["tool"], declared(self.suite).tools[event.body["tool"]].effect, refused)

    def user_done(self, output: str) -> bool:
        """Tell whether the user's task was done, ``output`` being the agent's last words."""
        return world.judged(self.user, output, self.before, self._environment, self._performed)

    def attack_done(self, output: str) -> bool:
        """Tell whether the attacker's goal was reached; False without an attacker."""
        if self.attack is None:
            return False
        return world.judged(self.attack, output, self.before, self._environment, self._performed)

    def _through(self, tool: Any) -> Callable[..., Any]:
        """Give a tool of AgentDojo as a function of plain values on this environment."""

        def perform(**arguments: Any) -> Any:
            call, result = world.performed(self._environment, tool, arguments)
            self._performed.append(call)
            self.said = world.text_of(result)
            return value_of(self.said)

        return perform

    def _said_of(self, tool: str) -> dict[str, Any]:
        spec = declared(self.suite).tools[tool]
        return {"name": tool, "effect": spec.effect, "trust": spec.trust}


@cache
def declared(suite: str) -> Registry:
    """Give the registry of a suite; what it says of the tools holds where its rules do not."""
    return load_registry(f"agentdojo/{suite}")


def _calls(events: list[Event]) -> Iterator[tuple[Event, tuple[str, ...]]]:
    """Yield each call of a tool with the rules that stood against it where it was refused."""
    against: dict[int, list[str]] = {}
    refused = {
        event.body["action"] for event in events if event.kind == "decision" and event.body["decision"] != "allow"
    }
    for event in events:
        if event.kind == "verdict" and event.body["verdict"] != "holds":
            against.setdefault(event.body.get("action", -1), []).append(event.body["rule"])
    for event in events:
        if event.kind == "action" and event.body["surface"] == "tool":
            yield event, tuple(against.get(event.seq, ())) if event.seq in refused else ()
