"""The monitor of instability: what it reads in recorded replies, and what it says of them."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from harness.door.app import Harness
from harness.routing.health.monitors import Instability
from harness.routing.health.monitors.instability import distributions
from harness.trace.reader import Reader
from tests.routing.health.monitors.course import Course, said

SURE, SPLIT = {"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.5}


def token(distribution: dict[str, float]) -> dict[str, Any]:
    """Give one token as the API states it."""
    listed = [{"token": text, "logprob": log(share), "bytes": None} for text, share in distribution.items()]
    return {**listed[0], "top_logprobs": listed}


def completion(*tokens: dict[str, float]) -> dict[str, Any]:
    """Give a whole reply."""
    message = {"role": "assistant", "content": "a" * len(tokens), "refusal": None}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "stop",
        "logprobs": {"content": [token(one) for one in tokens], "refusal": None},
    }
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def chunks(*tokens: dict[str, float]) -> list[dict[str, Any]]:
    """Give the same reply as a stream, a token a chunk."""
    return [
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": "a"},
                    "logprobs": {"content": [token(one)], "refusal": None},
                    "finish_reason": None,
                }
            ],
        }
        for one in tokens
    ]


def recorded(path: Path, answer: httpx2.Response, *, stream: bool) -> Course:
    """Record one call of the real client and give the events of its trace."""
    inner = openai.OpenAI(
        api_key="k",
        base_url="http://model.test/v1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _: answer)),
    )
    app = Harness()
    client = app.wrap(inner)
    with app.session(trace=path):
        said = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "?"}], logprobs=True, top_logprobs=2, stream=stream
        )
        list(said)
    course = Course()
    course.events = list(Reader(path.read_bytes().splitlines(keepends=True)))
    return course


@pytest.mark.parametrize("stream", [False, True])
def test_recorded_replies(tmp_path: Path, stream: bool) -> None:
    """A reply that was recorded whole or as a stream gives the distributions that the model stated."""
    tokens = [SURE, SPLIT, SURE]
    if stream:
        text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(*tokens)) + "data: [DONE]\n\n"
        answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=text)
    else:
        answer = httpx2.Response(200, json=completion(*tokens))
    course = recorded(tmp_path / "run.mat.jsonl", answer, stream=stream)
    (signal,) = said(Instability(above=0.75), course)
    assert signal == (
        "instability",
        0.40,
        "openai:chat/completions",
        "the reply is unstable: 0.795 at 67% of it, more than 0.75 (mean entropy 0.448)",
    )
    assert said(Instability(above=0.8), course) == []


def test_the_strongest_of_several_choices() -> None:
    """Of the choices of one reply the strongest speaks."""
    body = completion(SURE)
    other = {**completion(SPLIT)["choices"][0], "index": 1}
    body["choices"].append(other)
    course = Course()
    course.answered({"body": body})
    (signal,) = said(Instability(above=0.5), course)
    assert "0.693 at 100%" in signal.says


@pytest.mark.parametrize(
    "response",
    [
        None,
        "text",
        {"body": {"choices": [{"index": 0, "logprobs": None}]}},
        {"body": {"choices": [{"index": 0, "logprobs": {"content": [{"token": "a", "logprob": -1.0}]}}]}},
        {"body": {"choices": [{"index": 0, "logprobs": {"content": [{"top_logprobs": [{"token": "a"}, 7]}]}}]}},
        {"body": {"choices": "none"}},
        {"chunks": [[0, "data: {"]]},
    ],
)
def test_without_alternatives_nothing_is_said(response: Any) -> None:
    """A reply without top log-probabilities, or that is no reply, has no distributions."""
    assert distributions(response) == []
    course = Course()
    course.answered(response)
    course.served("pay", response)
    assert said(Instability(above=-1), course) == []
