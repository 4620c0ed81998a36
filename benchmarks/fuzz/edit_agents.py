"""Small agents of several shapes, as source text: to be recorded, edited, and run again without harness.

``dry_run`` is the campaign's own idea of what a text does: the same source over plain functions that write down who
called them with what. It shares nothing with harness, so it can be held against a replay.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple, Self

from openai import OpenAI

import harness
from harness.testing.model_server import ModelServer, call_tool, say, script

TOOLS: Final = """\
@tool
def look(name, depth=1):
    return {"name": name, "size": len(str(name)) * 2}

@tool
def store(key, value):
    return {"stored": str(key)}

@tool
def send(to, text, options=None):
    return "sent"

"""

SYNC: Final = (
    TOOLS
    + """\
@agent
def main():
    first = look(name="alpha", depth=2)
    total = first["size"] + 1
    sizes = []
    for number in range(3):
        found = look(name="item-" + str(number), depth=number)
        sizes.append(found["size"])
    if total > 5:
        store(key="large", value=sizes)
    else:
        store(key="small", value=[total])
    label = {"kind": "report", "meta": {"total": total, "names": ["a", "b"]}, "sizes": sizes}
    store(key=label["kind"], value=[label, total])
    send(to="ada@example.com", text="the total is " + str(total), options={"urgent": False, "copies": [1, 2]})
    last = look(name="omega", depth=total)
    return {"last": last, "total": total}
"""
)

ASYNC: Final = (
    TOOLS.replace("def look", "async def look").replace("def store", "async def store")
    + """\
@agent
async def main():
    first = await look(name="start")
    found = await gather(look(name="a", depth=1), look(name="b", depth=2), look(name="c", depth=3))
    sizes = [one["size"] for one in found]
    await gather(store(key="sizes", value=sizes), store(key="first", value=first))
    await store(key="sum", value={"of": sizes, "is": sum(sizes)})
    answer = await look(name="end", depth=len(sizes))
    send(to="bob@example.com", text="done", options={"sizes": sizes})
    return [answer["size"], sizes]
"""
)

MODEL: Final = (
    TOOLS
    + """\
@agent
def main():
    messages = [{"role": "system", "content": "You help with orders, briefly."}]
    messages.append({"role": "user", "content": "Where is W-77?"})
    offered = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    for turn in range(4):
        reply = ask(model="scripted", messages=messages, tools=offered, temperature=0.5)
        if not reply["calls"]:
            send(to="customer", text=reply["text"])
            return reply["text"]
        messages.append({"role": "assistant", "content": None, "tool_calls": reply["raw"]})
        for wanted in reply["calls"]:
            result = look(name=wanted["name"], depth=turn)
            messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": dumps(result)})
    return "too many turns"
"""
)

THREADS: Final = (
    TOOLS
    + """\
@agent
def main():
    found = []
    def work(name, depth):
        one = look(name=name, depth=depth)
        found.append(one["size"])
        store(key=name, value=[one["size"], depth])
    look(name="before", depth=4)
    in_thread(work, "left", 1)
    in_thread(work, "right", 2)
    send(to="carol@example.com", text="both", options={"found": found})
    in_thread(work, "after", 3)
    return found
"""
)

SOURCES: Final = {"sync": SYNC, "async": ASYNC, "model": MODEL, "threads": THREADS}
POLICY: Final = [call_tool("look", name="W-77"), call_tool("look", name="carrier"), say("It is on its way.")]


class Said(NamedTuple):
    """One thing an agent did: after how many outcomes, of which kind, what, and on which line of its source."""

    known: int
    kind: str
    what: Any
    line: int = 0


def in_thread(function: Callable[..., Any], *arguments: Any) -> None:
    """Run a function in a thread of its own and wait for it."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def plain_reply(message: Any) -> dict[str, Any]:
    """Give what the agents want of a model's message."""
    calls = message.tool_calls or []
    return {
        "text": message.content,
        "raw": [{"id": one.id, "type": "function", "function": one.function.model_dump()} for one in calls],
        "calls": [{"id": one.id, **json.loads(one.function.arguments)} for one in calls],
    }


