"""What a span says was done: the GenAI conventions and OpenInference, each in the versions people run.

A span is a *step* (a call of a model or a tool), a *frame* that holds steps (an agent, a workflow, a turn), or neither
(a database, an HTTP request). The conventions are read in their present form (``gen_ai.input.messages``), in the older
one (``gen_ai.system``, numbered ``gen_ai.prompt.0.role``), and as Traceloop's older spans say it
(``traceloop.entity.input``).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from harness.adapters.otel.facts import Facts, arguments_of, as_data
from harness.adapters.otel.mapping import ESCALATE, TOOL
from harness.adapters.otel.messages import as_chat, text_of, tool_call
from harness.adapters.otel.read import Span
from harness.errors import UsageError
from harness.trace.outcome import Failed, Ok, Outcome

_MODEL: Final = frozenset(
    {"chat", "text_completion", "generate_content", "embeddings", "LLM", "EMBEDDING", "completion"}
)
_TOOL: Final = frozenset({TOOL, ESCALATE, "TOOL", "tool"})
_FRAME: Final = frozenset(
    {"invoke_agent", "create_agent", "invoke_workflow", "AGENT", "CHAIN", "agent", "workflow", "task"}
)
_PATHS: Final = {
    "chat": "chat/completions",
    "LLM": "chat/completions",
    "completion": "completions",
    "text_completion": "completions",
    "EMBEDDING": "embeddings",
}

NO_RESULT: Final = "result of a call, which was not recorded"


class Step(NamedTuple):
    """A call that a span tells of.

    ``args`` of a model are its whole request, ``calls`` the calls of tools that its answer asks for; ``outcome`` is
    None where the call never ended.
    """

    span: Span
    surface: str
    tool: str
    args: dict[str, Any]
    call_id: str | None
    outcome: Outcome | None
    calls: tuple[dict[str, Any], ...] = ()


class Reading(NamedTuple):
    """What was made of one span: a step, a frame's name (it may be empty), or neither; and what was left out."""

    step: Step | None
    frame: str | None
    lost: Counter[str]


def is_step(span: Span) -> bool:
    """Tell whether a span is a call of a model or a tool."""
    return _kind(Facts(span.attributes)) in _MODEL | _TOOL


def read_span(span: Span) -> Reading:
    """Say what a span tells; UsageError where its attributes are not what their names say. O(size)."""
    facts, lost = Facts(span.attributes), Counter[str]()
    kind = _kind(facts)
    facts.get("gen_ai.conversation.id", "session.id")  # of the whole trace
    agent = facts.text("gen_ai.agent.name", "agent.name", "gen_ai.workflow.name", "traceloop.workflow.name")
    step, frame = None, None
    try:
        if kind in _MODEL:
            step = _model(span, facts, kind, lost)
        elif kind in _TOOL:
            step = _tool(span, facts, lost)
        elif kind in _FRAME:
            frame = agent or ""
        else:
            lost["span that is no call of a model or a tool"] += 1
            return Reading(None, None, lost)
    except UsageError as error:
        raise UsageError(error.what, where=span.place, cure=error.cure) from None
    lost.update(f"attribute {name}" for name in facts.unread())
    lost.update(f"event {event.name}" for event in span.events if not _is_known(event.name))
    return Reading(step, frame, lost)


def _kind(facts: Facts) -> str | None:
    return facts.text("gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind", "llm.request.type")


def _is_known(event: str) -> bool:
    return event == "exception" or event.startswith("harness.")


def _tool(span: Span, facts: Facts, lost: Counter[str]) -> Step:
    name = facts.text("gen_ai.tool.name", "tool.name", "traceloop.entity.name") or span.name
    said = facts.get("gen_ai.tool.call.arguments", "input.value", "traceloop.entity.input")
    call_id = facts.text("gen_ai.tool.call.id", "tool_call.id", "tool.id")
    result = facts.get("gen_ai.tool.call.result", "output.value", "traceloop.entity.output")
    if said is None:
        lost["arguments of a call, which were not recorded"] += 1
    if result is None and span.end is not None and not span.failed:
        lost[NO_RESULT] += 1
    args = {} if said is None else arguments_of(said)
    return Step(span, "tool", name, args, call_id, _outcome(span, facts, _value(result)))


def _value(said: Any) -> Any:
    """Give a result as data where it is the text of a JSON object or list; other text is what the tool said."""
    if isinstance(said, str) and said.lstrip()[:1] in ("{", "["):
        value = as_data(said)
        return said if value is None else value
    return said


def _model(span: Span, facts: Facts, kind: str, lost: Counter[str]) -> Step:
    provider = facts.text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system") or "unknown"
    model = facts.text("gen_ai.request.model", "llm.model_name", "gen_ai.response.model", "embedding.model_name")
    asked, answered = _asked(facts), _answered(facts)
    if not asked:
        lost["messages of a request, which were not recorded"] += 1
    request: dict[str, Any] = {**_options(facts), "messages": asked}
    if model is not None:
        request["model"] = model
    path = "responses" if facts.get("openai.api.type") == "responses" else _PATHS.get(kind, kind)
    calls = tuple(call for message in answered for call in message.get("tool_calls", ()))
    answer = {"body": _body(facts, answered), "style": "compact"}
    outcome = _outcome(span, facts, None if span.failed else answer)
    return Step(span, "model", f"{provider}:{path}", request, None, outcome, calls)


