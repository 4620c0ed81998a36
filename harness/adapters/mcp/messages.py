"""What the messages of the Model Context Protocol mean at the door: declarations, outcomes and refusals, as JSON data.

Nothing here knows a transport or the ``mcp`` package, so that a wrapped client and the proxy say the same of the same
message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from harness.adapters.exchange import written
from harness.determinism import canonical
from harness.errors import NotRecordable, Refused
from harness.mediation.refusal import as_json, facts
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.outcome import Failed, Ok, Outcome, Unknown
from harness.trace.value import decode_value

REFUSED: Final = -32040
"""The JSON-RPC error code of a request other than a tool call that a rule has refused."""

CONNECTION_CLOSED: Final = -32000
TIMED_OUT: Final = -32001
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
LOST: Final = frozenset({CONNECTION_CLOSED, TIMED_OUT, 408})
"""Codes by which clients tell that no answer came: the connection closed, or the time was up (408 before mcp 2)."""

_KEYS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_PREFIX: Final = "mcp:"
_IS_ERROR: Final = "mcp:isError"
_ERROR: Final = "mcp:error"
_ASKED_FOR: Final = {"resources/read": ("uri",), "prompts/get": ("name", "arguments")}

Narrow = Callable[[ToolSpec], ToolSpec]
"""How the registry's word is put in the place of a server's."""


def declared(listed: Iterable[Any], prefix: str = "") -> dict[str, ToolSpec]:
    """Give the declarations of the tools in a server's list, by name; entries that name no tool are left out.

    ``readOnlyHint`` makes a tool a read, ``idempotentHint`` idempotent, ``destructiveHint`` gives it the impact
    ``destructive``; without a hint it is a write. Not verified: that a server tells the truth about its tools.
    """
    specs = (_declared(tool, prefix) for tool in listed if isinstance(tool, dict) and isinstance(tool.get("name"), str))
    return {spec.name: spec for spec in specs}


def _declared(tool: dict[str, Any], prefix: str) -> ToolSpec:
    said = tool.get("annotations")
    hints = said if isinstance(said, dict) else {}
    reads = hints.get("readOnlyHint") is True
    arguments, result = tool.get("inputSchema"), tool.get("outputSchema")
    return ToolSpec(
        prefix + tool["name"],
        effect="read" if reads else "write",
        idempotent=reads or hints.get("idempotentHint") is True,
        arguments=arguments if isinstance(arguments, dict) else None,
        result={"type": "object", "properties": {"structuredContent": result}} if isinstance(result, dict) else None,
        impact="destructive" if hints.get("destructiveHint") is True and not reads else None,
    )


def read_call(method: str, params: dict[str, Any], known: dict[str, ToolSpec], narrow: Narrow, prefix: str) -> Call:
    """Read a request as a call: of the tool itself, of ``resources/read`` or ``prompts/get``, or of the server.

    ``_meta`` is left out, and with it tokens that differ from run to run. NotRecordable for what is no JSON.
    """
    if method == "tools/call":
        name = prefix + params["name"]
        spec = narrow(known.get(name) or ToolSpec(name))
        return Call("tool", name, written(params.get("arguments") or {}), spec)
    if method in _ASKED_FOR:
        args = {name: params[name] for name in _ASKED_FOR[method] if name in params}
        spec = narrow(ToolSpec(prefix + method, effect="read", idempotent=True))
        return Call("tool", spec.name, written(args), spec)
    spec = ToolSpec(f"{_PREFIX}{prefix}{method}", effect="read", idempotent=True)
    return Call("server", spec.name, written({name: params[name] for name in params if name != "_meta"}), spec)


def with_args(message: dict[str, Any], args: dict[str, Any] | None) -> dict[str, Any]:
    """Give a request with the arguments that rules have put in the place of its own (None: the same request)."""
    if args is None:
        return message
    method, params, given = message["method"], message.get("params") or {}, decode_value(args)
    if method == "tools/call":
        return message | {"params": params | {"arguments": given}}
    kept = {name: value for name, value in params.items() if name == "_meta" or method in _ASKED_FOR}
    return message | {"params": kept | given}


# --- messages as a proxy reads them ----------------------------------------------------------------------------------


class Malformed(Exception):
    """Say why a message is none, as a JSON-RPC error; ``id`` is what it is to be answered with."""

    def __init__(self, code: int, message: str, id: Any = None) -> None:  # noqa: A002 - as the protocol calls it
        self.code, self.id = code, id
        super().__init__(message)


def read_messages(line: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Read a line as the messages in it, each with its bytes: one, or those of a batch. Malformed says what is wrong.

    Stricter than JSON asks for, because two readers of one text must not find two meanings in it: no key may come
    twice, a message has no keys but those of JSON-RPC, and a call none that differ in case alone.
    """
    try:
        said = canonical.decode_strictly(line.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed(PARSE_ERROR, f"this is no JSON message: {error}") from None
    if not isinstance(said, list) or not said:
        return [(_checked(said), line)]
    try:
        return [(message, canonical.encode_as_is(message)) for message in map(_checked, said)]
    except NotRecordable as error:
        raise Malformed(PARSE_ERROR, f"this is no JSON message: {error}") from None


def _checked(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise Malformed(INVALID_REQUEST, "this is no JSON-RPC 2.0 message")
    known = message.get("id")
    answered = known if isinstance(known, str | int) and not isinstance(known, bool) else None
    if message.keys() - _KEYS or ("method" in message) == ("result" in message or "error" in message):
        raise Malformed(INVALID_REQUEST, "this is neither a request nor a notification nor an answer", answered)
    if "id" in message and answered is None and "method" in message:
        raise Malformed(INVALID_REQUEST, "the id of a request is a string or a whole number")
    if message.get("method") != "tools/call":
        return message
    if answered is None:
        raise Malformed(INVALID_REQUEST, "a call of a tool needs an id")
    params = message.get("params")
    if not isinstance(params, dict) or not isinstance(params.get("name"), str):
        raise Malformed(INVALID_PARAMS, "a call of a tool needs its name", answered)
    if not isinstance(params.get("arguments", {}), dict):
        raise Malformed(INVALID_PARAMS, "the arguments of a tool are an object", answered)
    if len({name.casefold() for name in params}) < len(params):
        raise Malformed(INVALID_PARAMS, "two parameters differ in case alone", answered)
    return message


# --- outcomes --------------------------------------------------------------------------------------------------------


def outcome_of(result: dict[str, Any]) -> Outcome:
    """Write a result as an outcome: failed where the tool says so, for rules to see, with all that it says."""
    if result.get("isError") is True:
        return Failed({"message": _text(result), "result": written(result), "type": _IS_ERROR})
    return Ok(written(result))


def outcome_of_error(code: int, message: str, data: Any = None) -> Outcome:
    """Write a JSON-RPC error as an outcome: unknown where it says that no answer came."""
    if code in LOST:
        return Unknown(f"{_PREFIX}{code}: {message}")
    error = {"code": code, "message": message, "type": _ERROR}
    return Failed(error if data is None else error | {"data": written(data)})


def result_in(outcome: Outcome) -> dict[str, Any] | None:
    """Give the result that a recorded outcome holds, None where it is an error or none came."""
    kept = outcome.value if isinstance(outcome, Ok) else None
    if isinstance(outcome, Failed) and outcome.error["type"] == _IS_ERROR:
        kept = outcome.error["result"]
    return None if kept is None else decode_value(kept)


def error_in(outcome: Outcome) -> dict[str, Any] | None:
    """Give the JSON-RPC error that a recorded outcome holds, None where it holds none."""
    if isinstance(outcome, Failed) and outcome.error["type"] == _ERROR:
        return {"code": outcome.error["code"], "message": outcome.error["message"]} | (
            {"data": decode_value(outcome.error["data"])} if "data" in outcome.error else {}
        )
    if isinstance(outcome, Unknown) and outcome.reason.startswith(_PREFIX):
        code, _, message = outcome.reason.removeprefix(_PREFIX).partition(": ")
        return {"code": int(code), "message": message}
    return None


def _text(result: dict[str, Any]) -> str:
    content = result.get("content")
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


# --- refusals --------------------------------------------------------------------------------------------------------


def refused_result(refused: Refused, spec: ToolSpec) -> dict[str, Any]:
    """Shape a refusal as the result of a tool that has failed: a sentence for the model, then the data as JSON.

    Where the tool promises no structured content the data is there too; else clients would hold it against the promise.
    """
    data = {"refused": facts(refused)}
    result = {"content": [text(str(refused)), text(as_json(refused))], "isError": True}
    return result if spec.result is not None else result | {"structuredContent": data}


def refused_error(refused: Refused) -> dict[str, Any]:
    """Shape a refusal of a request that is no tool call as a JSON-RPC error."""
    return {"code": REFUSED, "message": str(refused), "data": {"refused": facts(refused)}}


def text(said: str) -> dict[str, Any]:
    """Give a text as a block of content."""
    return {"type": "text", "text": said}
