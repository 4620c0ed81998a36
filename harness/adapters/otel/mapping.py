"""How a trace maps to GenAI spans: the one place that knows OpenTelemetry's names.

Pinned to the semantic conventions 1.41.1, which carry the GenAI conventions as their own; those of 1.44 mark them as
moved to another repository. A change of this table is a new ``MAPPING``. What the conventions have no name for stands
under ``harness.``.

A run is one span (``invoke_agent``), each action a span below it: ``chat`` of a model, ``execute_tool`` of a tool.
Verdicts, decisions, routes, states and notes are events of the span they are about. Identifiers are taken from the
trace's digest, so the same trace gives the same bytes and a span names the trace it came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from harness.trace.chat import bodies_of
from harness.trace.event import ACTS, Event

MAPPING: Final = 1
CONVENTIONS: Final = "1.41.1"
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{CONVENTIONS}"
SCOPE: Final = "harness"

INTERNAL: Final = 1
CLIENT: Final = 3
ERROR: Final = 2

CHAT: Final = "chat"
TOOL: Final = "execute_tool"
AGENT: Final = "invoke_agent"
ESCALATE: Final = "escalate"  # a word of ours, as the conventions allow where none of theirs applies

_OPERATIONS: Final = {
    "chat/completions": CHAT,
    "responses": CHAT,
    "messages": CHAT,
    "completions": "text_completion",
    "embeddings": "embeddings",
}
_API: Final = {"chat/completions": "chat_completions", "responses": "responses"}

# what a request says, and the attribute it becomes; of several names of one thing the first that is there
_REQUEST: Final = {
    "gen_ai.request.model": ("model",),
    "gen_ai.request.max_tokens": ("max_tokens", "max_completion_tokens", "max_output_tokens"),
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p",),
    "gen_ai.request.frequency_penalty": ("frequency_penalty",),
    "gen_ai.request.presence_penalty": ("presence_penalty",),
    "gen_ai.request.seed": ("seed",),
    "gen_ai.request.stream": ("stream",),
    "openai.request.service_tier": ("service_tier",),
}
_DOUBLES: Final = frozenset(
    f"gen_ai.request.{name}" for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty")
)

# what of an event's body is said without --content: names, numbers of events and kinds of decision, never what an
# agent, a person or a tool said
OPEN: Final[dict[str, tuple[str, ...]]] = {
    "verdict": ("action", "rule", "verdict", "severity", "would", "evidence"),
    "decision": ("action", "decision", "rule", "retryable"),
    "route": ("action", "after", "does", "goal", "tool", "path", "cost", "until", "served", "undo"),
    "state": ("machine", "name"),
    "note": ("artifact",),
    "message": (),
}


class Answer(NamedTuple):
    """What a model's answer says of itself."""

    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    service_tier: str | None = None
    fingerprint: str | None = None


def trace_id(digest: str) -> str:
    """Give the 16 bytes that name a trace: the first of its digest."""
    return digest[:32]


def span_id(digest: str, seq: int = -1) -> str:
    """Give the 8 bytes that name the span of action ``seq``, or of the run (-1)."""
    return hashlib.sha256(f"{digest}:{seq}".encode()).hexdigest()[:16]


def provider_of(tool: str) -> str | None:
    """Give the provider in a model's name: ``openai`` of ``openai:chat/completions``."""
    provider, colon, _ = tool.partition(":")
    return provider if colon else None


def operation_of(surface: str, tool: str) -> str:
    """Give the name of the operation that an action is; what agents do to each other they do by tools."""
    if surface in ACTS:
        return TOOL
    if surface == "escalation":
        return ESCALATE
    path = tool.partition(":")[2]
    return _OPERATIONS.get(path, path or tool)


