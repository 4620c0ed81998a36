"""Transports of a wrapped client whose answers are judged: one state for each run that the client is used in."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import httpx2

from harness.adapters.answers.door import Answers
from harness.adapters.exchange import Doorway
from harness.run.session import SessionMachine


class Judge(httpx2.BaseTransport):
    """Judge the calls in the answers that another transport brings; outside a session it stands aside."""

    def __init__(self, inner: httpx2.BaseTransport, doorway: Doorway) -> None:
        self.inner, self._runs = inner, _Runs(doorway)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answers = self._runs.here()
        if answers is None:
            return self.inner.handle_request(request)
        request.read()
        return answers.exchange(request, self.inner.handle_request)

    def close(self) -> None:
        self.inner.close()


class AsyncJudge(httpx2.AsyncBaseTransport):
    """Do what ``Judge`` does where the other transport is asynchronous."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, doorway: Doorway) -> None:
        self.inner, self._runs = inner, _Runs(doorway)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answers = self._runs.here()
        if answers is None:
            return await self.inner.handle_async_request(request)
        await request.aread()
        return await answers.aexchange(request, self.inner.handle_async_request)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _Runs:
    """The answers of each run that a client is used in, as long as the run lives."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._known: WeakKeyDictionary[SessionMachine, Answers] = WeakKeyDictionary()

    def here(self) -> Answers | None:
        run = self._doorway.current()
        if run is None:
            return None
        return self._known.setdefault(run.machine, Answers(run, self._doorway.narrow))
