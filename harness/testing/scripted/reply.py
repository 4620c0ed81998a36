"""What a scripted model may do with a request: answer, fail, stay silent, or recover after a while.

A policy is a function from a request to one of these values. The verbs below build them::

    script([
        calls(call("get_order", order_id="W-77"), call("get_policy")),
        flaky(call_tool("refund", order_id="W-77", amount_cents=1200), first=fail(429, retry_after_s=0.1)),
        slow(say("Your money is on its way."), chunk_ms=20),
    ])
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from harness.determinism import canonical
from harness.errors import UsageError
from harness.testing.scripted.request import ModelRequest


class Call(NamedTuple):
    """One tool call; ``arguments`` is JSON text, or deliberately broken text where a test wants a model that errs."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant message, and how it is delivered.

    ``first_ms`` passes before the first byte, ``chunk_ms`` before each piece (16 characters, or a token whose chances
    are told) of text or arguments of a stream. A stream breaks off where ``cut_after`` pieces were sent and another
    would follow; an answer that is not streamed breaks off in the middle of its body. ``chances`` are the alternatives
    of each token with their probabilities, that which was said first: Chat Completions tells them whoever asks for
    ``logprobs``, the other paths do not. UsageError for what is not text, and for chances that do not say it or are not
    above 0.
    """

    text: str | None = None
    calls: tuple[Call, ...] = ()
    first_ms: float = 0
    chunk_ms: float = 0
    cut_after: int | None = None
    chances: tuple[tuple[tuple[str, float], ...], ...] = ()

    def __post_init__(self) -> None:
        for text in (self.text or "", *itertools.chain(*self.calls)):
            if not isinstance(text, str):
                raise UsageError(f"{text!r} is a {type(text).__name__}, not text", cure="use json.dumps or str")
            canonical.encode(text)  # refuses lone surrogates here, where the policy's author sees it
        if self.chances and "".join(said for (said, _), *_ in self.chances) != self.text:
            raise UsageError("the chances say another text", cure="begin the chances of each token with what is said")
        if not all(0 < chance <= 1 for token in self.chances for _, chance in token):
            raise UsageError("a chance is no probability above 0", cure="leave out what cannot be said")


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP error in OpenAI's shape; a ``final`` one tells the client that trying again is no use."""

    status: int
    message: str
    retry_after_s: float | None = None
    param: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer: the connection is closed after some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Flaky:
    """``first`` for the first ``times`` arrivals of one and the same request at a server, ``then`` ever after."""

    first: Answer | Failure | Silence
    times: int
    then: Answer | Failure | Silence


Reply: TypeAlias = Answer | Failure | Silence | Flaky
Policy: TypeAlias = Callable[[ModelRequest], Reply]


def say(text: str, chances: Iterable[Sequence[tuple[str, float]]] = ()) -> Answer:
    """Answer with text; ``chances`` are as in ``Answer``."""
    return Answer(text, chances=tuple(map(tuple, chances)))


def call(tool: str, /, **arguments: Any) -> Call:
    """Describe one tool call, its arguments as JSON data; NotRecordable names an argument that is none."""
    return Call(tool, canonical.encode_as_is(arguments).decode())


def calls(*several: Call) -> Answer:
    """Answer with several tool calls at once."""
    return Answer(calls=several)


def call_tool(tool: str, /, **arguments: Any) -> Answer:
    """Answer with one tool call."""
    return calls(call(tool, **arguments))


def fail(status: int, message: str = "a scripted error", *, retry_after_s: float | None = None) -> Failure:
    """Answer with an HTTP error, and tell when to try again; UsageError unless the status is one (400 to 599)."""
    if not 400 <= status <= 599:
        raise UsageError(f"fail({status}): not an HTTP error status", cure="use 400 to 599, such as 429 or 500")
    return Failure(status, message, retry_after_s)


def slow(answer: Answer, *, first_ms: float = 0, chunk_ms: float = 0) -> Answer:
    """Deliver an answer late, or a stream of it piece by piece."""
    return replace(answer, first_ms=first_ms, chunk_ms=chunk_ms)


def cut(answer: Answer, *, after_chunks: int) -> Answer:
    """Break the connection after some pieces of an answer."""
    return replace(answer, cut_after=after_chunks)


def hang(seconds: float) -> Silence:
    """Keep the client waiting, then close the connection without an answer."""
    return Silence(seconds)


def drop() -> Silence:
    """Close the connection without an answer."""
    return Silence(0)


def flaky(
    then: Answer | Failure | Silence, *, times: int = 1, first: Answer | Failure | Silence | None = None
) -> Flaky:
    """Fail the first ``times`` arrivals of a request, with status 500 unless told otherwise, then recover."""
    return Flaky(first or fail(500), times, then)


def script(replies: Sequence[Reply]) -> Policy:
    """Make a policy that gives the n-th reply on the n-th turn of every conversation.

    A turn past the end is an error that the server tells the client (status 500).
    """
    fixed = tuple(replies)

    def policy(request: ModelRequest) -> Reply:
        if request.number < len(fixed):
            return fixed[request.number]
        raise UsageError(f"the script has {len(fixed)} replies and turn {request.number + 1} was asked for")

    return policy
