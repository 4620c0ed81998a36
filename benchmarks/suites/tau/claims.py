"""What an agent states in a conversation and had from nobody: F2 of arXiv 2603.18096, as far as sources decide it.

A *claim* is a code that the agent writes, in a message or in the arguments of a call: an address of mail, a telephone
number, a number of seven digits or more, or a word of five letters, digits and underscores or more in which both
letters and digits are (``FLY123``, ``#K7654321``, ``credit_card_1234567``), unless it is a measure (``256GB``). It
counts once in a conversation, where it first stands. It is *supported* where the policy, the user or the answer of a
tool held it before, as a word or as several (``certificate 2345678`` for ``certificate_2345678``). An unsupported one
is *used* where the agent gives it to a tool, there or later.

What this does not verify: that a code is the right one (that of another order is supported), nor any amount, date or
time, which agents add up and spell anew, nor what is said in words. An example of how a code looks counts as a claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness.assertion.leaves import Key, leaves_of
from harness.assertion.provenance import Provenance
from harness.assertion.tokens import tokens_of
from harness.trace.event import Event

USER: Final = "user"
"""The agent of the calls that the simulated user makes; their answers are the user's, and no tool's to the agent."""

_CODE: Final = re.compile(
    r"(?!\d+[a-z]{1,3}$)(?=\w*\d)(?=\w*[a-z])[a-z0-9_]{5,}"
    r"|\d{7,}"
    r"|\+?\d{0,3}-?\d{3}-\d{3}-\d{4}"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
)


class Claims(NamedTuple):
    """How many codes an agent stated, those without support, and how many of these it gave to a tool."""

    stated: int
    unsupported: tuple[str, ...]
    used: int


def claims_of(events: Iterable[Event]) -> Claims | None:
    """Count the claims of a conversation; None where no user speaks: what the agent was told is then not in it."""
    known, supported, used = Provenance(), dict[str, bool](), set[str]()
    users, heard = set[int](), False
    for event in events:
        body = event.body
        if event.kind == "message":
            said = body["message"]
            text, role = said.get("content") or "", said["role"]
            heard |= role == "user"
            if role == "assistant":
                _state(text, known, supported)
            elif role != "tool":
                _learn(text, known, event, "user" if role == "user" else "system")
        elif event.kind == "action" and event.agent == USER:
            users.add(event.seq)
        elif event.kind == "action":
            used |= set(_state(body["args"], known, supported))
        elif event.kind == "observation" and body["action"] not in users:
            _learn([body.get("ok"), body.get("failed")], known, event, "tool")
    missing = tuple(code for code, found in supported.items() if not found)
    return Claims(len(supported), missing, len(used.intersection(missing))) if heard else None


def codes_in(value: Any) -> Iterator[str]:
    """Yield the codes that stand in a value, in lower case."""
    for path, leaf in leaves_of(value, ()):
        if not path or type(path[-1]) is not Key:
            yield from (token for token in tokens_of(str(leaf)) if _CODE.fullmatch(token))


def _state(value: Any, known: Provenance, supported: dict[str, bool]) -> list[str]:
    """Note where the codes of a value were seen before, and give them."""
    codes = list(codes_in(value))
    for code in codes:
        if code not in supported:
            supported[code] = any(_held(spelled, known) for spelled in {code, code.replace("_", " ")})
    return codes


def _held(code: str, known: Provenance) -> bool:
    return any(origin.grade != "part" for origin in known.origins(code))


def _learn(value: Any, known: Provenance, event: Event, kind: Any) -> None:
    for _, leaf in leaves_of(value, ()):
        text = str(leaf)
        known.learn([text, text.replace("_", " ")], kind, seq=event.seq, step=event.at)
