"""HTTP requests and responses as calls and outcomes.

A request is known by its method, path and JSON body, never by host, headers or retry count. A response keeps what an
agent's code can see: status, body, and an API's own headers; others are not shown to it. A JSON body is kept as data,
with the spelling it had (``style``), so that it can be searched by rules and still be given back byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

import httpx2

from harness.determinism import canonical
from harness.determinism.freed import is_freeing, watch
from harness.errors import Divergence, Halt, Refused
from harness.run.drive import Run, finish
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.error import describe, rebuild
from harness.trace.outcome import Failed, Ok, Outcome, Unknown
from harness.trace.value import decode_value, encode_value

_JSON: Final = "application/json"
_DEPLOYMENT: Final = re.compile(r"^deployments/[^/]+/")
"""How a path of Azure's begins where the client was not told one deployment for all its requests."""
_EVENTS: Final = "text/event-stream"
_KEPT_HEADERS: Final = ("content-type", "request-id", "retry-after", "x-", "anthropic-", "openai-")
"""How the names of headers begin by which an API tells its type, limits, costs, and what to do next."""
_NOT_SENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.ProxyError,
)
_RETRIED: Final = frozenset({408, 409, 429})
_STYLES: Final[dict[str, dict[str, Any]]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "compact-ascii": {"separators": (",", ":")},
    "spaced": {"ensure_ascii": False},
    "spaced-ascii": {},
    "indented": {"indent": 2, "ensure_ascii": False},
    "indented-ascii": {"indent": 2},
}


class Api(NamedTuple):
    """What is particular about one HTTP API: its name, the path it begins at, the shapes of its refusals and errors.

    ``error`` gives the body that says what an error of a status is about.
    """

    name: str
    base: str
    refusal: Callable[[Refused], httpx2.Response]
    error: Callable[[int, str], dict[str, Any]]


def read_request(request: httpx2.Request, api: Api) -> Call:
    """Read a request as a call of the tool ``NAME:PATH``, such as ``openai:chat/completions``."""
    path = request.url.path.removeprefix(api.base.rstrip("/")).lstrip("/")
    path = _DEPLOYMENT.sub("", path)  # which the body names as its model
    tool = f"{api.name}:{path}" if request.method == "POST" else f"{api.name}:{request.method} {path}"
    body = _json_or_none(request.content)
    if not isinstance(body, dict):
        body = {"$body": encode_value(_without_boundary(request))} if request.content else {}
    else:
        body = encode_value(body)
    if request.url.query:
        body["$query"] = request.url.query.decode()
    return Call("model", tool, body, _declared(tool))


def changed_request(request: httpx2.Request, args: dict[str, Any] | None) -> httpx2.Request:
    """Give the request to send where another body is wanted than the agent's own (None: the same request)."""
    if args is None:
        return request
    body = {name: value for name, value in args.items() if name != "$query"}
    headers = [(name, value) for name, value in request.headers.multi_items() if name != "content-length"]
    return httpx2.Request(
        request.method, request.url, headers=headers, json=decode_value(body), extensions=request.extensions
    )


def recorded_response(response: httpx2.Response) -> Outcome:
    """Write a response that has been read as an outcome."""
    kept = _spelled(response.content) if _type_of(response) == _JSON else {"content": encode_value(response.content)}
    headers = _kept_headers(response)
    if headers:
        kept["headers"] = headers
    if response.status_code != 200:
        kept["status"] = response.status_code
    if response.is_success or response.is_redirect:
        return Ok(kept)
    retryable = response.status_code in _RETRIED or response.status_code >= 500
    error = {"message": f"HTTP {response.status_code}", "response": kept, "type": "http"}
    return Failed(error, retryable)


def recorded_whole(response: httpx2.Response, at: int) -> Outcome:
    """Write a response that has been read as an outcome; a stream as if all of it had come at the time ``at``."""
    if not is_stream(response):
        return recorded_response(response)
    return Ok({"chunks": [[at, _text(response.content)]], "headers": _kept_headers(response), "opened": at})


