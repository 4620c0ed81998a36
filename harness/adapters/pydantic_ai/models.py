"""Models of pydantic-ai whose requests pass the door, at the client of their provider.

The client is wrapped as ``app.wrap(client)`` wraps it, so whatever the model's own code does (retries, streams, errors)
is above the seam. A model is passed on as a copy of itself over a provider that hands out the wrapped client; what
holds other models (a fallback, a wrapper) as a copy that holds theirs. Not covered: models whose client is of another
kind (Google, Groq, Bedrock …), and those that run in the process, such as ``TestModel``.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from pydantic_ai.models import Model

from harness.adapters.exchange import Doorway
from harness.adapters.official import passes
from harness.adapters.pydantic_ai.tools import acting_as

_CLIENTS: Final = frozenset({"AsyncOpenAI", "AsyncAnthropic"})
"""The classes of the clients that an app can wrap."""
_PATHS: Final = {
    "AnthropicModel": "anthropic:messages",
    "OpenAIChatModel": "openai:chat/completions",
    "OpenAIResponsesModel": "openai:responses",
}


class Clients:
    """The wrapped clients of an app, by the clients that providers have made."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._made: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()
        self._kinds: dict[type, Any] = {}

    def passing(self, client: Any) -> Any:
        """Give a client with its requests passing the door; anew where its provider has given it another transport."""
        inner = client._client
        made = self._made.get(client)
        if made is None or made[0] is not inner:
            made = self._made[client] = inner, client if passes(client) else self._doorway.wrap(client)
        return made[1]

    def provider(self, provider: Any) -> Any:
        """Give a provider that is the same but for the client it hands out; both share what they know."""
        kind = type(provider)
        self.passing(provider.client)
        if kind not in self._kinds:
            self._kinds[kind] = self._provider_class(kind)
        passing_provider = object.__new__(self._kinds[kind])
        passing_provider.__dict__ = provider.__dict__
        return passing_provider

    def _provider_class(self, kind: Any) -> Any:
        clients = self

        class Passing(_Passing, kind):
            @property
            def client(self) -> Any:
                return clients.passing(super().client)

        return _named(Passing, kind)


class _Passing:
    """Marks providers that hand out wrapped clients."""


def passing(model: Any, clients: Clients) -> Any:
    """Give a model with its requests passing the door; None where nothing inside of it can be wrapped."""
    held = getattr(model, "models", None) or ()
    if held:  # a FallbackModel
        within = [passing(one, clients) or one for one in held]
        return _changed(model, models=within) if any(a is not b for a, b in zip(within, held, strict=True)) else None
    wrapped = model.__dict__.get("wrapped")
    if isinstance(wrapped, Model):
        inner = passing(wrapped, clients)
        return None if inner is None else _changed(model, wrapped=inner)
    provider = model.__dict__.get("_provider")
    if isinstance(provider, _Passing):
        return _changed(model)
    return _changed(model, _provider=clients.provider(provider)) if mediated(model) else None


def borrowed(model: Any, agent: Any) -> Any:
    """Give a model that an agent asks, and whose lifetime is somebody else's: entering and leaving it does nothing."""
    vars(model)["harness_agent"] = agent
    kind: Any = type(model)
    model.__class__ = _borrowed_class(kind)
    return model


def mediated(model: Any) -> bool:
    """Tell whether the requests of a model pass the door."""
    held = getattr(model, "models", None) or ()
    if held:
        return all(mediated(one) for one in held)
    wrapped = model.__dict__.get("wrapped")
    if isinstance(wrapped, Model):
        return mediated(wrapped)
    client = getattr(model.__dict__.get("_provider"), "client", None)
    return not _CLIENTS.isdisjoint(kind.__name__ for kind in type(client).__mro__)


def paths_of(model: Any) -> list[str]:
    """Name what the requests of a model are calls of: a path for a model that passes the door, else its own name."""
    held = getattr(model, "models", None) or ()
    if held:
        return [path for one in held for path in paths_of(one)]
    wrapped = model.__dict__.get("wrapped")
    if isinstance(wrapped, Model):
        return paths_of(wrapped)
    found = next((_PATHS[kind.__name__] for kind in type(model).__mro__ if kind.__name__ in _PATHS), None)
    return [found if found and mediated(model) else f"{model.system}:{model.model_name}"]


def _changed(model: Any, **fields: Any) -> Any:
    """Give a copy of a model with other fields."""
    changed = copy.copy(model)
    vars(changed).update(fields)
    return changed


@cache
def _borrowed_class(kind: Any) -> Any:
    class Borrowed(kind):
        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *error: object) -> None:
            return None

        async def request(self, *args: Any, **options: Any) -> Any:
            with acting_as(self.harness_agent):
                return await super().request(*args, **options)

        @asynccontextmanager
        async def request_stream(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
            async with AsyncExitStack() as stack:
                with acting_as(self.harness_agent):
                    stream = await stack.enter_async_context(super().request_stream(*args, **options))
                yield stream

        async def count_tokens(self, *args: Any, **options: Any) -> Any:
            with acting_as(self.harness_agent):
                return await super().count_tokens(*args, **options)

    return _named(Borrowed, kind)


def _named(made: type, kind: type) -> type:
    made.__name__, made.__qualname__, made.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return made
