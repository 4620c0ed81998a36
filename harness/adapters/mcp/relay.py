"""Between a client and a server of the Model Context Protocol: tool calls are judged, everything else passes as it is.

A relay knows messages and not how they travel. It works on the bytes of the protocol, whatever its version, and needs
no package of it. What is forwarded are the very bytes that were judged, unless a rule has rewritten them. What cannot
be read without doubt is answered with an error and goes no further: a call must not slip past because two readers
understand it differently.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from harness.adapters.mcp.messages import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    TIMED_OUT,
    Malformed,
    Narrow,
    declared,
    outcome_of,
    outcome_of_error,
    read_call,
    read_messages,
    refused_result,
    with_args,
)
from harness.determinism import canonical
from harness.errors import Halt, NotRecordable, Refused
from harness.run.drive import Run, acall
from harness.tool import ToolSpec
from harness.trace.error import describe
from harness.trace.outcome import Failed, Outcome, Unknown

CANCELLED: Final = "notifications/cancelled"

Send = Callable[[bytes], Awaitable[None]]
"""How a message reaches the other side; it raises nothing where that side is gone, which is told by ``lost``."""


class _Pending(NamedTuple):
    """A call of a tool that waits for its answer, and whether it has been sent (or will never be)."""

    message: dict[str, Any]
    line: bytes
    answer: asyncio.Future[tuple[dict[str, Any], bytes]]
    sent: asyncio.Event

    def with_error(self, code: int, reason: str) -> tuple[dict[str, Any], bytes]:
        """Give the answer that the call gets where the server gives none."""
        return {"error": {"code": code, "message": reason}}, error_line(self.message["id"], code, reason)


class Relay:
    """Pass the messages of one client and one server to each other; the calls of tools through the door of ``run``.

    ``unseen`` counts what passed without being judged, by method, ``server:`` before what the server asked for.
    """

    def __init__(
        self,
        run: Run,
        to_client: Send,
        to_server: Send,
        *,
        narrow: Narrow,
        prefix: str = "",
        tell: Callable[[str], None],
    ) -> None:
        self._run, self._to_client, self._to_server = run, to_client, to_server
        self._narrow, self._prefix, self._tell = narrow, prefix, tell
        self._known: dict[str, ToolSpec] = {}
        self._asked: dict[Any, str] = {}
        self._pending: dict[Any, _Pending] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self.unseen: Counter[str] = Counter()

    # --- from the client ---------------------------------------------------------------------------------------------

    async def from_client(self, line: bytes) -> None:
        """Take a line of the client; returns when what is in it was sent on, answered, or refused."""
        try:
            messages = read_messages(line)
        except Malformed as error:
            await self._answer_error(error.id, error.code, str(error))
            return
        for message, alone in messages:
            await self._from_client(message, alone)

    async def _from_client(self, message: dict[str, Any], line: bytes) -> None:
        method, key = message.get("method"), key_of(message)
        if method is not None and "id" in message and (key in self._pending or key in self._asked):
            await self._answer_error(message["id"], INVALID_REQUEST, "another request with this id is under way")
        elif method == "tools/call":
            await self._begin(message, line)
        else:
            self.unseen[method or "answer"] += 1
            if method is not None and "id" in message:
                self._asked[key] = method
            if method == CANCELLED:
                self._cancelled(message)
            await self._to_server(line)

    async def _begin(self, message: dict[str, Any], line: bytes) -> None:
        pending = _Pending(message, line, asyncio.get_running_loop().create_future(), asyncio.Event())
        self._pending[key_of(message)] = pending
        task = asyncio.create_task(self._call(pending))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        await pending.sent.wait()  # the server gets what comes next after what came first

    async def _call(self, pending: _Pending) -> None:
        try:
            answer = await self._answered(pending)
        except Halt as halted:  # what cannot be recorded is not sent; neither is anything after it
            answer = error_line(pending.message["id"], INTERNAL_ERROR, str(halted.error))
        except Exception as error:  # noqa: BLE001 - whatever it is, a client must not wait for an answer for ever
            answer = error_line(pending.message["id"], INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        finally:
            pending.sent.set()
            self._pending.pop(key_of(pending.message), None)
        if answer is not None:
            await self._to_client(answer)

    async def _answered(self, pending: _Pending) -> bytes | None:
        """Bring a call through the door and give what the client is to get; None where it has cancelled the call."""
        number, answers = pending.message["id"], list[bytes]()

        async def perform(rewritten: dict[str, Any] | None) -> Outcome:
            said, answer = await self._exchanged(pending, rewritten, wanted.spec)
            answers.append(answer)
            try:
                return _outcome(said)
            except NotRecordable as error:
                answers[0] = error_line(number, INTERNAL_ERROR, f"a trace cannot hold the result of this call: {error}")
                return Failed(describe(error))

        try:
            params = pending.message["params"]
            wanted = read_call("tools/call", params, self._known, self._narrow, self._prefix)
            await acall(self._run, wanted, perform)
        except Refused as refused:
            return _encoded({"jsonrpc": "2.0", "id": number, "result": refused_result(refused, wanted.spec)})
        except NotRecordable as error:
            code, whose = (INTERNAL_ERROR, "the result") if answers else (INVALID_PARAMS, "the arguments")
            return error_line(number, code, f"a trace cannot hold {whose} of this call: {error}")
        except asyncio.CancelledError:
            if pending.answer.cancelled():
                return None
            raise
        return answers[0]

    async def _exchanged(
        self, pending: _Pending, rewritten: dict[str, Any] | None, spec: ToolSpec
    ) -> tuple[dict[str, Any], bytes]:
        """Send a call and give what comes back, or after the tool's own time limit that nothing did."""
        if pending.answer.cancelled():
            raise asyncio.CancelledError
        line = pending.line if rewritten is None else _encoded(with_args(pending.message, rewritten))
        await self._to_server(line)
        pending.sent.set()
        limit_ms = spec.timeout_ms
        try:
            async with asyncio.timeout(None if limit_ms is None else limit_ms / 1000):
                return await asyncio.shield(pending.answer)
        except TimeoutError:
            gone = {"requestId": pending.message["id"], "reason": f"no answer in {limit_ms} ms"}
            await self._to_server(_encoded({"jsonrpc": "2.0", "method": CANCELLED, "params": gone}))
            return pending.with_error(TIMED_OUT, f"{spec.name} gave no answer in {limit_ms} ms")

    def _cancelled(self, message: dict[str, Any]) -> None:
        params = message.get("params")
        key = numbered(params.get("requestId")) if isinstance(params, dict) else None
        self._asked.pop(key, None)
        if key in self._pending:
            self._pending[key].answer.cancel()

    # --- from the server ---------------------------------------------------------------------------------------------

    async def from_server(self, line: bytes) -> None:
        """Take a line of the server: an answer to a call that waits, or what passes on to the client."""
        try:
            messages = read_messages(line)
        except Malformed as error:
            self._tell(f"what the server said was not passed on: {error}")
            return
        for message, alone in messages:
            if "method" in message:
                self.unseen[f"server:{message['method']}"] += 1
                await self._to_client(alone)
            else:
                await self._answer(message, alone)

    async def _answer(self, message: dict[str, Any], line: bytes) -> None:
        key = key_of(message)
        pending = self._pending.get(key)
        if pending is not None and pending.sent.is_set() and not pending.answer.done():
            pending.answer.set_result((message, line))
            return
        method = self._asked.pop(key, None)
        if method is None and message.get("id") is not None:
            self._tell("an answer of the server was not passed on: nobody waits for it")
            return
        if method == "tools/list" and isinstance(result := message.get("result"), dict):
            listed = result.get("tools")
            self._known.update(declared(listed if isinstance(listed, list) else (), self._prefix))
        await self._to_client(line)

    # --- the end -----------------------------------------------------------------------------------------------------

    async def lost(self, reason: str) -> None:
        """Answer every call under way with an error: the server is gone, and nobody knows what became of them."""
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_result(pending.with_error(CONNECTION_CLOSED, reason))
        await self.settled()

    async def settled(self) -> None:
        """Wait until every call under way has been answered."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def _answer_error(self, number: Any, code: int, message: str) -> None:
        self._tell(f"refused what the client said: {message}")
        await self._to_client(error_line(number, code, message))


def _outcome(said: dict[str, Any]) -> Outcome:
    error = said.get("error")
    if error is None:
        result = said.get("result")
        return outcome_of(result if isinstance(result, dict) else {"$result": result})
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return Unknown("the server's error is none of JSON-RPC")
    return outcome_of_error(error["code"], str(error.get("message")), error.get("data"))


def key_of(message: Mapping[str, Any]) -> Any:
    """Give what tells the requests of one side apart."""
    return numbered(message.get("id"))


def numbered(number: Any) -> Any:
    """Give what tells an id from others."""
    return type(number).__name__, number  # "1" and 1 are two ids


def _encoded(message: dict[str, Any]) -> bytes:
    return canonical.encode_as_is(message)


def error_line(number: Any, code: int, message: str) -> bytes:
    """Write an error as the answer to a request."""
    return _encoded({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}})
