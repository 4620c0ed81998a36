"""Libraries that record a tool call and check nothing; each is measured only where it is installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, NamedTuple

Tool = Callable[..., Any]
Loop = Callable[[int], None]


class Peer(NamedTuple):
    """One library: its distribution, what of it is timed, and how a loop over it is opened."""

    name: str
    package: str
    does: str
    opened: Callable[[Tool, dict[str, Any]], AbstractContextManager[Loop]]


@contextmanager
def _openai_agents(tool: Tool, arguments: dict[str, Any]) -> Iterator[Loop]:
    from agents import set_trace_processors
    from agents.tracing import Span, Trace, TracingProcessor, function_span, trace

    class Kept(TracingProcessor):
        def __init__(self) -> None:
            self.spans: list[Any] = []

        def on_trace_start(self, trace: Trace) -> None: ...
        def on_trace_end(self, trace: Trace) -> None: ...
        def on_span_start(self, span: Span[Any]) -> None: ...
        def shutdown(self) -> None: ...
        def force_flush(self) -> None: ...
        def on_span_end(self, span: Span[Any]) -> None:
            self.spans.append(span.export())

    def loop(calls: int) -> None:
        for _ in range(calls):
            with function_span(tool.__name__, input=json.dumps(arguments)) as span:
                span.span_data.output = tool(**arguments)

    set_trace_processors([Kept()])
    with trace("speed"):
        yield loop
    set_trace_processors([])


@contextmanager
def _inspect(tool: Tool, arguments: dict[str, Any]) -> Iterator[Loop]:
    from inspect_ai.log import transcript

    def loop(calls: int) -> None:
        said = transcript()
        for _ in range(calls):
            said.info({"tool": tool.__name__, "args": arguments}, source="intent")
            said.info({"ok": tool(**arguments)}, source="outcome")

    yield loop


@contextmanager
def _otel(tool: Tool, arguments: dict[str, Any]) -> Iterator[Loop]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    tracer = provider.get_tracer("speed")

    def loop(calls: int) -> None:
        for _ in range(calls):
            intent = {"tool": tool.__name__, "args": json.dumps(arguments)}
            with tracer.start_as_current_span("intent", attributes=intent):
                result = tool(**arguments)
            with tracer.start_as_current_span("outcome", attributes={"ok": json.dumps(result)}):
                pass

    yield loop
    provider.shutdown()


PEERS: Final = (
    Peer("openai_agents", "openai-agents", "one function span, exported to a processor in memory", _openai_agents),
    Peer("inspect_ai", "inspect-ai", "two events (intent, outcome) in the transcript, in memory", _inspect),
    Peer("otel", "opentelemetry-sdk", "two spans (intent, outcome), simple processor, in-memory exporter", _otel),
)
