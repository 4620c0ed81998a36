"""An OpenAI- and Anthropic-compatible HTTP server on loopback; every word is scripted, it never pretends to be a model.

::

    with ModelServer(script([call_tool("get_order", order_id="W-77"), say("It is on its way.")])) as server:
        client = OpenAI(base_url=server.base_url, api_key="scripted")

It serves ``POST /v1/chat/completions``, ``/v1/responses`` and Anthropic's ``/v1/messages``, whole and streamed, ``POST
/v1/embeddings`` and ``GET /v1/models``. Equal requests get equal bytes: no clock, no chance, no count of what came
before, except for ``flaky`` replies. What it does not verify: keys, model names, and whether a tool that is called was
offered.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from harness.errors import UsageError
from harness.testing.scripted.desk import Desk
from harness.testing.scripted.http import Listener
from harness.testing.scripted.reply import (
    Answer,
    Call,
    Failure,
    Flaky,
    Policy,
    Reply,
    Silence,
    call,
    call_tool,
    calls,
    cut,
    drop,
    fail,
    flaky,
    hang,
    say,
    script,
    slow,
)
from harness.testing.scripted.request import ModelRequest

__all__ = [
    "Answer",
    "Call",
    "Failure",
    "Flaky",
    "ModelRequest",
    "ModelServer",
    "Policy",
    "Reply",
    "Silence",
    "call",
    "call_tool",
    "calls",
    "cut",
    "drop",
    "fail",
    "flaky",
    "hang",
    "say",
    "script",
    "slow",
]


class ModelServer:
    """Serve a policy from construction until ``close``; a context manager that closes.

    ``base_url`` is what an OpenAI client wants to know, ``anthropic_url`` what an Anthropic client does; ``requests``
    are the requests to a model that arrived, in order. The policy is called from one thread per connection and should
    be a pure function.
    UsageError if the policy is not callable.
    """

    def __init__(self, policy: Policy) -> None:
        if not callable(policy):
            cure = "pass a function of a ModelRequest, or script([say(…), …])"
            raise UsageError(f"the policy is a {type(policy).__name__}, not a function", cure=cure)
        self._desk = Desk(policy)
        self._listener = Listener(self._desk)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.anthropic_url = f"http://127.0.0.1:{self._listener.server_address[1]}"
        self.base_url = f"{self.anthropic_url}/v1"

    @property
    def requests(self) -> list[ModelRequest]:
        """Give what has arrived so far."""
        return list(self._desk.requests)

    def close(self) -> None:
        """End everything, streams in flight included; a second call does nothing."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
            self._listener.end_connections()
            self._listener.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
