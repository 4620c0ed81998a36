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


class _Known(NamedTuple):
    """A request as rules were told of it: its options, and the messages from ``start`` on, which were new.

    ``refused`` says that it was not sent, so that they are new still.
    """

    options: dict[str, Any] | None
    start: int
    messages: list[Any]
    refused: bool = False


class Requests:
    """Know of the requests of one session what rules have to, and a trace does not repeat.

    A trace keeps of a request what differs from an earlier one, be it refused or sent. To rules each has its options,
    and its new messages are those that no request before has sent: what was refused is new when it is asked again.
    """

    def __init__(self) -> None:
        self._recent: OrderedDict[int, _Known] = OrderedDict()
        self._open: set[int] = set()

    def told(self, event: Event) -> Event:
        """Give the action of a model as rules are to see it. O(messages), but where nothing is added O(1).

        To be called once for each, in their order.
        """
        args = event.body["args"]
        options, messages, start = args.get("options"), args.get("messages") or [], args.get("keep", 0)
        before = self._recent.get(args.get("after", -1))
        more: dict[str, Any] = {}
        if before is not None and options is None and before.options is not None:
            options = more["options"] = before.options
        if before is not None and before.refused and before.start < start:
            messages = more["messages"] = before.messages[: start - before.start] + messages
            start = before.start
        self._open.add(event.seq)
        self._recent[event.seq] = _Known(options, start, messages)
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return event._replace(body=event.body | {"args": args | more}) if more else event

    def answered(self, action: int) -> None:
        """Take note that a call has an outcome: whatever becomes of that, the request was sent."""
        self._open.discard(action)

    def refused(self, action: int) -> None:
        """Take note that a call was refused; nothing changes where it was no request, or had its outcome."""
        if action in self._open:
            self._open.discard(action)
            if action in self._recent:
                self._recent[action] = self._recent[action]._replace(refused=True)


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
