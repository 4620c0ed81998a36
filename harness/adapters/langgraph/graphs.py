"""Graphs of LangGraph that act under their own names, and say which of their surfaces pass the door."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import Any, ClassVar, Final

from harness.adapters.exchange import Doorway
from harness.determinism.address import acting
from harness.trace.covered import Covered

_UNNAMED: Final = "LangGraph"
_END: Final = object()


def pass_graph(graph: Any, doorway: Doorway, surfaces: Iterable[Covered] = ()) -> None:
    """Let a graph act under the name it was given, if it has one; ``surfaces`` are told to each run it is used in."""
    if not hasattr(graph, "harness_door") and (graph.name != _UNNAMED or surfaces):
        graph.__class__ = _graph_class(type(graph), doorway, tuple(surfaces))


def _graph_class(kind: Any, doorway: Doorway, surfaces: tuple[Covered, ...]) -> type:
    """Give the class of a wrapped graph: ``kind``, but for whom it acts as. All its ways to run go by these two."""

    class Passing(kind):  # type: ignore[misc]
        harness_door: ClassVar[Any] = doorway

        def stream(self, *args: Any, **options: Any) -> Any:
            doorway.covers("langgraph", surfaces)
            return _acted(super().stream(*args, **options), self.name)

        def astream(self, *args: Any, **options: Any) -> Any:
            doorway.covers("langgraph", surfaces)
            return _aacted(super().astream(*args, **options), self.name)

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


def _acted(chunks: Generator[Any, None, None], name: str) -> Generator[Any, None, None]:
    """Hand on what a graph streams; what it does for each piece is done under its name."""
    try:
        while True:
            token = acting.set(_as(name))
            try:
                chunk = next(chunks, _END)
            finally:
                acting.reset(token)
            if chunk is _END:
                return
            yield chunk
    finally:
        chunks.close()


async def _aacted(chunks: AsyncGenerator[Any, None], name: str) -> AsyncGenerator[Any, None]:
    """Do what ``_acted`` does for an asynchronous graph."""
    try:
        while True:
            token = acting.set(_as(name))
            try:
                chunk = await anext(chunks, _END)
            finally:
                acting.reset(token)
            if chunk is _END:
                return
            yield chunk
    finally:
        await chunks.aclose()


def _as(name: str) -> str:
    return acting.get() if name == _UNNAMED else name
