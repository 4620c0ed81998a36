"""A cache of sessions is keyed by the thread alone, and the next user of a thread is served in another one's session.

Family: keys that collide
Reported: https://github.com/ag-ui-protocol/ag-ui/issues/1310 -- the look-up of sessions ignores the user: who comes
second with the same thread id is given the first one's session, which may be expired or somebody else's. This
reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: chats
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: OWN-SESSION
    title: Users are answered in sessions that were opened for them
    on: action
    tool: answer
    require: >-
      happened(result, call.tool == "open_session" and call.args.user == now.call.args.user
      and result == now.call.args.session)
    severity: critical
    otherwise: observe
    says: This session is not of {call.args.user}.
"""
APP = Harness(load(RULES, "chats.yaml"))
SESSIONS: dict[str, list[str]] = {}


def fresh() -> None:
    """Put the world back."""
    SESSIONS.clear()


@APP.tool(effect="write")
def open_session(user: str, thread: str) -> str:
    """Open a session for a user."""
    session = f"session {len(SESSIONS) + 1} of {user}"
    SESSIONS[session] = []
    return session


@APP.tool(effect="write")
def answer(session: str, user: str, text: str) -> str:
    """Answer a user, with what was said in this session before."""
    SESSIONS[session].append(text)
    return f"{user}, so far you have said: {'; '.join(SESSIONS[session])}"


@APP.tool(effect="write")
def close_session(session: str) -> str:
    """Close a session, and forget what was said in it."""
    SESSIONS.pop(session, None)
    return "closed"


def serve(requests: list[dict[str, str]], key: Callable[[str, str], Any]) -> list[str]:
    """Answer requests; an open session is found again by its ``key``."""
    cache: dict[Any, str] = {}
    said = []
    for request in requests:
        user, thread = request["user"], request["thread"]
        place = key(user, thread)
        try:
            if place not in cache:
                cache[place] = open_session(user, thread)
            said.append(answer(cache[place], user, request["text"]))
            close_session(cache.pop(place))
        except Exception as error:  # the next request is served all the same
            said.append(f"{user}: {error}")
    return said


@APP.agent
def agent(requests: list[dict[str, str]]) -> list[str]:
    """Answer requests."""
    return serve(requests, lambda user, thread: thread)


@APP.agent
def mended(requests: list[dict[str, str]]) -> list[str]:
    """Answer requests; sessions of users are kept apart."""
    return serve(requests, lambda user, thread: (user, thread))


INPUT = {
    "requests": [
        {"user": "ann", "thread": "t-1", "text": "My number is 77."},
        {"user": "bob", "thread": "t-1", "text": "Hello!"},
    ]
}
RULE = "OWN-SESSION"
WITNESS = {"inject": [{"fault": "error", "tool": "answer", "nth": 1}]}
CAUSE = {"tool": "answer", "nth": 1}
