"""Conversations in the format of OpenAI's Chat Completions, as traces and back.

Every message is a ``message`` event with the whole message, so nothing is lost. A tool call of the assistant is an
``action`` besides, and the tool's message the ``observation`` that answers it; a call without an answer stays open.
Arguments that are no JSON object become ``{"$unparsed": TEXT}``: a rule about an argument finds none, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from harness.adapters.transcripts.conversation import Conversation, Document, documents
from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.chat import messages_in
from harness.trace.event import Event
from harness.trace.history import Histories
from harness.trace.outcome import Ok, Outcome, to_body
from harness.trace.value import encode_value

_ROLES: Final = ("system", "developer", "user", "assistant", "tool")


def conversations(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file: each element or line a list of messages, or ``{"messages": […], …}``.

    What else such an object says is kept as its label. A ``.json`` file may also be one list of messages.
    """
    for number, (place, value) in enumerate(_whole(documents(path))):
        label = dict(value) if isinstance(value, dict) else {}
        messages = label.pop("messages", None) if isinstance(value, dict) else value
        source = {"conversation": number, "messages": canonical.digest_of(messages)}
        yield Conversation(f"conversation-{number:06d}", source, chat_events(messages, place, Ok), label)


def chat_events(messages: Any, place: str, outcome_of: Callable[[Any], Outcome]) -> Iterator[Event]:
    """Yield the events of one conversation; ``outcome_of`` reads a tool message's content.

    UsageError names the message that is not one of this format. O(size).
    """
    if not isinstance(messages, list) or not messages:
        raise UsageError("expected a list of messages", where=place, cure='each is {"role": …, "content": …}')
    return _Talk(outcome_of).events(messages, place)


def conversation_of(events: Iterator[Event]) -> list[dict[str, Any]]:
    """Give the messages of a trace as they were said.

    Of an imported trace those are all its messages. A recorded run has none outside its model calls; then it is the
    conversation of its last model call, with the answer.
    """
    said: list[dict[str, Any]] = []
    last: list[dict[str, Any]] = []
    histories, open_call = Histories(), None
    for event in events:
        if event.kind == "message":
            said.append(event.body["message"])
        elif event.kind == "action" and event.body["surface"] == "model":
            request = histories.restore(event.body["tool"], event.body["args"], event.seq)
            last, open_call = request.get("messages", request.get("input", [])), event
        elif open_call is not None and event.body.get("action") == open_call.seq:
            last = last + [message.raw for message in messages_in(event, open_call)]
    return said or last


class _Talk:
    """Number the events of a conversation and match answers to calls."""

    def __init__(self, outcome_of: Callable[[Any], Outcome]) -> None:
        self._outcome_of = outcome_of
        self._seq = 0
        self._open: dict[str, int] = {}

    def events(self, messages: list[Any], place: str) -> Iterator[Event]:
        before: tuple[int, ...] = ()
        for number, message in enumerate(messages):
            where = f"{place}, message {number}"
            _check(message, where)
            said = self._event("message", before, {"message": message})
            before = (said.seq,)
            yield said
            if message["role"] == "tool":
                yield self._answer(message, where)
            for call in message.get("tool_calls") or ():
                yield self._action(call, said.seq, where)

    def _action(self, call: Any, message: int, where: str) -> Event:
        try:
            name, arguments, call_id = call["function"]["name"], call["function"]["arguments"], call["id"]
        except (KeyError, TypeError):
            raise UsageError("a tool call without id, function.name or function.arguments", where=where) from None
        if not isinstance(name, str) or not isinstance(call_id, str):
            raise UsageError("a tool call whose id or name is not text", where=where)
        body = {"surface": "tool", "tool": name, "args": _arguments(arguments), "id": call_id, "rules": []}
        event = self._event("action", (message,), body)
        self._open[call_id] = event.seq
        return event

    def _answer(self, message: dict[str, Any], where: str) -> Event:
        call_id = message.get("tool_call_id")
        action = self._open.pop(call_id, None) if isinstance(call_id, str) else None
        if action is None:
            raise UsageError(f"an answer to the tool call {call_id!r}, which is not open here", where=where)
        outcome = self._outcome_of(message.get("content"))
        return self._event("observation", (action,), {"action": action, **to_body(outcome)})

    def _event(self, kind: str, parents: tuple[int, ...], body: dict[str, Any]) -> Event:
        event = Event(self._seq, kind, "main", "0", parents, self._seq, body)  # type: ignore[arg-type]
        self._seq += 1
        return event


def _whole(found: Iterator[Document]) -> Iterator[Document]:
    """Give the documents, or the one conversation that a list of messages is."""
    first = next(found, None)
    if first is None:
        return
    if isinstance(first.value, dict) and "role" in first.value:
        yield Document(first.place.partition(": transcript")[0], [first.value, *(document.value for document in found)])
        return
    yield first
    yield from found


def _check(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise UsageError(f"a message is an object, not {type(message).__name__}", where=where)
    role = message.get("role")
    if role not in _ROLES:
        raise UsageError(f"unknown role {role!r}", where=where, cure=f"known roles: {', '.join(_ROLES)}")
    if message.get("function_call") is not None:
        raise UsageError("a function_call, the older form of tool calls", where=where, cure="convert it to tool_calls")
    calls = message.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise UsageError(f"tool_calls is {type(calls).__name__}, not a list", where=where)


def _arguments(text: Any) -> dict[str, Any]:
    try:
        arguments = canonical.decode(text.encode()) if isinstance(text, str) else None
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        return {"$unparsed": text}
    encoded: dict[str, Any] = encode_value(arguments)
    return encoded
