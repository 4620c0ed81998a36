"""The items of a Responses answer: which of them are calls, and how they are spelled when rulings have changed them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.adapters.answers.asked import Place, Rulings, objects
from harness.determinism import canonical

Item = dict[str, Any]

NOTE: Final = "msg_harness_"  # how the ids of items begin that no server has made
FIELDS: Final = {"function_call": "arguments", "custom_tool_call": "input"}


def is_call(item: Any, beside: Sequence[Any] = ()) -> bool:
    """Tell whether an item is a call for the client to make: none whose output is an item ``beside`` it."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind in FIELDS:
        return True
    if not isinstance(kind, str) or not kind.endswith("_call") or not isinstance(item.get("call_id"), str):
        return False
    return not any(other.get("call_id") == item["call_id"] and other is not item for other in objects(list(beside)))


def changed_item(item: Any, rulings: Rulings, place: Place) -> Any:
    """Give an item with the arguments that rulings want it to have."""
    args = rulings.args(place)
    if args is None:
        return item
    field = FIELDS.get(item["type"])
    if field == "input":
        return {**item, "input": args.get("input")}
    return {**item, "arguments": rulings.text(place)} if field else {**item, **args}


def note_item(response: str, text: str) -> Item:
    """Give an item that tells what was refused."""
    name = NOTE + canonical.digest(f"{response} {text}".encode())[:24]
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": name, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def note_events(item: Item, index: int) -> list[Item]:
    """Give the events that bring such an item, as a server would."""
    part = item["content"][0]
    text = {"item_id": item["id"], "output_index": index, "content_index": 0}
    added = {**item, "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": added},
        {"type": "response.content_part.added", **text, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **text, "delta": part["text"], "logprobs": []},
        {"type": "response.output_text.done", **text, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **text, "part": part},
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]
