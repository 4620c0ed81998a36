"""One agent behind a web server: every request is a session of its own. ``AGENT`` in the environment names the entry.

::

    AGENT=benchmarks.frameworks.agents.framework_shop:langgraph uvicorn benchmarks.frameworks.server:web
"""

from __future__ import annotations

import inspect
import os
import threading
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.door.agents import load_entry
from harness.door.app import app_of
from harness.door.session import Session

agent = load_entry(os.environ["AGENT"])
app = app_of(agent)
assert app is not None


async def ask(request: Request) -> JSONResponse:
    """Answer a request in the loop of the server."""
    async with app.session() as session:
        try:
            result = await agent(question=request.query_params["question"])
        except Exception as error:  # noqa: BLE001 - what the agent raised is in the record, and its caller is told
            return _answer(session, error=repr(error))
    return _answer(session, result=repr(result))


def ask_in_thread(request: Request) -> JSONResponse:
    """Answer a request in a thread of the server's pool."""
    with app.session() as session:
        try:
            result = agent(question=request.query_params["question"])
        except Exception as error:  # noqa: BLE001 - what the agent raised is in the record, and its caller is told
            return _answer(session, error=repr(error))
    return _answer(session, result=repr(result))


def _answer(session: Session, **said: Any) -> JSONResponse:
    return JSONResponse({"trace": session.trace.path, "digest": session.trace.digest, **said})


def _burn() -> None:
    while True:  # fights the agents for the interpreter
        sum(range(1000))


if os.environ.get("BURN"):
    threading.Thread(target=_burn, daemon=True).start()

endpoint = ask if inspect.iscoroutinefunction(agent) else ask_in_thread
web = Starlette(routes=[Route("/ask", endpoint)])