def failure_of(error: Exception) -> Outcome:
    """Write a call without an answer: ``unknown`` where the connection broke, ``failed`` where nothing was sent.

    What is no failure of the connection, such as an event loop that is closed, is ``failed`` and not worth a retry.
    """
    if not isinstance(error, httpx2.TransportError):
        return Failed(describe(error))
    name = type(error).__name__
    if isinstance(error, _NOT_SENT):
        return Failed({"message": str(error), "type": f"httpx2:{name}"}, retryable=True)
    return Unknown(f"httpx2:{name}: {error}")


def revive(outcome: Outcome, request: httpx2.Request) -> httpx2.Response:
    """Give the response that was recorded, or raise the error that was."""
    if isinstance(outcome, Unknown):
        raise _rebuilt(outcome.reason, request)
    kept = outcome.value if isinstance(outcome, Ok) else outcome.error.get("response")
    if kept is None:
        assert isinstance(outcome, Failed)
        if _transport_error(outcome.error["type"]) is None:
            raise rebuild(outcome.error)
        raise _rebuilt(f"{outcome.error['type']}: {outcome.error['message']}", request)
    content = _content(kept)
    return httpx2.Response(kept.get("status", 200), headers=_headers(kept), content=content)


def whole_response(response: httpx2.Response) -> httpx2.Response:
    """Give a response that has been read as a transport gives one: decoded, and with the headers it has on replay."""
    headers = _headers({"headers": _kept_headers(response)})
    return httpx2.Response(response.status_code, headers=headers, content=response.content)


def refusal_response(body: dict[str, Any]) -> httpx2.Response:
    """Give a refusal, in the shape its API gives to errors, as one that real clients do not send again."""
    return httpx2.Response(403, headers={"x-should-retry": "false"}, json=body)


def is_stream(answer: httpx2.Response | Outcome) -> bool:
    """Tell whether an answer is a stream of server-sent events."""
    if isinstance(answer, httpx2.Response):
        return answer.is_success and _type_of(answer) == _EVENTS
    return isinstance(answer, Ok) and "chunks" in answer.value


class Stream:
    """Keep the pieces of one streamed answer with their times, and end its action exactly once.

    ``answer`` is the live response, whose head has just come, or the recorded outcome; ``opened`` is when it came.
    """

    def __init__(self, run: Run, action: int, answer: httpx2.Response | Outcome) -> None:
        self.action, self.world = action, run.world
        self._run = run
        self._chunks: list[list[Any]] = []
        self._kept: dict[str, Any] = {}
        watch()
        run.unread[action] = self._left
        run.stop.end(action)  # the agent reads on by itself, and may wait in the middle of it
        if isinstance(answer, httpx2.Response):
            self.opened = self.now()
            self._headers = _kept_headers(answer)
        else:
            assert isinstance(answer, Ok)
            self._kept = answer.value
            self.opened = self._kept["opened"]
            self._headers = self._kept["headers"]

    def now(self) -> int:
        """Give the time of a piece that has just come."""
        return self.world.now(self._run.machine.seq)

    @property
    def ended(self) -> int | None:
        """When the recorded stream ended; None where the agent stopped waiting for more."""
        recorded = self.world.recorded(self.action, waits=True)
        return None if recorded is None or "closed" in self._kept else recorded.at

    def response(self, body: Any) -> httpx2.Response:
        """Give the response whose body is this stream."""
        return httpx2.Response(200, headers=self._headers, stream=body)

    def recorded_pieces(self) -> Iterator[tuple[int, bytes]]:
        """Give the recorded pieces that have not passed yet, with their times."""
        for at, piece in self._kept["chunks"][len(self._chunks) :]:
            yield at, piece.encode() if isinstance(piece, str) else decode_value(piece)

    def passed(self, piece: bytes, at: int) -> bytes:
        """Keep a piece that the agent is about to see."""
        self._chunks.append([at, _text(piece)])
        return piece

    def end(self) -> None:
        """End the action: the stream came to its end."""
        self._finish({})

    def cut(self, error: httpx2.TransportError) -> None:
        """End the action: the connection broke while the answer was coming."""
        self._finish({"cut": f"httpx2:{type(error).__name__}: {error}"})

    def closed_early(self) -> None:
        """End the action, if it has not ended: the agent did not want the rest.

        Where it has only left the stream behind, that is told at the end of the run: when Python frees it is no fact.
        """
        if not is_freeing():
            self._left()

    def end_as_recorded(self) -> None:
        """End as the record did; Halt where the agent reads on after the place where it had stopped."""
        if "closed" in self._kept:
            raise Halt(
                Divergence(
                    "the agent reads a stream further than it did in the record", cause="the agent's code changed"
                )
            )
        if "cut" in self._kept:
            self._finish({"cut": self._kept["cut"]})
            raise _rebuilt(self._kept["cut"], None)
        self._finish({})

    def _left(self) -> None:
        self._finish({"closed": True})

    def _finish(self, how: dict[str, Any]) -> None:
        if self._run.unread.pop(self.action, None) is None:
            return
        value = {"chunks": self._chunks, **how, "headers": self._headers, "opened": self.opened}
        finish(self._run, self.action, Ok(dict(sorted(value.items()))))


