"""Which conversation a request belongs to, and what its trace holds."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from harness.adapters.files import open_trace
from harness.testing.model_server import ModelServer
from tests.cli.proxy.running import Proxy, asked, client, outcomes, proxied, said_so, until

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


def test_conversations_without_names_are_told_apart(proxy: Proxy) -> None:
    """Interleaved turns of fifty conversations end in fifty traces, of which none holds a word of another."""
    before = set(proxy.conversations())

    async def talk(number: int) -> None:
        one = AsyncOpenAI(base_url=proxy.base_url, api_key="sk-of-the-client", max_retries=0)
        messages = asked(f"word-{number:03d}-a")
        for turn in "bcd":
            stream = turn == "c"
            if stream:
                pieces = [
                    chunk.choices[0].delta.content or ""
                    async for chunk in await one.chat.completions.create(model="m", messages=messages, stream=True)
                ]
                text = "".join(pieces)
            else:
                said = await one.chat.completions.create(model="m", messages=messages)
                text = said.choices[0].message.content or ""
            messages += [{"role": "assistant", "content": text}, *asked(f"word-{number:03d}-{turn}")]
        await one.close()

    async def everybody() -> None:
        await asyncio.gather(*map(talk, range(50)))

    asyncio.run(everybody())
    new = {name: events for name, events in proxy.conversations().items() if name not in before}
    assert len(new) == 50
    for name, events in new.items():
        assert outcomes(events) == ["ok", "ok", "ok"]
        text = (proxy.traces / name).read_text()
        assert len(set(re.findall(r"word-(\d{3})", text))) == 1


def test_a_conversation_goes_on_by_its_calls_and_its_responses(proxy: Proxy) -> None:
    """The result of a call, or the id of a response, leads back to where it came from, whatever else was said."""
    before = set(proxy.conversations())
    one = client(proxy)
    said = one.responses.create(model="m", input='want look={"by":"calls and responses"}', tools=[])
    made = next(item for item in said.output if item.type == "function_call")
    output: Any = [{"type": "function_call_output", "call_id": made.call_id, "output": "seen"}]
    then = one.responses.create(model="m", previous_response_id=said.id, input=output)
    last = one.responses.create(model="m", previous_response_id=then.id, input="goodbye")
    assert last.output_text.startswith("you said")
    (new,) = set(proxy.conversations()) - before
    assert outcomes(proxy.conversations()[new]) == ["ok", "ok", "ok"]


def test_another_key_never_finds_a_conversation(proxy: Proxy) -> None:
    """Who sends the same words, or even the same name, with another key is in a conversation of its own."""
    before = set(proxy.conversations())
    for key in ("sk-of-one-client", "sk-of-another"):
        for name in ("", "shared-name"):
            one = client(proxy, name, api_key=key)
            one.chat.completions.create(model="m", messages=[*asked("a"), *said_so("b"), *asked(f"of {key}")])
    new = {name: (proxy.traces / name).read_text() for name in set(proxy.conversations()) - before}
    assert len(new) == 4
    assert all(
        ("sk-of-one" in text) != ("sk-of-another" in text) or "⟦secret:api_key:1⟧" in text for text in new.values()
    )
    assert sum("shared-name-" in name for name in new) == 2


def test_no_trace_holds_a_key(proxy: Proxy, model: ModelServer) -> None:
    """The key that a client sends reaches the server, and stands in no trace, even where it is said."""
    one = client(proxy, "secrets")
    one.chat.completions.create(model="m", messages=asked("my key is sk-of-the-client, keep it"))
    assert "sk-of-the-client" not in (proxy.traces / "secrets-001.mat.jsonl").read_text()
    assert "sk-of-the-client" in model.requests[-1].text


def test_a_silent_conversation_is_sealed_and_goes_on_in_another_segment(model: ModelServer, tmp_path: Path) -> None:
    """After --idle seconds a trace is whole, and the next request of the conversation begins another of that name."""
    with proxied(tmp_path, model.base_url, "--idle", "0.3") as proxy:
        one, messages = client(proxy), asked("first")
        said = one.chat.completions.create(model="m", messages=messages).choices[0].message.content
        until(lambda: proxy.health()["sessions"] == 0)
        messages += [*said_so(said or ""), *asked("second")]
        one.chat.completions.create(model="m", messages=messages)
        proxy.stop()
        heads = []
        for path in sorted(proxy.traces.iterdir()):
            with open_trace(path) as reader:
                assert outcomes(list(reader)) == ["ok"]
            assert reader.footer is not None
            heads.append((reader.header.run["conversation"], path.name.removesuffix(".mat.jsonl")[-3:]))
    assert [segment for _, segment in heads] == ["001", "002"]
    assert heads[0][0] == heads[1][0]
