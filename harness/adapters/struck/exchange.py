"""One call of a model that faults strike: what is sent instead, and what the client gets of what came. No I/O.

A fault lies below the client's own code and inside the effect of the call: the ``action`` keeps what the agent asked,
the ``observation`` what it was given, and the ``fault`` event, written when an answer is there, says the difference. A
client that tries again makes another call, which is counted for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import httpx2

from harness.adapters.answers.bodies import given, with_body
from harness.adapters.answers.sse import Splitter, read_json, spelled
from harness.adapters.http import Api, failure_of, is_stream, recorded_whole
from harness.adapters.struck.chat import ChatDialect
from harness.adapters.struck.dialect import Body, Dialect
from harness.adapters.struck.messages import MessagesDialect
from harness.adapters.struck.responses import ResponsesDialect
from harness.determinism.canonical import escape
from harness.faults.conversation import changed_answer, changed_request
from harness.faults.plan import Strike
from harness.faults.service import effect_of
from harness.run.drive import Run, in_force, say
from harness.run.inputs import Call
from harness.trace.diff import first_difference
from harness.trace.outcome import Failed, Unknown, to_body
from harness.trace.value import encode_value

Came = httpx2.Response | Exception
"""What came of a request: a response, or what the client below raised."""

_DIALECTS: Final[dict[str, Dialect]] = {
    "/chat/completions": ChatDialect(),
    "/responses": ResponsesDialect(),
    "/messages": MessagesDialect(),
}
_TOO_MANY: Final = 429


def struck(run: Run, action: int, wanted: Call, api: Api) -> Struck | None:
    """Give what strikes a call of a model, None where nothing does; each call is to be shown once, performed or not."""
    if run.faults is None:
        return None
    strikes = run.faults.strikes(run, action, in_force(wanted, run.machine.rewritten(action)))
    return Struck(run, action, strikes, api) if strikes else None


class Struck:
    """The faults that strike one call; ``asked`` is due before its request is sent, ``came`` after, each once.

    With ``whole`` an answer has to be read to its end before ``came``, a stream too; ``delay_ms`` passes in between.
    """

    def __init__(self, run: Run, action: int, strikes: Sequence[Strike], api: Api) -> None:
        self._run, self._action, self._strikes, self._api = run, action, strikes, api
        self._made = effect_of(strikes)
        self._dialect: Dialect | None = None
        self._request: Body = {}
        self._sent: dict[str, dict[str, Any]] = {}
        self.delay_ms = self._made.delay_ms
        self.whole = any(one.fault.family == "answer" or one.fault.kind == "commit_then_timeout" for one in strikes)

    def asked(self, request: httpx2.Request) -> httpx2.Request | None:
        """Give the request to send for one that has been read, None where nothing is to be sent."""
        if self._made.instead is not None:
            return None
        path = request.url.path
        self._dialect = next((one for end, one in _DIALECTS.items() if path.endswith(end)), None)
        body = read_json(request.content) if request.method == "POST" else None
        if self._dialect is None or not isinstance(body, dict):
            return request
        self._request = body
        for strike in self._strikes:
            if strike.fault.family == "request" and (messages := self._dialect.messages(self._request)):
                changed = self._dialect.asked(self._request, changed_request(strike, messages))
                self._sent[strike.fault.name] = changes(self._request, changed)
                self._request = changed
        return with_body(request, body, self._request if any(self._sent.values()) else body)

    def came(self, clean: Came | None) -> httpx2.Response:
        """Give what the client gets, or raise it, and tell of each fault; ``clean`` is None where nothing was sent."""
        now = clean
        for strike in self._strikes:
            now, difference = self._after(strike, clean, now)
            told = {"action": self._action, "fault": strike.fault.name, "kind": strike.fault.kind}
            if clean is not None and "at" in (difference or {}) and strike.fault.family != "request":
                told["clean"] = to_body(_outcome(clean, self._run))
            say(self._run, "fault", told | {"effective": difference is not None} | (difference or {}))
        assert now is not None
        if isinstance(now, Exception):
            raise now
        return now

    def _after(self, strike: Strike, clean: Came | None, before: Came | None) -> tuple[Came | None, Body | None]:
        """Give what is there after one fault, and what its event says of the difference; None where there is none."""
        kind, family = strike.fault.kind, strike.fault.family
        if strike is self._made.by:
            return self._instead(strike), {}
        if kind == "delay":
            return before, {}
        if kind == "commit_then_timeout" and clean is not None:
            return httpx2.ReadTimeout(f"no answer in {strike.fault.strength.get('after_ms', 30000)} ms"), {"at": "/ok"}
        if family == "request" and (sent := self._sent.get(strike.fault.name)):
            return before, {"at": next(iter(sent)), "sent": encode_value(sent)}
        if family == "answer" and isinstance(before, httpx2.Response) and before.is_success:
            return self._answer(strike, before)
        return before, None

    def _instead(self, strike: Strike) -> Came:
        """Give what a client meets where nothing is sent, as its HTTP client or the service would say it."""
        made = self._made.instead
        if isinstance(made, Unknown):
            lost = httpx2.ReadTimeout if strike.fault.kind == "timeout" else httpx2.RemoteProtocolError
            return lost(made.reason)
        assert isinstance(made, Failed)
        if strike.fault.kind == "reset":
            return httpx2.ConnectError(made.error["message"])
        status, wait_ms = made.error.get("status", _TOO_MANY), made.error.get("retry_after_ms")
        headers = {} if wait_ms is None else {"retry-after-ms": f"{wait_ms:g}", "retry-after": f"{wait_ms / 1000:g}"}
        return httpx2.Response(status, headers=headers, json=self._api.error(status, made.error["message"]))

    def _answer(self, strike: Strike, response: httpx2.Response) -> tuple[Came, Body | None]:
        """Give an answer that says something else, whole or streamed as it came, and where it does."""
        dialect = self._dialect
        if dialect is None:
            return response, None
        splitter = Splitter()
        events = [*splitter.feed(response.content), *splitter.end()] if is_stream(response) else None
        body = read_json(response.content) if events is None else dialect.heard(events)
        if not isinstance(body, dict):
            return response, None
        said, offered = dialect.answers(body), [name for name, _ in dialect.tools(self._request)]
        changed = [changed_answer(strike, one, offered) for one in said]
        after = body if changed == said else dialect.answered(body, changed)
        difference = first_difference(body, after)
        if difference is None:
            return response, None
        new = spelled(after).encode() if events is None else dialect.respelled(events, body, changed)
        return given(response, new), {"at": difference.pointer}


def changes(before: Any, after: Any, pointer: str = "") -> dict[str, Any]:
    """Give what one JSON value says instead of another, by the places where they differ. O(size).

    Lists of different lengths differ as a whole: an item that is gone has no place.
    """
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() <= after.keys():
        pairs = [(name, before.get(name), value) for name, value in after.items()]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(str(place), *both) for place, both in enumerate(zip(before, after, strict=True))]
    else:
        return {} if before == after else {pointer: after}
    return {
        at: new for name, one, other in pairs for at, new in changes(one, other, f"{pointer}/{escape(name)}").items()
    }


def _outcome(came: Came, run: Run) -> Any:
    if isinstance(came, Exception):
        return failure_of(came)
    return recorded_whole(came, run.world.now(run.machine.seq))
