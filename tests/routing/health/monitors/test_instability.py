"""Instability from token log-probabilities: the published vectors, the laws of the measures, and recorded replies."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.door.app import Harness
from harness.routing.health.monitors import Instability
from harness.routing.health.monitors.instability import (
    Strength,
    distributions,
    divergence,
    entropy,
    normalised,
    series,
    strength,
)
from harness.trace.reader import Reader
from tests.routing.health.monitors.course import Course, said

SURE, SPLIT = {"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.5}

DISTRIBUTIONS = st.dictionaries(st.sampled_from("abcdef"), st.floats(-30, 0), min_size=1).map(
    lambda logprobs: normalised(list(logprobs.items()))
)


def near(value: float) -> Any:
    """Compare to the six places of the vectors."""
    return pytest.approx(value, abs=5e-7)


def test_the_vectors() -> None:
    """Equal distributions diverge by 0, those without a common token by ln 2; the others as published."""
    assert divergence(SURE, SURE) == 0
    assert divergence({"a": 1.0}, {"b": 1.0}) == near(0.693147)
    assert divergence(SURE, SPLIT) == near(0.101749)
    assert entropy(SURE) == near(0.325083)
    assert entropy({"a": 1.0, "b": 0.0}) == 0


def test_top_k_is_made_to_sum_to_one() -> None:
    """Alternatives keep their ratios, those of one text count as one, and one that is next to impossible is 0."""
    found = normalised([("a", log(0.45)), ("b", log(0.05)), ("c", -9999.0)])
    assert found == {"a": near(0.9), "b": near(0.1), "c": 0}
    assert normalised([("a", log(0.2)), ("a", log(0.2))]) == {"a": near(1)}


def test_the_series_its_strength_and_its_position() -> None:
    """I_t adds the jump from the token before to λ times the entropy; the first token has no jump."""
    tokens = [SURE, SPLIT, SPLIT, SURE]
    wanted = [0.325083, 0.101749 + log(2), log(2), 0.101749 + 0.325083]
    assert series(tokens) == [near(value) for value in wanted]
    assert series(tokens, 0) == [near(value) for value in (0, 0.101749, 0, 0.101749)]
    mean = (2 * 0.325083 + 2 * log(2)) / 4
    assert strength(tokens) == Strength(near(0.101749 + log(2)), 0.5, near(mean))
    assert strength(tokens, 0).position == 0.5  # the first of equals


def test_a_reply_without_tokens_has_none() -> None:
    """There is no strength of nothing."""
    with pytest.raises(ValueError, match="without tokens"):
        strength([])


@given(DISTRIBUTIONS, DISTRIBUTIONS)
def test_the_divergence_is_symmetric_and_bounded(p: dict[str, float], q: dict[str, float]) -> None:
    """The divergence lies between 0 and ln 2 and does not depend on the order; so does entropy, up to ln k."""
    assert 0 <= divergence(p, q) <= log(2) + 1e-12
    assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-12)
    assert -1e-12 <= entropy(p) <= log(len(p)) + 1e-12
    by_definition = sum(
        share * log(share / ((p.get(token, 0) + q.get(token, 0)) / 2)) / 2
        for one in (p, q)
        for token, share in one.items()
        if share > 0
    )
    assert divergence(p, q) == pytest.approx(by_definition, abs=1e-9)


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
