"""Runs of wrapped agents: the SDK's runner with a door in front of every model that a run asks for."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final
from weakref import WeakKeyDictionary

import agents as sdk
import openai
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner

from harness.adapters.exchange import Doorway
from harness.adapters.official import passes
from harness.determinism.address import acting
from harness.determinism.member import current
from harness.determinism.schedule import Timeline

_WEB_SOCKET: Final = sdk.OpenAIResponsesWSModel

present: Final[ContextVar[Any]] = ContextVar("harness_present_agent", default=None)
"""The wrapped agent whose turn it is in this task; None outside a run."""

_clients: Final[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()
"""The wrapped client of each that a model was found over, so that its connections are used again."""


class _Loops(threading.local):
    """The event loops that synchronous runs in this thread have, by the timeline of their session."""

    def __init__(self) -> None:
        self.of: dict[Timeline, asyncio.AbstractEventLoop] = {}


_loops: Final = _Loops()


def install() -> None:
    """Put the door in front of the SDK's default runner, once; runs of other agents pass it untouched."""
    runner = get_default_agent_runner()
    if not isinstance(runner, _Runner):
        set_default_agent_runner(_Runner(runner))


class _Runner(AgentRunner):
    """Run agents as the SDK does, those that are wrapped with their models behind the door."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def run(self, starting_agent: Any, input: Any, **options: Any) -> Any:  # noqa: A002 - as the SDK calls it
        with _entered(starting_agent, options) as passed:
            return await self._inner.run(starting_agent, input, **passed)

    def run_sync(self, starting_agent: Any, input: Any, **options: Any) -> Any:  # noqa: A002
        with _entered(starting_agent, options) as passed, _recorded_loop():
            return self._inner.run_sync(starting_agent, input, **passed)

    def run_streamed(self, starting_agent: Any, input: Any, **options: Any) -> Any:  # noqa: A002
        with _entered(starting_agent, options) as passed:  # the task that it creates inherits who acts
            return self._inner.run_streamed(starting_agent, input, **passed)


@contextmanager
def _entered(agent: Any, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Let a run begin: give the options to run with, while the agent acts."""
    around = present.get()
    door = getattr(agent, "harness_door", None) or getattr(around, "harness_door", None)
    if door is None or door.current() is None:
        yield options
        return
    door.adopt(agent)
    door.tell(agent)
    here, acts = present.set(agent), acting.set(agent.name)
    try:
        yield options | {"run_config": _through(options.get("run_config"), door)}
    finally:
        acting.reset(acts)
        present.reset(here)


@contextmanager
def _recorded_loop() -> Iterator[None]:
    """Let the SDK find, as the event loop of this thread, one of the session: the order of its own is not recorded.

    Like the SDK's, it is there for all synchronous runs of the session in this thread.
    """
    timeline = current.get()
    if timeline is None or asyncio._get_running_loop() is not None:
        yield
        return
    if timeline not in _loops.of:
        _loops.of[timeline] = loop = asyncio.new_event_loop()
        timeline.afterwards.append(partial(_close, _loops.of, loop))
    local = getattr(asyncio.get_event_loop_policy(), "_local", None)  # asking in public would make one
    before = getattr(local, "_loop", None)
    asyncio.set_event_loop(_loops.of[timeline])
    try:
        yield
    finally:
        asyncio.set_event_loop(before)


def _close(loops: dict[Timeline, asyncio.AbstractEventLoop], loop: asyncio.AbstractEventLoop, ended: Timeline) -> None:
    del loops[ended]
    if not loop.is_running():
        loop.close()


def _through(config: Any, door: Any) -> Any:
    """Give a run's configuration with the models that it names, or that its provider gives, behind the door."""
    if config is None or isinstance(config, dict):
        config = sdk.RunConfig(**(config or {}))
    if isinstance(config.model, sdk.Model):
        pass_model(config.model, door.doorway)
    if hasattr(config.model_provider, "harness_doorway"):
        return config  # that of the run around this one
    provider = copy.copy(config.model_provider)
    kind: Any = type(provider)
    provider.__class__ = _provider_class(kind)
    provider.harness_doorway = door.doorway
    return replace(config, model_provider=provider)


@cache
def _provider_class(kind: Any) -> type:
    """Give the class of a provider of models: ``kind``, but that the models it gives are behind the door."""

    class Passing(kind):
        def get_model(self, *args: Any, **options: Any) -> Any:
            model = super().get_model(*args, **options)
            pass_model(model, self.harness_doorway)
            return model

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


def is_known(model: Any) -> bool:
    """Tell whether requests of a model, an object or a name, go through a client that can be wrapped."""
    if model is None or isinstance(model, str):
        prefix, _, rest = (model or "").partition("/")
        return not rest or prefix == "openai"
    return isinstance(getattr(model, "_client", None), openai.AsyncOpenAI) and not isinstance(model, _WEB_SOCKET)


def pass_model(model: Any, doorway: Doorway) -> None:
    """Put a model over a wrapped client; one that is over none of OpenAI's stays as it is."""
    client = getattr(model, "_client", None)
    if not isinstance(client, openai.AsyncOpenAI):
        return
    if isinstance(client.api_key, str) and client.api_key:
        doorway.keep_secret(client.api_key, "api_key")  # of each app that uses it, whoever has wrapped it
    if not passes(client):
        if client not in _clients:
            _clients[client] = doorway.wrap(client)
        model._client = _clients[client]
