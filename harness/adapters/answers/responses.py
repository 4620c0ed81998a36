"""The Responses API: an answer is a list of ``output`` items, a call one of them.

Calls are function calls, calls of custom tools, and whatever else has a ``call_id`` and no output beside it: shell and
computer calls, which the client carries out. What the server runs itself (web search, code, hosted MCP) has no result
to wait for and is not judged. Of a call that is neither a function's nor a custom tool's no refusal can be said to the
model, so it is told to the client only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.adapters.answers.asked import (
    Asked,
    Owed,
    Result,
    Ruling,
    Rulings,
    added,
    arguments,
    as_result,
    data_of,
    objects,
    plain_text,
    relaxed,
    result,
)
from harness.adapters.answers.responses_items import FIELDS, NOTE, changed_item, is_call, note_item
from harness.adapters.answers.responses_stream import ResponsesVoice

Body = dict[str, Any]

_OF_ITEM: Final = frozenset({"id", "type", "status", "call_id", "name", "namespace", "created_by"})


class Responses:
    """Read and write the bodies of the Responses API."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        for tool in objects(request.get("tools")):
            name = tool.get("name")
            if tool.get("type") in ("function", "custom") and isinstance(name, str):
                yield name, tool.get("parameters")

    def results(self, request: Body) -> Iterator[Result]:
        for item in objects(request.get("input")):
            if _is_result(item):
                yield result(item.get("call_id"), item.get("output"))

    def remembers(self, request: Body) -> bool:
        return bool(request.get("previous_response_id") or _conversation(request))

    def amended(self, request: Body, texts: Mapping[int, str], owed: Mapping[str, Owed]) -> Body:
        items = [_without_note_id(item) for item in _list(request.get("input"))]
        places = [place for place, item in enumerate(items) if isinstance(item, dict) and _is_result(item)]
        for number, text in texts.items():
            items[places[number]] = {**items[places[number]], "output": text}
        if items != _list(request.get("input")):
            request = {**request, "input": items}
        debt = owed.get(request.get("previous_response_id") or _conversation(request))
        if debt is None:
            return request
        if debt.outputs:
            request = {**request, "input": [*debt.outputs, *_items(request)]}
        return {**request, "previous_response_id": debt.kept} if request.get("previous_response_id") else request

    def calls(self, body: Body) -> list[Asked]:
        output = _list(body.get("output"))
        return [_asked((0, place), item) for place, item in enumerate(output) if is_call(item, output)]

    def changed(self, body: Body, rulings: Rulings, *, tell: bool) -> Body:
        output = [
            changed_item(item, rulings, (0, place))
            for place, item in enumerate(_list(body.get("output")))
            if not rulings.refused((0, place))
        ]
        if tell and (text := rulings.told()):
            output.append(note_item(str(body.get("id", "")), text))
        return {**body, "output": output}

    def joined(self, before: Body, after: Body) -> Body:
        output = [*_list(before.get("output")), *_list(after.get("output"))]
        return {**after, "output": output, "usage": added(before.get("usage"), after.get("usage"))}

    def again(self, request: Body, body: Body, rulings: Sequence[Ruling]) -> Body | None:
        output = _list(body.get("output"))
        told = [_output(output[ruling.asked.place[1]], ruling) for ruling in rulings]
        if None in told:
            return None
        said = [] if _conversation(request) else [*_items(request), *output]
        return relaxed({**request, "input": [*said, *told]}, "auto")

    def owed(self, request: Body, shown: Body, body: Body, rulings: Sequence[Ruling]) -> Owed | None:
        output = _list(body.get("output"))
        told = [_output(output[one.asked.place[1]], one) for one in rulings if one.refused is not None]
        outputs = tuple(item for item in told if item is not None)
        if conversation := _conversation(request):
            return Owed(conversation, conversation, outputs, once=True) if outputs else None
        known, kept = str(shown.get("id", "")), str(body.get("id", ""))
        return Owed(known, kept, outputs) if outputs or known != kept else None

    def voice(self) -> ResponsesVoice:
        return ResponsesVoice()


def _asked(place: tuple[int, int], item: Body) -> Asked:
    call_id, kind = plain_text(item.get("call_id")), plain_text(item.get("type"))
    name = plain_text(item.get("name")) or kind.removesuffix("_call")
    if kind == "function_call":
        return Asked(place, call_id, name, arguments(item.get("arguments")))
    if kind == "custom_tool_call":
        return Asked(place, call_id, name, {"input": plain_text(item.get("input"))})
    return Asked(place, call_id, name, data_of({field: item[field] for field in item if field not in _OF_ITEM}))


def _output(item: Body, ruling: Ruling) -> Body | None:
    kind = str(item.get("type"))
    if kind not in FIELDS:
        return None
    return {"type": f"{kind}_output", "call_id": item.get("call_id"), "output": as_result(ruling)}


def _without_note_id(item: Any) -> Any:
    """Give an item without the id that no server has made."""
    if not isinstance(item, dict) or not str(item.get("id", "")).startswith(NOTE):
        return item
    return {name: value for name, value in item.items() if name != "id"}


def _items(request: Body) -> list[Any]:
    """Give the input of a request as a list of items."""
    said = request.get("input")
    return [{"role": "user", "content": said}] if isinstance(said, str) else _list(said)


def _conversation(request: Body) -> str:
    named = request.get("conversation")
    return str((named.get("id") if isinstance(named, dict) else named) or "")


def _is_result(item: Body) -> bool:
    return str(item.get("type", "")).endswith("_output") and "call_id" in item


def _list(items: Any) -> list[Any]:
    return items if isinstance(items, list) else []
