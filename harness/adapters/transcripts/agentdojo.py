"""Recorded runs of AgentDojo as traces.

A line of a file is one run: ``messages`` of the system, the user, the assistant and its tools. What came of it
(``utility``, ``security``), its tasks, its attack and the text that the attacker put into the data are labels.

AgentDojo shows a tool's answer to the model as text: YAML where the tool gave its models, Python's spelling where it
gave a dict. The text stays in the message; the outcome is the value again wherever that can be told for certain, so
that rules see fields. Free text stays text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from harness.adapters.transcripts.conversation import Conversation, Document, documents
from harness.adapters.transcripts.openai_chat import chat_events
from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.outcome import Failed, Ok, Outcome
from harness.trace.value import encode_value

_KEYS: Final = {
    "suite_name": str,
    "pipeline_name": str,
    "user_task_id": str,
    "utility": bool,
    "security": bool,
    "messages": list,
}
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")
_MARKED: Final = re.compile(r"<<(.*)>>", re.DOTALL)  # the marks of a defence around every answer


def conversations(path: Path) -> Iterator[Conversation]:
    """Yield the runs of a file; UsageError names the one that is not of this format."""
    return (_conversation(number, document) for number, document in enumerate(documents(path)))


def value_of(text: str) -> Any:
    """Give the value that AgentDojo shows as this text, or the text itself where it may be free text. O(text)."""
    marked = _MARKED.fullmatch(text)
    shown = marked.group(1) if marked else text
    if shown.startswith("{"):
        return _dict_of(shown)
    if shown.startswith(("- ", "'")) or _FIELD.match(shown):  # a first field such as 'on' is quoted
        try:
            value = yaml.load(shown, _Loader)  # noqa: S506 - a safe loader
        except (yaml.YAMLError, ValueError):
            return shown
        if _is_rendered(value):
            return value
    return shown


class _Loader(yaml.CSafeLoader):
    """Read times as the text they are."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _dict_of(shown: str) -> Any:
    try:
        value = ast.literal_eval(shown)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return shown
    return encode_value(value) if isinstance(value, dict) and str(value) == shown else shown


def _is_rendered(value: Any) -> bool:
    """Tell whether a YAML value is one of models or of names: fields are lower case, items alike."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _FIELD.fullmatch(key) for key in value)
    if not isinstance(value, list):
        return False
    return all(map(_is_rendered, value)) or all(isinstance(item, str) for item in value)


def _conversation(number: int, document: Document) -> Conversation:
    place, run = document
    for key, kind in _KEYS.items():
        if not isinstance(run, dict) or not isinstance(run.get(key), kind):
            cure = f"expected an object with {', '.join(_KEYS)}"
            raise UsageError(f"not a run of AgentDojo: {key} is missing or of another type", where=place, cure=cure)
    source = {"messages": canonical.digest_of(run["messages"]), "run": number}
    label = {key: value for key, value in run.items() if key not in ("messages", "evaluation_timestamp")}
    messages, outcomes = _messages(run["messages"], place)
    remaining = iter(outcomes)
    # a run that broke off before it began has no message
    events = chat_events(messages, place, lambda _: next(remaining)) if messages else ()
    return Conversation(f"run-{number:05d}", source, events, label)


def _messages(said: list[Any], place: str) -> tuple[list[dict[str, Any]], list[Outcome]]:
    """Give the messages as Chat Completions, and the outcomes of the tools in their order."""
    messages: list[dict[str, Any]] = []
    outcomes: list[Outcome] = []
    asked: list[tuple[str, Any]] = []
    used: set[str] = set()
    for number, message in enumerate(said):
        try:
            role, text = message["role"], _text(message["content"])
            if role == "assistant":
                calls = [_call(call, used) for call in message.get("tool_calls") or ()]
                asked = [(call["id"], call["function"]["name"]) for call in calls]
                messages.append({"role": role, "content": text, **({"tool_calls": calls} if calls else {})})
            elif role == "tool":
                call_id, name = asked.pop(0)
                messages.append({"role": role, "tool_call_id": call_id, "name": name, "content": text or ""})
                outcomes.append(_outcome(text or "", message["error"]))
            else:
                messages.append({"role": role, "content": text})
        except (KeyError, TypeError, AttributeError, IndexError):
            cure = "expected role, content and, of a tool, the error; an answer follows its call"
            raise UsageError("not a message of AgentDojo", where=f"{place}, message {number}", cure=cure) from None
    return messages, outcomes


def _call(call: dict[str, Any], used: set[str]) -> dict[str, Any]:
    """Give a tool call; an id that is missing or was used before is replaced by the call's number."""
    call_id = call.get("id")
    if not isinstance(call_id, str) or not call_id or call_id in used:
        call_id = f"call-{len(used)}"
    used.add(call_id)
    arguments = canonical.encode(call["args"]).decode()
    return {"id": call_id, "type": "function", "function": {"name": call["function"], "arguments": arguments}}


def _outcome(text: str, error: str | None) -> Outcome:
    if error is None:
        return Ok(value_of(text))
    kind, _, message = error.partition(": ")
    return Failed({"type": kind, "message": message or error})


def _text(content: Any) -> str | None:
    """Give a message's text; newer runs keep it in blocks."""
    if content is None or isinstance(content, str):
        return content
    return "\n".join(block["content"] or "" for block in content)