@lru_cache(maxsize=256)
def _declared(tool: str) -> ToolSpec:
    return ToolSpec(tool, effect="read", idempotent=True)


def _without_boundary(request: httpx2.Request) -> bytes:
    """Give a body; the parts of a form stand between the same lines in every run, which a client draws for each."""
    kind, _, drawn = request.headers.get("content-type", "").partition("boundary=")
    if not kind.startswith("multipart/") or not drawn:
        return request.content
    return request.content.replace(b"--" + drawn.encode(), b"--boundary")


def _json_or_none(content: bytes) -> Any:
    try:
        return canonical.decode(content)
    except ValueError:
        return None


def _spelled(content: bytes) -> dict[str, Any]:
    """Keep a JSON body as data with the name of its spelling, or as it is where no spelling gives it back exactly."""
    try:
        value = json.loads(content)
        for style, options in _STYLES.items():
            if json.dumps(value, allow_nan=False, **options).encode() == content:
                return {"body": encode_value(value)} | ({"style": style} if style != "compact" else {})
    except ValueError:
        pass  # not JSON after all, whatever its content type says
    return {"content": encode_value(content)}


def _text(piece: bytes) -> Any:
    try:
        return piece.decode()
    except UnicodeDecodeError:  # a character cut in two by the network
        return encode_value(piece)


def _content(kept: dict[str, Any]) -> bytes:
    if "content" in kept:
        content = decode_value(kept["content"])
        assert isinstance(content, bytes)
        return content
    return json.dumps(decode_value(kept["body"]), **_STYLES[kept.get("style", "compact")]).encode()


def _type_of(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _kept_headers(response: httpx2.Response) -> dict[str, str]:
    headers = {name: response.headers[name] for name in sorted(response.headers) if name.startswith(_KEPT_HEADERS)}
    if headers.get("content-type") == _JSON:
        del headers["content-type"]
    return headers


def _headers(kept: dict[str, Any]) -> dict[str, str]:
    said = kept.get("headers", {})
    return said if "content-type" in said else {"content-type": _JSON, **said}


def _rebuilt(said: str, request: httpx2.Request | None) -> httpx2.TransportError:
    name, message = said.split(": ", 1)
    kind = _transport_error(name) or httpx2.TransportError
    return kind(message, request=request)


def _transport_error(name: str) -> type[httpx2.TransportError] | None:
    kind = getattr(httpx2, name.removeprefix("httpx2:"), None)
    return kind if isinstance(kind, type) and issubclass(kind, httpx2.TransportError) else None
