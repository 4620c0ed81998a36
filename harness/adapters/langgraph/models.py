"""Chat models of LangChain over the clients of OpenAI and Anthropic, which pass the door at their transport."""

from __future__ import annotations

from typing import Any, Final

from harness.adapters.exchange import Doorway
from harness.adapters.langgraph.parts import makes_models, parts_of
from harness.adapters.official import passes

_OPENAI: Final = (("root_client", "client"), ("root_async_client", "async_client"))
_ANTHROPIC: Final = ("_client", "_async_client")


def pass_model(model: Any, doorway: Doorway) -> bool:
    """Let the requests of a chat model pass the door from now on; False where it has no client that can."""
    if makes_models(model):
        _pass_made(model, doorway)
    elif _is_from("langchain_anthropic", model):
        for name in _ANTHROPIC:  # made when it is asked for, and kept under its name then
            client = getattr(model, name)
            vars(model)[name] = client if passes(client) else doorway.wrap(client)
    elif not _is_over_openai(model):
        return False
    else:
        for root, resource in _OPENAI:
            client = _root(model, root, resource)
            if client is not None and not passes(client):
                passing = doorway.wrap(client)
                setattr(model, root, passing)
                setattr(model, resource, passing.chat.completions)
    return True


def path_of(model: Any) -> str:
    """Name the calls of a model as the trace does, by the path of its requests; empty for one that cannot pass."""
    if _is_from("langchain_anthropic", model):
        return "anthropic:messages"
    if not makes_models(model) and not _is_over_openai(model):
        return ""
    return "openai:responses" if getattr(model, "use_responses_api", None) else "openai:chat/completions"


def _is_from(package: str, model: Any) -> bool:
    return any(kind.__module__.partition(".")[0] == package for kind in type(model).__mro__)


def _is_over_openai(model: Any) -> bool:
    return any(_root(model, *names) is not None for names in _OPENAI)


def _root(model: Any, root: str, resource: str) -> Any:
    """Give a client of a model: what it holds itself, or what the resource that it holds belongs to."""
    client = getattr(model, root, None) or getattr(getattr(model, resource, None), "_client", None)
    return client if client is not None and _is_from("openai", client) else None


def _pass_made(maker: Any, doorway: Doorway) -> None:
    """Let what makes models by name when they are called, and its like that it gives, make models that pass."""
    kind = type(maker)
    if hasattr(kind, "harness_door"):
        return

    class Passing(kind):  # type: ignore[misc,valid-type]
        harness_door = doorway

        def _model(self, config: Any = None) -> Any:
            model = super()._model(config)
            for one in parts_of(model).models:
                pass_model(one, doorway)
            return model

        def __getattr__(self, name: str) -> Any:
            found = super().__getattr__(name)
            if not callable(found):
                return found

            def queued(*args: Any, **options: Any) -> Any:
                given = found(*args, **options)
                if type(given) is kind:
                    given.__class__ = Passing
                return given

            return queued

        def with_config(self, *args: Any, **options: Any) -> Any:
            given = super().with_config(*args, **options)
            given.__class__ = Passing
            return given

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    maker.__class__ = Passing
