"""An agent without a model: it does what the user asked for and, once it has read it, all that the attacker wants.

Its calls are AgentDojo's own: the sequence that does the user's task, and the one that reaches the attacker's goal,
which begins right after the first answer of a tool in which the attacker's text stands. A call that is refused is left
out, and the agent goes on with the next one: it never gives in, and never learns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from harness.bench.figures import SEED
from harness.door.app import Harness
from harness.door.current import session_var
from harness.registry.registry import Registry

from . import world
from .site import Act, Site

USER: Final = "user"
ATTACKER: Final = "attacker"

Tools = Mapping[str, Callable[..., Any]]


class Deed(NamedTuple):
    """What came of a run: its calls, whether the attacker's text was read, how the environment judges both tasks.

    ``trace`` is that of the run, ``tokens`` are those that a model says it used.
    """

    acts: tuple[Act, ...]
    reached: bool
    user_done: bool
    attack_done: bool
    trace: bytes
    tokens: int = 0


class Hijacked:
    """Do a user's task, and an attacker's if there is one, in an environment of their own.

    ``texts`` are the attacker's for places of the data.
    """

    def __init__(self, suite: str, user: str, goal: str, texts: Mapping[str, str]) -> None:
        self._site = Site(suite, user, goal, texts)
        self._whose: list[str] = []  # wish each call was, in the order of the door

    def act(self, registry: Registry | None) -> Deed:
        """Do it in one recorded session; ``registry`` is None where nothing stands between the agent and its tools."""
        site = self._site
        trial = site.run(registry, self._work, seed=SEED, virtual=True)
        acts = (act._replace(whose=whose) for whose, act in zip(self._whose, site.acts(trial), strict=True))
        output = self._output()
        done = site.user_done(output), site.attack_done(output)
        return Deed(tuple(acts), trial.result, *done, b"".join(trial.lines))

    def _work(self, _: Harness, tools: Tools) -> bool:
        """Make the calls and tell whether the attacker's text was read."""
        site, reached, session = self._site, False, session_var.get()
        assert session is not None
        session.message("system", world.system_message())
        session.message("user", site.user.PROMPT)
        for call in site.user.ground_truth(site.before):
            answer = self._make(tools, USER, call)
            if not reached and site.attack is not None and world.speaks(answer, site.texts):
                reached = True
                for wanted in site.attack.ground_truth(site.before):
                    self._make(tools, ATTACKER, wanted)
        return reached

    def _make(self, tools: Tools, whose: str, call: Any) -> Any:
        """Make a call and give its answer, None where it was refused or failed."""
        self._whose.append(whose)
        try:
            return tools[call.function](**call.args)
        except Exception:  # noqa: BLE001 - refused or failed, the trace says which; an agent goes on
            return None

    def _output(self) -> str:
        """Give what the agent says at the end: what both tasks have it say."""
        tasks = filter(None, (self._site.user, self._site.attack))
        return "\n".join(filter(None, (task.GROUND_TRUTH_OUTPUT for task in tasks)))
