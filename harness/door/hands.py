"""What a route takes hold of in one session: the tools of an app, its health store, and whoever it asks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from harness.adapters.exchange import in_time
from harness.door.roads import Roads, tool_behind
from harness.door.tools import Effect, Tool
from harness.errors import UsageError
from harness.routing.health.store import Seen
from harness.run.drive import Rewritten, Run
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.error import describe
from harness.trace.outcome import Failed, Ok, Outcome
from harness.trace.value import decode_value, encode_value


class Hands:
    """The tools of an app, its health store and whoever it asks, as one session's routes use them."""

    def __init__(self, roads: Roads, run: Run, holder: str) -> None:
        self._roads, self._app, self._run, self._holder = roads, roads.app, run, holder
        self.effects: dict[str, Effect] = {}
        self._began: dict[str, int] = {}

    def call(self, tool: str, args: dict[str, Any]) -> tuple[Call, Callable[[Rewritten], Outcome]]:
        _, wanted, effect = self._effect(tool, args)

        def perform(rewritten: Rewritten) -> Outcome:
            self._began[tool] = self._app.clock()
            return effect.perform(rewritten)

        return wanted, perform

    def acall(
        self, tool: str, args: dict[str, Any]
    ) -> tuple[Call, Callable[[Rewritten], Coroutine[Any, Any, Outcome]]]:
        made, wanted, effect = self._effect(tool, args)
        within = in_time(wanted.spec, effect.aperform)

        async def perform(rewritten: Rewritten) -> Outcome:
            self._began[tool] = self._app.clock()
            if not inspect.iscoroutinefunction(made.function):
                return effect.perform(rewritten)
            return await within(rewritten)

        return wanted, perform

    def _effect(self, tool: str, args: dict[str, Any]) -> tuple[Tool, Call, Effect]:
        made = tool_behind(self._app, tool)
        arguments = {name: decode_value(value, made.annotations.get(name)) for name, value in args.items()}
        effect = Effect(made, arguments, args)
        self.effects[tool] = effect
        return made, Call("tool", tool, args, self._app.spec(made.spec)), effect

    def probe(self, tool: str, args: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        name = self._app.spec(ToolSpec(tool)).probe
        if name is None:
            return None
        binder = tool_behind(self._app, name).binder
        return name, {key: value for key, value in args.items() if binder.takes(key)}

    def health(self) -> dict[str, Any]:
        return self._app.health.snapshot(self._roads.graph.tools, self._app.clock(), holder=self._holder)

    def seen(self, tool: str, how: str) -> None:
        if tool in self._began:  # a replay has nothing new to say of a tool
            domain, policy = self._roads.graph.tools[tool].domain, self._roads.graph.policy
            cool = policy.cool_ms * 1_000_000
            self._app.health.came(Seen(tool, domain, self._began[tool], self._app.clock(), how, cool))

    def ask(self, question: dict[str, Any]) -> tuple[Call, Callable[[Rewritten], Outcome]] | None:
        escalate = self._app.escalate
        if escalate is None:
            return None

        def perform(rewritten: Rewritten) -> Outcome:
            try:
                return Ok(encode_value(_at_once(escalate(question if rewritten is None else rewritten))))
            except Exception as error:  # noqa: BLE001 - whatever it raises is no answer
                return Failed(describe(error))

        return _question(question), perform

    def aask(self, question: dict[str, Any]) -> tuple[Call, Callable[[Rewritten], Coroutine[Any, Any, Outcome]]] | None:
        escalate = self._app.escalate
        if escalate is None:
            return None

        async def perform(rewritten: Rewritten) -> Outcome:
            try:
                answer = escalate(question if rewritten is None else rewritten)
                return Ok(encode_value(await answer if inspect.isawaitable(answer) else answer))
            except Exception as error:  # noqa: BLE001 - whatever it raises is no answer
                return Failed(describe(error))

        return _question(question), perform


def _at_once(answer: Any) -> Any:
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise UsageError("escalate is asynchronous, the agent is not", cure="give the app a plain function")
    return answer


def _question(question: dict[str, Any]) -> Call:
    return Call("escalation", "escalate", question, ToolSpec("escalate", effect="read", idempotent=True))
