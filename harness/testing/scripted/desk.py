"""The memory of a scripted server: what arrived, how often, and what was said; no I/O but a log."""

from __future__ import annotations

import logging
import threading
from collections import Counter

from harness.testing.scripted import responses
from harness.testing.scripted.reply import Answer, Failure, Flaky, Policy, Silence
from harness.testing.scripted.request import RESPONSES, ChatMessage, ModelRequest, read_request
from harness.testing.scripted.wire import message_of

_logger = logging.getLogger(__name__)


class Desk:
    """Ask one policy for many connections. Threads may share it."""

    def __init__(self, policy: Policy) -> None:
        self.requests: list[ModelRequest] = []
        self._policy = policy
        self._arrivals: Counter[str] = Counter()
        self._conversations: dict[str, tuple[ChatMessage, ...]] = {}
        self._lock = threading.Lock()

    def take(self, path: str, data: bytes) -> ModelRequest:
        """Read a request and note its arrival; UsageError says what is wrong with it."""
        request = read_request(path, data, self._conversations)
        with self._lock:
            self.requests.append(request)
        return request

    def decide(self, request: ModelRequest) -> Answer | Failure | Silence:
        """Ask the policy; a policy that fails is a final error 500 for the client and a traceback in the log."""
        try:
            reply = self._policy(request)
        except Exception as error:
            _logger.exception("the policy failed on turn %d of %s", request.number + 1, request.path)
            return Failure(500, f"the policy failed: {type(error).__name__}: {error}", final=True)
        if isinstance(reply, Flaky):
            reply = self._recover(request, reply)
        if not isinstance(reply, Answer | Failure | Silence):
            advice = "return say(…), call_tool(…) or another reply"
            return Failure(500, f"the policy gave a {type(reply).__name__}, not a reply; {advice}", final=True)
        if isinstance(reply, Answer) and request.path == RESPONSES:
            self._remember(request, reply)
        return reply

    def _recover(self, request: ModelRequest, reply: Flaky) -> Answer | Failure | Silence:
        with self._lock:
            self._arrivals[request.digest] += 1
            return reply.first if self._arrivals[request.digest] <= reply.times else reply.then

    def _remember(self, request: ModelRequest, answer: Answer) -> None:
        said = request.messages[bool(request.body.get("instructions")) :]  # instructions hold for one request only
        self._conversations[responses.response_id(request)] = (*said, message_of(request, answer))