class Wrapped:
    """The agents of one app, recorded and replayed by harness. ``performed`` counts calls that were made for real."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.performed = folder, 0
        self._server = ModelServer(script(POLICY))
        self.replies: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(None, None, None)

    def load(self, source: str, file: Path) -> tuple[harness.Harness, Callable[..., Any]]:
        """Give an app and the entry of a source text."""
        app = harness.Harness(traces=self.folder)
        client = app.wrap(OpenAI(base_url=self._server.base_url, api_key="scripted", max_retries=0))

        def tool(function: Callable[..., Any]) -> Any:
            @functools.wraps(function)
            def counted(*args: Any, **kwargs: Any) -> Any:
                self.performed += 1
                return function(*args, **kwargs)

            @functools.wraps(function)
            async def acounted(*args: Any, **kwargs: Any) -> Any:
                self.performed += 1
                await asyncio.sleep(0)
                return await function(*args, **kwargs)

            return app.tool(effect="read")(acounted if inspect.iscoroutinefunction(function) else counted)

        def ask(**request: Any) -> dict[str, Any]:
            reply = plain_reply(client.chat.completions.create(**request).choices[0].message)
            self.replies.append(reply)
            return reply

        names = _run_source(source, file, tool, app.agent, ask)
        return app, names["main"]

    def record(self, shape: str) -> Path:
        """Record an agent; its source is written beside the trace, for call sites."""
        file = self.folder / f"{shape}.py"
        file.write_text(SOURCES[shape], encoding="utf-8")
        app, main = self.load(SOURCES[shape], file)
        self.replies.clear()
        session = app.session(trace=self.folder / f"{shape}.mat.jsonl")
        session.run(main)
        return Path(session.trace.path)


def dry_run(source: str, file: Path, replies: list[dict[str, Any]]) -> list[Said]:
    """Run a source text over plain functions and give all it did, the last of it how it ended."""
    said: list[Said] = []
    known = [0]
    answers = iter(replies)

    def note(kind: str, what: Any, line: int) -> None:
        said.append(Said(known[0], kind, what, line))

    def tool(function: Callable[..., Any]) -> Any:
        signature = inspect.signature(function)

        def asked(args: Any, kwargs: Any) -> dict[str, Any]:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return json.loads(json.dumps(bound.arguments))

        def stub(*args: Any, **kwargs: Any) -> Any:
            note(function.__name__, {"args": asked(args, kwargs)}, sys._getframe(1).f_lineno)
            result = function(*args, **kwargs)
            known[0] += 1
            return result

        def astub(*args: Any, **kwargs: Any) -> Any:
            line = sys._getframe(1).f_lineno

            async def later() -> Any:
                note(function.__name__, {"args": asked(args, kwargs)}, line)
                await asyncio.sleep(0)
                result = await function(*args, **kwargs)
                known[0] += 1
                return result

            return later()

        return astub if inspect.iscoroutinefunction(function) else stub

    def ask(**request: Any) -> dict[str, Any]:
        if not {"model", "messages"} <= request.keys():
            raise TypeError("the official client requires both")
        note("openai:chat/completions", json.loads(json.dumps(request)), sys._getframe(1).f_lineno)
        known[0] += 1
        return next(answers)

    try:
        main = _run_source(source, file, tool, lambda function: function, ask)["main"]
        result = main()
        result = asyncio.run(result) if inspect.iscoroutine(result) else result
        note("returned", json.loads(json.dumps(result)), 0)
    except Exception as error:  # noqa: BLE001 - what an edited source raises is how it ends
        note("raised", type(error).__name__, 0)
    return said


def _run_source(source: str, file: Path, tool: Any, agent: Any, ask: Any) -> dict[str, Any]:
    """Run a source text as a module of its own that has the campaign's tools in reach."""
    module = sys.modules[file.stem] = ModuleType(file.stem)
    module.__file__ = str(file)
    names = {"tool": tool, "agent": agent, "ask": ask, "gather": asyncio.gather, "dumps": json.dumps}
    vars(module).update(names, in_thread=in_thread)
    exec(compile(source, str(file), "exec"), vars(module))
    return vars(module)
