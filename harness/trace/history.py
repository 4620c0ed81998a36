"""Model requests as what is new in them.

A chat client sends the whole conversation again with each call. A trace keeps, for each call, the number of the
earlier call it continues (``after``), how many of that call's messages it keeps, and the messages that are new; the
rest of the request (model, tools, temperature …) is kept only where it differs. So a trace grows with what is new.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness.trace.event import Event

_RECENT: Final = 64  # conversations that one session may interleave before the oldest is written in full again


class _Request(NamedTuple):
    tool: str
    messages: list[dict[str, Any]]
    options: dict[str, Any]


class Histories:
    """Shorten the requests of one session, or restore them; both sides see the same calls in the same order."""

    def __init__(self) -> None:
        self._recent: OrderedDict[int, _Request] = OrderedDict()

    def shorten(self, tool: str, request: dict[str, Any], seq: int) -> dict[str, Any]:
        """Give the ``args`` of the action ``seq`` for a request. O(messages)."""
        now = _split(tool, request)
        after, keep = self._continued(now)
        args: dict[str, Any] = {"messages": now.messages[keep:]}
        if after is not None:
            args |= {"after": after, "keep": keep}
        if after is None or self._recent[after].options != now.options:
            args["options"] = now.options
        self._remember(seq, now)
        return args

    def forget(self, seq: int) -> None:
        """Take back that a request was shortened, because its call could not be written down."""
        self._recent.pop(seq, None)

    def restore(self, tool: str, args: dict[str, Any], seq: int) -> dict[str, Any]:
        """Give the request behind the ``args`` of the action ``seq``; KeyError where it continues an unknown call."""
        messages, options = args["messages"], args.get("options")
        if "after" in args:
            before = self._recent[args["after"]]
            messages = before.messages[: args["keep"]] + messages
            options = before.options if options is None else options
        whole = _Request(tool, messages, options or {})
        self._remember(seq, whole)
        return _join(whole)

    def _continued(self, now: _Request) -> tuple[int | None, int]:
        best, keep = None, 0
        for seq, before in reversed(self._recent.items()):
            if before.tool != now.tool:
                continue
            common = _common(before.messages, now.messages)
            if common > keep:
                best, keep = seq, common
            if common and common == len(before.messages):
                break  # a full continuation of the most recent call: nothing older can be a better choice
        return best, keep

    def _remember(self, seq: int, request: _Request) -> None:
        self._recent[seq] = request
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)


class Options:
    """Know the options of the requests of one session, which a trace keeps only where they differ from those before."""

    def __init__(self) -> None:
        self._recent: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def told(self, event: Event) -> Event:
        """Give the action of a model with its options, also where they are those of the call that it continues. O(1).

        To be called once for each, in their order. The messages stay those that are new.
        """
        args = event.body["args"]
        stated = args.get("options")
        options = self._recent.get(args.get("after")) if stated is None else stated
        if options is None:
            return event
        self._recent[event.seq] = options
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return event if stated is not None else event._replace(body=event.body | {"args": args | {"options": options}})


def _split(tool: str, request: dict[str, Any]) -> _Request:
    """Part a request into its messages (Chat Completions ``messages``, Responses ``input``) and everything else."""
    options = dict(request)
    for name in ("messages", "input"):
        said = options.get(name)
        if isinstance(said, list) and all(isinstance(item, dict) for item in said):
            del options[name]
            return _Request(tool, said, options | {"$list": name})
        if name == "input" and isinstance(said, str) and tool.endswith("responses"):
            del options[name]
            return _Request(tool, [{"content": said, "role": "user"}], options | {"$text": name})
    return _Request(tool, [], options)


def _join(request: _Request) -> dict[str, Any]:
    options = dict(request.options)
    if name := options.pop("$list", None):
        options[name] = request.messages
    elif name := options.pop("$text", None):
        options[name] = request.messages[0]["content"]
    return options


def _common(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> int:
    count = 0
    for one, other in zip(before, now, strict=False):
        if one != other:
            break
        count += 1
    return count


def restored(events: Iterable[Event]) -> Iterator[tuple[Event, tuple[str, dict[str, Any]]]]:
    """Yield every action with its tool and its whole arguments, a model's request restored."""
    histories = Histories()
    for event in events:
        if event.kind == "action":
            tool, args = event.body["tool"], event.body["args"]
            whole = histories.restore(tool, args, event.seq) if event.body["surface"] == "model" else args
            yield event, (tool, whole)
