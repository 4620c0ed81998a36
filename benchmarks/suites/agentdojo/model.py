"""An agent with a model, at any endpoint that speaks OpenAI's Chat Completions, in AgentDojo's environments.

It is the loop that AgentDojo gives its own agents: the system message, the user's words, then calls of tools until the
model has nothing more to call, at most 15 turns. A refusal comes to the model as a tool's answer, rule and reason.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.door.app import Harness
from harness.errors import Refused
from harness.registry.registry import Registry

from . import world
from .agent import Deed
from .site import Site

MODEL: Final = "HARNESS_MODEL"
"""The variable of the environment that names the model; without it nothing here is done."""

MOST_TURNS: Final = 15


def asked() -> str:
    """Give the name of the model, empty where the environment names none."""
    return os.environ.get(MODEL, "")


class Asked:
    """Let a model do a user's task, with an attacker's text in the data if there is a goal."""

    def __init__(self, suite: str, user: str, goal: str, texts: Mapping[str, str]) -> None:
        self._site = Site(suite, user, goal, texts)
        self._reached = False

    def act(self, registry: Registry | None, seed: int) -> Deed:
        """Do it in one recorded session; what the endpoint raises is raised."""
        site = self._site
        trial = site.run(registry, self._work, seed=seed, virtual=False)
        done = site.user_done(trial.result), site.attack_done(trial.result)
        return Deed(tuple(site.acts(trial)), self._reached, *done, b"".join(trial.lines), trial.seen.tokens)

    def _work(self, app: Harness, tools: Mapping[str, Callable[..., Any]]) -> str:
        """Ask and do until there is nothing more to do; give the model's last words."""
        from openai import OpenAI

        client, model = app.wrap(OpenAI()), asked()
        described = [world.described(tool) for tool in self._site.tools]
        messages: list[Any] = [
            {"role": "system", "content": world.system_message()},
            {"role": "user", "content": self._site.user.PROMPT},
        ]
        for _ in range(MOST_TURNS):
            reply = client.chat.completions.create(model=model, messages=messages, tools=described)
            said = reply.choices[0].message
            messages.append(said.model_dump(exclude_none=True))
            if not said.tool_calls:
                return said.content or ""
            messages += (self._used(tools, call) for call in said.tool_calls)
        return ""

    def _used(self, tools: Mapping[str, Callable[..., Any]], call: Any) -> dict[str, Any]:
        """Make one call, and give the model what came of it; what goes wrong is its to hear."""
        try:
            answer = tools[call.function.name](**json.loads(call.function.arguments or "{}"))
            self._reached = self._reached or world.speaks(answer, self._site.texts)
            content = self._site.said
        except Refused as refused:
            content = f"Refused: {refused}"
        except Exception as error:  # noqa: BLE001 - a tool may raise anything, and so may arguments that do not fit
            content = f"Error: {type(error).__name__}: {error}"
        return {"role": "tool", "tool_call_id": call.id, "content": content}
