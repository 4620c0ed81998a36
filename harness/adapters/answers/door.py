"""The drivers: requests and answers pass, and the calls in the answers are actions of the run.

A call is opened when its answer has come to its end, so that the model's own words are in the trace before it, and a
run that stops for somebody's answer can go on with the model's answer it had. It ends when a later request of the run
brings its result; a call that is never answered stays open. On replay the model's bytes come from the trace, and the
same code judges the same calls again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any, Final, NamedTuple

import httpx2

from harness.adapters.answers.answer import Streamed, Whole
from harness.adapters.answers.asked import Asked, Owed, Ruling
from harness.adapters.answers.bodies import AsyncBody, AsyncSend, Body, Send, asent, given, sent, with_body
from harness.adapters.answers.chat import Chat
from harness.adapters.answers.course import Ask, Pass, Read, Rule, Step, course
from harness.adapters.answers.messages import Messages
from harness.adapters.answers.responses import Responses
from harness.adapters.answers.shape import Shape
from harness.adapters.answers.sse import read_json
from harness.adapters.http import is_stream
from harness.errors import Refused
from harness.mediation.refusal import for_model
from harness.run.drive import Run, aopen_call, finish, open_call
from harness.run.inputs import Call
from harness.tool import ToolSpec

Narrow = Callable[[ToolSpec], ToolSpec]

_SHAPES: Final[dict[str, Shape]] = {
    "/chat/completions": Chat(),
    "/responses": Responses(),
    "/messages": Messages(),
}


class _Open(NamedTuple):
    """A call whose result has not come: the action, and how many results of its id there were before it."""

    action: int
    before: int


class _Request(NamedTuple):
    """A request that is understood: as it is sent, as data, and how many results it brings of each id."""

    sent: httpx2.Request
    shape: Shape
    body: dict[str, Any]
    results: Counter[str]


class Remembered(NamedTuple):
    """What has to be known of the calls in a conversation when it goes on in another run.

    ``withheld`` are the texts that stand in the place of results which a rule refused, by the id of the call and which
    of its results it is; ``owed`` is what the server has to be told, by what the client knows.
    """

    withheld: dict[tuple[str, int], str]
    owed: dict[str, Owed]


class Answers:
    """What one run knows of the calls in its answers. One for each run; its requests may interleave.

    ``exchange`` and ``aexchange`` send a request, through ``send`` that makes it an action of the run, and give the
    response that the client is to see. What is no POST to a path of the three dialects is sent as it is. Refused calls
    never appear in the response; Halt gets through. ``before`` is what the run that this one goes on with remembered.
    """

    def __init__(self, run: Run, narrow: Narrow, before: Remembered | None = None) -> None:
        self._run, self._narrow = run, narrow
        self._open: dict[str, list[_Open]] = {}
        self._withheld, self._owed = before or Remembered({}, {})

    @property
    def remembered(self) -> Remembered:
        """Give what a run has to know that goes on with this one."""
        return Remembered(self._withheld, self._owed)

    def exchange(self, request: httpx2.Request, send: Send) -> httpx2.Response:
        """Send a request that has been read, and give the response with its calls judged."""
        asked = self._read(request)
        if asked is None:
            return send(request)
        response = send(asked.sent)
        if not response.is_success:
            return response
        self._told(asked)
        steps, streamed = self._begun(asked, response)
        if streamed:
            return given(response, Body(self._carried(asked, steps, response, send), response))
        with closing(self._carried(asked, steps, response, send)) as pieces:
            return given(response, b"".join(pieces))

    async def aexchange(self, request: httpx2.Request, send: AsyncSend) -> httpx2.Response:
        """Do what ``exchange`` does where sending is asynchronous."""
        asked = self._read(request)
        if asked is None:
            return await send(request)
        response = await send(asked.sent)
        if not response.is_success:
            return response
        self._told(asked)
        steps, streamed = self._begun(asked, response)
        if streamed:
            return given(response, AsyncBody(self._acarried(asked, steps, response, send), response))
        async with aclosing(self._acarried(asked, steps, response, send)) as pieces:
            return given(response, b"".join([piece async for piece in pieces]))

    # --- requests ----------------------------------------------------------------------------------------------------

    def _read(self, request: httpx2.Request) -> _Request | None:
        """Read a request, end the calls whose results it brings, and change what its server has to be told."""
        path = request.url.path
        shape = next((shape for end, shape in _SHAPES.items() if path.endswith(end)), None)
        body = read_json(request.content) if shape is not None and request.method == "POST" else None
        if shape is None or not isinstance(body, dict):
            return None
        texts, counted = self._heard(shape, body)
        amended = shape.amended(body, texts, self._owed)
        return _Request(with_body(request, body, amended), shape, amended, counted)

    def _heard(self, shape: Shape, body: dict[str, Any]) -> tuple[dict[int, str], Counter[str]]:
        """End the calls whose results a request brings; give the texts of those that the model may not see."""
        texts: dict[int, str] = {}
        counted: Counter[str] = Counter()
        every = shape.remembers(body)
        for number, (call_id, outcome) in enumerate(shape.results(body)):
            nth, waiting = counted[call_id], self._open.get(call_id)
            counted[call_id] += 1
            if waiting and (every or nth >= waiting[0].before):
                action = waiting.pop(0).action
                try:
                    finish(self._run, action, outcome)
                except Refused as refused:
                    self._withheld[call_id, nth] = for_model(refused)
            if (call_id, nth) in self._withheld:
                texts[number] = self._withheld[call_id, nth]
        return texts, counted

    def _told(self, asked: _Request) -> None:
        """Forget what a server has been told that is not to be told it twice."""
        said = asked.body.get("input")
        for name, owed in list(self._owed.items()):
            if owed.once and isinstance(said, list) and owed.outputs[0] in said:
                del self._owed[name]

    # --- calls -------------------------------------------------------------------------------------------------------

    def _wanted(self, asked: _Request, call: Asked) -> Call:
        schema = next((given for name, given in asked.shape.tools(asked.body) if name == call.tool), None)
        spec = self._narrow(ToolSpec(call.tool, arguments=schema if isinstance(schema, dict) else None))
        return Call("tool", call.tool, call.args, spec, call.id or None)

    def _judged(self, asked: _Request, call: Asked) -> Ruling:
        try:
            action, args = open_call(self._run, self._wanted(asked, call))
        except Refused as refused:
            return Ruling(call, refused=refused)
        self._run.stop.hold(action, self._run.world)
        return self._allowed(asked, call, action, args)

    async def _ajudged(self, asked: _Request, call: Asked) -> Ruling:
        try:
            action, args = await aopen_call(self._run, self._wanted(asked, call))
        except Refused as refused:
            return Ruling(call, refused=refused)
        await self._run.stop.ahold(action)
        return self._allowed(asked, call, action, args)

    def _allowed(self, asked: _Request, call: Asked, action: int, args: dict[str, Any] | None) -> Ruling:
        waiting = self._open.setdefault(call.id, [])
        waiting.append(_Open(action, asked.results[call.id] + len(waiting)))
        return Ruling(call, None if args == call.args else args)

    # --- answers -----------------------------------------------------------------------------------------------------

    def _begun(self, asked: _Request, response: httpx2.Response) -> tuple[Generator[Step, Any, None], bool]:
        """Begin to hear an answer. A stream is what says so, and what was asked to be one and is no JSON body."""
        streamed = is_stream(response)
        if not streamed and asked.body.get("stream") is True:
            streamed = not isinstance(read_json(response.content), dict)
        return course(Streamed(asked.shape) if streamed else Whole(asked.shape), asked.body), streamed

    def _carried(
        self, asked: _Request, steps: Generator[Step, Any, None], response: httpx2.Response, send: Send
    ) -> Generator[bytes]:
        """Carry out the steps of an answer and yield what the client sees of it."""
        pieces, streamed = response.iter_bytes(), is_stream(response)
        said: Any = None
        try:
            while True:
                step = steps.send(said)
                said = None
                if isinstance(step, Pass):
                    yield step.data
                elif isinstance(step, Read):
                    said = next(pieces, None)
                elif isinstance(step, Rule):
                    said = self._judged(asked, step.asked)
                elif isinstance(step, Ask):
                    further = sent(send, with_body(asked.sent, asked.body, step.request))
                    if said := further is not None and further.is_success and is_stream(further) == streamed:
                        response.close()
                        response, pieces = further, further.iter_bytes()
                    elif further is not None:
                        further.close()
                else:
                    self._owed[step.owed.shown] = step.owed
        except StopIteration:
            pass
        finally:
            response.close()

    async def _acarried(
        self, asked: _Request, steps: Generator[Step, Any, None], response: httpx2.Response, send: AsyncSend
    ) -> AsyncGenerator[bytes]:
        """Do what ``_carried`` does where sending is asynchronous."""
        pieces, streamed = response.aiter_bytes(), is_stream(response)
        said: Any = None
        try:
            while True:
                try:
                    step = steps.send(said)
                except StopIteration:
                    return
                said = None
                if isinstance(step, Pass):
                    yield step.data
                elif isinstance(step, Read):
                    said = await anext(pieces, None)
                elif isinstance(step, Rule):
                    said = await self._ajudged(asked, step.asked)
                elif isinstance(step, Ask):
                    further = await asent(send, with_body(asked.sent, asked.body, step.request))
                    if said := further is not None and further.is_success and is_stream(further) == streamed:
                        await response.aclose()
                        response, pieces = further, further.aiter_bytes()
                    elif further is not None:
                        await further.aclose()
                else:
                    self._owed[step.owed.shown] = step.owed
        finally:
            await response.aclose()