def request_attributes(tool: str, request: Mapping[str, Any], base_url: Any) -> dict[str, Any]:
    """Give the attributes of a model's request; what has not the type of the conventions is left out."""
    found: dict[str, Any] = {"openai.api.type": _API.get(tool.partition(":")[2])}
    for attribute, names in _REQUEST.items():
        said = next((request[name] for name in names if request.get(name) is not None), None)
        if isinstance(said, str | int | float):
            found[attribute] = float(said) if attribute in _DOUBLES and type(said) is int else said
    stop = request.get("stop")
    if stop:
        found["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if request.get("n") not in (None, 1):
        found["gen_ai.request.choice.count"] = request["n"]
    return found | _server(base_url)


def answer_attributes(answer: Answer) -> dict[str, Any]:
    """Give the attributes of a model's answer."""
    return {
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": answer.model,
        "gen_ai.response.finish_reasons": answer.finish_reasons or None,
        "gen_ai.usage.input_tokens": answer.input_tokens,
        "gen_ai.usage.output_tokens": answer.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": answer.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": answer.reasoning_tokens,
        "openai.response.service_tier": answer.service_tier,
        "openai.response.system_fingerprint": answer.fingerprint,
    }


def read_answer(response: Any) -> Answer:
    """Read a recorded HTTP response, of Chat Completions, Responses or Messages, streamed or whole. O(size)."""
    answer = Answer()
    for body in bodies_of(response):
        said = body.get("response", body.get("message", body))
        if isinstance(said, dict):
            answer = _with(answer, said)
    return answer


def event_attributes(event: Event) -> dict[str, Any]:
    """Give the attributes of an event that say nothing of its content."""
    body, kind = event.body, event.kind
    found = {f"harness.{kind}.{name}": body[name] for name in OPEN[kind] if name in body}
    return found | {"harness.seq": event.seq, "harness.task": event.task, "gen_ai.agent.name": event.agent}


def error_type(error: Mapping[str, Any]) -> str:
    """Give the class of an error: its HTTP status where it has one, else the type it was recorded with."""
    response = error.get("response")
    status = response.get("status") if isinstance(response, dict) else None
    return str(status or error.get("type") or "_OTHER")


def _with(answer: Answer, said: dict[str, Any]) -> Answer:
    """Add what one body, or one event of a stream, says."""
    usage = said.get("usage") if isinstance(said.get("usage"), dict) else {}
    choices = said["choices"] if isinstance(said.get("choices"), list) else []
    reasons = [_word(choice, "finish_reason") for choice in choices if isinstance(choice, dict)]
    if said.get("object") == "response":
        reasons = [_word(said, "status")]
    for part in (said, said.get("delta")):
        if isinstance(part, dict) and "stop_reason" in part:  # Anthropic's, whole and streamed
            reasons = [_word(part, "stop_reason")]
    new = Answer(
        id=_word(said, "id"),
        model=_word(said, "model"),
        finish_reasons=tuple(filter(None, reasons)),
        input_tokens=_tokens(usage, "prompt_tokens", "input_tokens"),
        output_tokens=_tokens(usage, "completion_tokens", "output_tokens"),
        cached_tokens=_detail(usage, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens"),
        reasoning_tokens=_detail(usage, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens"),
        service_tier=_word(said, "service_tier"),
        fingerprint=_word(said, "system_fingerprint"),
    )
    kept = {name: value for name, value in new._asdict().items() if value not in (None, ())}
    return answer._replace(**kept)


def _word(said: dict[str, Any], name: str) -> str | None:
    return said[name] if isinstance(said.get(name), str) else None


def _tokens(usage: Any, *names: str) -> int | None:
    return next((usage[name] for name in names if type(usage.get(name)) is int), None)


def _detail(usage: Any, groups: tuple[str, ...], name: str) -> int | None:
    return next((_tokens(usage[group], name) for group in groups if isinstance(usage.get(group), dict)), None)


def _server(base_url: Any) -> dict[str, Any]:
    """Give the address of the model's server from the client's base URL, where the trace has one that is a URL."""
    try:
        url = urlsplit(base_url) if isinstance(base_url, str) else None
        port = url.port if url else None
    except ValueError:
        return {}
    if url is None or not url.hostname:
        return {}
    return {"server.address": url.hostname, "server.port": port or (80 if url.scheme == "http" else 443)}
