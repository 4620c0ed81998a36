"""How large the trace of a conversation is that resends its whole history each turn.

The official openai client, wrapped, talks to a transport that answers from a seeded generator. The trace is held
against a plain JSON Lines file with each new message once, against a log of whole requests, and compressed against
the ``.eval`` file that inspect_ai writes of the same messages, without the raw requests it can keep beside them.
"""

from __future__ import annotations

import math
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import orjson
import zstandard
from openai import OpenAI

from benchmarks.speed.measure import SEED, Figure, installed, report
from harness.door.app import Harness

TURNS: Final = 200
LENGTHS: Final = (25, 50, 100, 200, 400)
CHARS: Final = 350
MODEL: Final = "scripted"

_FIRST: Final = ("b", "br", "c", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "w")
_VOWEL: Final = ("a", "ai", "e", "ea", "i", "o", "oo", "u")
_LAST: Final = ("", "", "ck", "d", "l", "ll", "n", "nd", "r", "rt", "s", "ss", "t", "th", "ve")


class Sizes(NamedTuple):
    """Bytes of one conversation: its trace, its messages once, its requests whole; and the trace itself."""

    trace: int
    plain: int
    whole: int
    lines: bytes


class Speaker:
    """Say English-like text of about ``CHARS`` characters, the same for every run."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self._words = [self._word() for _ in range(3000)]
        self._weights = [1 / (rank + 3) for rank in range(len(self._words))]  # words are used as Zipf says they are

    def say(self) -> str:
        """Give the next text."""
        text = ""
        while len(text) < CHARS:
            words = self._random.choices(self._words, self._weights, k=self._random.randint(6, 14))
            text += " ".join(words).capitalize() + ". "
        return text[: CHARS - 1].strip() + "."

    def _word(self) -> str:
        parts = (_FIRST, _VOWEL, _LAST) * self._random.choice((1, 1, 2, 2, 3))
        return "".join(self._random.choice(part) for part in parts)


def conversation(turns: int) -> Iterator[tuple[str, str]]:
    """Yield what the user says and what the assistant answers."""
    speaker = Speaker()
    for _ in range(turns):
        yield speaker.say(), speaker.say()


def completion(number: int, text: str) -> dict[str, Any]:
    """Give an answer in the shape of the chat completions endpoint."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 150 * number + 75, "completion_tokens": 75, "total_tokens": 150 * number + 150}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_715_785_200 + number,
        "model": MODEL,
        "choices": [choice],
        "usage": usage,
    }


def record(turns: int, folder: str) -> Sizes:
    """Hold a conversation through the door and give its sizes."""
    said = list(conversation(turns))
    answers = iter([completion(number, answer) for number, (_, answer) in enumerate(said)])
    log: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        response = httpx2.Response(200, json=next(answers))
        log.append(b'{"request":%b,"response":%b}\n' % (request.content, response.content))
        return response

    app = Harness(traces=folder, durability="none")
    inner = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = app.wrap(OpenAI(base_url="http://scripted/v1", api_key="no-key-is-needed", http_client=inner))
    messages: list[Any] = []
    with app.session() as session:
        for user, _ in said:
            messages.append({"role": "user", "content": user})
            reply = client.chat.completions.create(model=MODEL, messages=list(messages))
            messages.append({"role": "assistant", "content": reply.choices[0].message.content})
    assert [message["content"] for message in messages] == [text for turn in said for text in turn]
    lines = Path(session.trace.path).read_bytes()
    plain = sum(len(orjson.dumps(message)) + 1 for message in messages)
    return Sizes(len(lines), plain, sum(map(len, log)), lines)


def exponent(sizes: dict[int, int]) -> float:
    """Give the growth exponent: the slope of the least-squares line through the logarithms."""
    xs, ys = [math.log(turns) for turns in sizes], [math.log(size) for size in sizes.values()]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)


def eval_bytes(turns: int, folder: str) -> int:
    """Give the size of the ``.eval`` file of the same conversation, its messages pooled as inspect_ai does it."""
    from inspect_ai.event import ModelEvent
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, condense_sample, write_eval_log
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, GenerateConfig, ModelOutput

    messages: list[Any] = []
    events: list[Any] = []
    for user, answer in conversation(turns):
        messages.append(ChatMessageUser(content=user))
        output = ModelOutput.from_message(ChatMessageAssistant(content=answer, model=MODEL, source="generate"))
        asked: dict[str, Any] = {"tools": [], "tool_choice": "none", "config": GenerateConfig()}
        events.append(ModelEvent(model=MODEL, input=list(messages), output=output, **asked))
        messages.append(output.message)
    sample = EvalSample(id=1, epoch=1, input=messages[0].content, target="", messages=messages, events=events)
    started = "2024-05-15T15:00:00+00:00"
    spec = EvalSpec(created=started, task="speed", dataset=EvalDataset(), model=MODEL, config=EvalConfig())
    path = os.path.join(folder, f"{turns}.eval")
    write_eval_log(EvalLog(eval=spec, samples=[condense_sample(sample)]), path)
    return Path(path).stat().st_size


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sizes = {turns: record(turns, folder) for turns in LENGTHS}
        inspect = eval_bytes(TURNS, folder) if installed("inspect-ai") else None
    of = sizes[TURNS]
    compressed = {level: len(zstandard.ZstdCompressor(level=level).compress(of.lines)) for level in (3, 19)}
    figures = {
        "trace_ratio_plain": Figure(of.trace / of.plain, "1", target="<= 2.0"),
        "trace_exponent": Figure(exponent({turns: size.trace for turns, size in sizes.items()}), "1", target="<= 1.05"),
        "whole_ratio_plain": Figure(of.whole / of.plain, "1"),
        "whole_exponent": Figure(exponent({turns: size.whole for turns, size in sizes.items()}), "1"),
        **{f"trace_zstd{level}_bytes": Figure(size, "B") for level, size in compressed.items()},
    }
    if inspect is not None:
        figures["inspect_eval_bytes"] = Figure(inspect, "B")
        for level, size in compressed.items():
            figures[f"trace_zstd{level}_ratio_inspect_eval"] = Figure(size / inspect, "1", target="<= 1")
    rows: list[dict[str, Any]] = [
        {"turns": turns, "trace": size.trace, "plain": size.plain, "whole": size.whole} for turns, size in sizes.items()
    ]
    if inspect is None:
        rows.append({"turns": TURNS, "skipped": "inspect_ai is not installed: no .eval to compare with"})
    report("conversation", figures, rows)


if __name__ == "__main__":
    main()
