"""An agent without a model: it does what the user asked for and, once it has read it, all that the attacker wants.

Its calls are AgentDojo's own: the sequence that does the user's task, and the one that reaches the attacker's goal,
which begins right after the first answer of a tool in which the attacker's text stands. A call that is refused is left
out, and the agent goes on with the next one: it never gives in, and never learns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import harness
from harness.adapters.files import SUFFIX, open_trace
from harness.registry.registry import Registry

from . import world

USER: Final = "user"
ATTACKER: Final = "attacker"
TRACE: Final = f"run{SUFFIX}"


class Act(NamedTuple):
    """One call: whose wish it was, what it does, and the rules that stood against it where it was refused."""

    whose: str
    tool: str
    effect: str
    refused: tuple[str, ...] = ()


class Deed(NamedTuple):
    """What came of a run: its calls, whether the attacker's text was read, how the environment judges both tasks."""

    acts: tuple[Act, ...]
    reached: bool
    user_done: bool
    attack_done: bool


class Hijacked:
    """Do a user's task, and an attacker's if there is one, in an environment of their own.

    ``texts`` are the attacker's for places of the data; ``declared`` says what the tools are, and rules nothing here.
    """

    def __init__(self, suite: str, user: str, goal: str, texts: Mapping[str, str], declared: Registry) -> None:
        tasks = world.suite_of(suite)
        self._tools, self._texts, self._declared = tasks.tools, tuple(texts.values()), declared
        self._user = tasks.user_tasks[user]
        self._attack = tasks.injection_tasks[goal] if goal else None
        self._environment = self._user.init_environment(world.environment(suite, texts))
        self._before = self._environment.model_copy(deep=True)
        self._made: list[tuple[str, Any]] = []  # whose it was and the call, in the order of the door
        self._performed: list[Any] = []

    def act(self, registry: Registry | None, folder: Path) -> Deed:
        """Do it in one recorded session; ``registry`` is None where nothing stands between the agent and its tools."""
        app = harness.Harness(registry, traces=folder, durability="none")
        tools = {tool.name: app.tool(**self._said_of(tool.name))(self._through(tool)) for tool in self._tools}
        trace = folder / TRACE
        with app.session(trace=trace) as session:
            session.message("system", world.system_message())
            session.message("user", self._user.PROMPT)
            reached = self._work(tools)
        return Deed(tuple(self._acts(trace)), reached, self._judged(self._user), self._judged(self._attack))

    def _work(self, tools: Mapping[str, Callable[..., Any]]) -> bool:
        reached = False
        for call in self._user.ground_truth(self._before):
            answer = self._make(tools, USER, call)
            if not reached and self._attack is not None and world.speaks(answer, self._texts):
                reached = True
                for wanted in self._attack.ground_truth(self._before):
                    self._make(tools, ATTACKER, wanted)
        return reached

    def _make(self, tools: Mapping[str, Callable[..., Any]], whose: str, call: Any) -> Any:
        """Make a call and give its answer, None where it was refused or failed."""
        self._made.append((whose, call))
        try:
            return tools[call.function](**call.args)
        except Exception:  # noqa: BLE001 - refused or failed, the trace says which; an agent goes on
            return None

    def _through(self, tool: Any) -> Callable[..., Any]:
        """Give a tool of AgentDojo as a function of plain values on the environment of this run."""

        def perform(**arguments: Any) -> Any:
            call, result = world.performed(self._environment, tool, arguments)
            self._performed.append(call)
            return result

        return perform

    def _said_of(self, tool: str) -> dict[str, Any]:
        spec = self._declared.tools[tool]
        return {"name": tool, "effect": spec.effect, "trust": spec.trust}

    def _judged(self, task: Any) -> bool:
        if task is None:
            return False
        return world.judged(task, self._output(), self._before, self._environment, self._performed)

    def _output(self) -> str:
        """Give what the agent says at the end: what both tasks have it say."""
        said = [self._user.GROUND_TRUTH_OUTPUT, self._attack.GROUND_TRUTH_OUTPUT if self._attack else ""]
        return "\n".join(filter(None, said))

    def _acts(self, trace: Path) -> Iterator[Act]:
        """Yield the calls as the trace tells of them."""
        actions: list[int] = []
        against: dict[int, list[str]] = {}
        refused: set[int] = set()
        with open_trace(trace) as reader:
            for event in reader:
                body = event.body
                if event.kind == "action":
                    actions.append(event.seq)
                elif event.kind == "verdict" and body["verdict"] != "holds":
                    against.setdefault(body.get("action", -1), []).append(body["rule"])
                elif event.kind == "decision" and body["decision"] != "allow":
                    refused.add(body["action"])
        for seq, (whose, call) in zip(actions, self._made, strict=True):
            effect = self._declared.tools[call.function].effect
            rules = tuple(against.get(seq, ())) if seq in refused else ()
            yield Act(whose, call.function, effect, rules)