def _options(facts: Facts) -> dict[str, Any]:
    said = facts.data("llm.invocation_parameters")
    options = {key: value for key, value in said.items() if key != "model"} if isinstance(said, dict) else {}
    for name in ("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty", "stream"):
        if (value := facts.get(f"gen_ai.request.{name}")) is not None:
            options[name] = value
    tools = facts.data("gen_ai.tool.definitions") or [
        tool for row in facts.rows("llm.tools") if (tool := as_data(str(row.get("tool.json_schema")))) is not None
    ]
    return {**options, "tools": tools} if tools else options


def _asked(facts: Facts) -> list[dict[str, Any]]:
    rows = [_inferred(row) for row in facts.rows("llm.input_messages")] or [
        _numbered(row) for row in facts.rows("gen_ai.prompt")
    ]
    found = [*_parts(facts, "gen_ai.system_instructions"), *_parts(facts, "gen_ai.input.messages")] or rows
    facts.get("input.value")  # the same once more, as one text
    return found


def _answered(facts: Facts) -> list[dict[str, Any]]:
    rows = [_inferred(row) for row in facts.rows("llm.output_messages")] or [
        _numbered(row) for row in facts.rows("gen_ai.completion")
    ]
    facts.get("output.value")
    return _parts(facts, "gen_ai.output.messages") or rows


def _parts(facts: Facts, name: str) -> list[dict[str, Any]]:
    said = facts.data(name)
    if said is None:
        return []
    if name == "gen_ai.system_instructions":
        said = [{"role": "system", "parts": said}]
    if not isinstance(said, list):
        raise UsageError(f"{name} is no list of messages but {text_of(said)[:80]!r}")
    return [message for one in said for message in as_chat(one)]


def _inferred(row: dict[str, Any]) -> dict[str, Any]:
    """Read a message of OpenInference, ``message.role`` and so on."""
    inner = Facts({name.removeprefix("message."): value for name, value in row.items()})
    calls = [
        tool_call(
            call.get("tool_call.id"),
            call.get("tool_call.function.name"),
            call.get("tool_call.function.arguments"),
        )
        for call in inner.rows("tool_calls")
    ]
    content = inner.get("content")
    if content is None:
        texts = [str(part.get("message_content.text", "")) for part in inner.rows("contents")]
        content = "".join(texts) if texts else None
    return _message(inner.text("role"), content, calls, inner.text("tool_call_id"))


def _numbered(row: dict[str, Any]) -> dict[str, Any]:
    """Read a message of the numbered attributes that the conventions and Traceloop used before."""
    inner = Facts(row)
    calls = [tool_call(c.get("id"), c.get("name"), c.get("arguments")) for c in inner.rows("tool_calls")]
    return _message(inner.text("role"), inner.get("content"), calls, inner.text("tool_call_id"))


def _message(role: str | None, content: Any, calls: list[dict[str, Any]], answers: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": role or "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    return message | ({"tool_call_id": answers} if answers else {})


def _body(facts: Facts, answered: list[dict[str, Any]]) -> dict[str, Any]:
    """Give an answer as Chat Completions has it, of what is known."""
    reasons = facts.get("gen_ai.response.finish_reasons", "llm.finish_reason") or ()
    reasons = [reasons] if isinstance(reasons, str) else list(reasons)
    choices = [
        {"index": number, "message": message, **({"finish_reason": reasons[number]} if number < len(reasons) else {})}
        for number, message in enumerate(answered)
    ]
    given = facts.number("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
    made = facts.number("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
    usage = {"prompt_tokens": given, "completion_tokens": made}
    if given is not None and made is not None:
        usage["total_tokens"] = given + made
    stated = {name: value for name, value in usage.items() if value is not None}
    body = {
        "id": facts.text("gen_ai.response.id"),
        "model": facts.text("gen_ai.response.model", "llm.model_name"),
        "system_fingerprint": facts.text("openai.response.system_fingerprint"),
        "usage": stated or None,
    }
    return {"choices": choices, **{name: value for name, value in body.items() if value is not None}}


def _outcome(span: Span, facts: Facts, value: Any) -> Outcome | None:
    if span.failed:
        thrown = next((event.attributes for event in span.events if event.name == "exception"), {})
        kind = facts.text("error.type") or thrown.get("exception.type") or "_OTHER"
        error = {"type": str(kind), "message": span.said or str(thrown.get("exception.message") or "")}
        return Failed(error if value is None else {**error, "result": value})  # what the agent was told instead
    if span.end is None:
        return None
    return Ok(value)
