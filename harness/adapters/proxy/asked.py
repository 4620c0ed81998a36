"""What a request to a model says of the conversation that it belongs to.

The three dialects (Chat Completions, Responses, Anthropic's Messages) send the conversation so far, or name the answer
that they go on from, and bring the results of tools by the ids of their calls. Nothing here needs a package of theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson

from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.chat import text_of

_BROUGHT_BY_CLIENTS: Final = ("item_reference", "mcp_approval_response")


class Asked(NamedTuple):
    """What a request tells: the calls it answers, the response it goes on from, and its messages as digests.

    ``extends`` holds a pair for each place where the assistant speaks, the last first: the digest of all messages
    before, and that of what was said there. ``whole`` is the digest of all messages; empty where there are none.
    """

    answers: tuple[str, ...] = ()
    after: str = ""
    whole: str = ""
    extends: tuple[tuple[str, str], ...] = ()


def read_body(content: bytes) -> dict[str, Any]:
    """Read the body of a request that is to be judged; UsageError says why it cannot be read in one way only.

    Stricter than JSON asks for, because two readers of one text must not find two meanings in it: no key comes twice.
    """
    try:
        body = orjson.loads(content)
        if orjson.dumps(body) != content:  # what clients send comes out as it was; only else a slower look is needed
            body = canonical.decode_strictly(content.decode())
        canonical.encode(body)
    except (ValueError, TypeError, RecursionError, UsageError) as error:
        raise UsageError(f"the body is not JSON that can be judged: {error}") from None
    if not isinstance(body, dict):
        raise UsageError(f"the body is a JSON {type(body).__name__}, not an object")
    return body


def read_asked(body: dict[str, Any]) -> Asked:
    """Read what a request says of its conversation. O(size)."""
    said = _items(body)
    after = body.get("previous_response_id")
    hashed, extends = hashlib.sha256(), list[tuple[str, str]]()
    turn: list[dict[str, Any]] = []
    before, answers = "", list[str]()
    for item in said:
        if _is_assistants(item):
            before = before if turn else hashed.copy().hexdigest()
            turn.append(item)
            answers = []
        else:
            if turn:
                extends.append((before, _spoken(turn)))
                turn = []
            answers += _answered(item)
        hashed.update(canonical.encode(item) + b"\n")
    if turn:
        extends.append((before, _spoken(turn)))
    whole = hashed.hexdigest() if said else ""
    return Asked(tuple(answers), after if isinstance(after, str) else "", whole, tuple(reversed(extends)))


def digest_of_speech(text: str, calls: Iterable[str]) -> str:
    """Give the digest of what an assistant has said and which calls it has asked for."""
    return canonical.digest_of([text, *calls])


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    said = body.get("messages", body.get("input"))
    if isinstance(said, str):
        return [{"content": said, "role": "user"}]
    return [item for item in said if isinstance(item, dict)] if isinstance(said, list) else []


def _is_assistants(item: dict[str, Any]) -> bool:
    role = item.get("role")
    if role is not None:
        return bool(role == "assistant")
    kind = str(item.get("type"))
    return not kind.endswith("_output") and kind not in _BROUGHT_BY_CLIENTS


def _answered(item: dict[str, Any]) -> Iterator[str]:
    """Yield the ids of the calls that a message brings the results of."""
    blocks = item.get("content")
    named = [item.get("tool_call_id"), item.get("call_id")]
    named += [block.get("tool_use_id") for block in _objects(blocks)]
    yield from (one for one in named if isinstance(one, str))


def _spoken(turn: list[dict[str, Any]]) -> str:
    text, calls = "", list[str]()
    for item in turn:
        text += text_of(item.get("content"))
        asked_for = [item.get("call_id")]
        asked_for += [call.get("id") for call in _objects(item.get("tool_calls"))]
        asked_for += [block.get("id") for block in _objects(item.get("content")) if block.get("type") == "tool_use"]
        calls += [one for one in asked_for if isinstance(one, str)]
    return digest_of_speech(text, calls)


def _objects(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
