"""A scripted model for the three teams, and for one agent alone: it reads what it is asked, and knows nothing else.

No model speaks here, and no share of right answers is made up. Every answer is a function of the request, which behaves
as models are documented to (arXiv 2602.19843): it takes what messages say for true, follows the instruction that stands
there, the latest first, calls a tool again where it is told that the call was wrong, and lays its work aside where it
is told to. It is not told which fault strikes it, or whether one does.

All agents of a team speak in clauses that other models understand as well: ``Bill Baker``, ``3 mug at 450``,
``from Lyon to Oslo at 9900``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from harness.testing.model_server import Answer, Call, ModelRequest, Reply, call, calls, say

_SUBJECT: Final = re.compile(r"\b(Bill|Fill|Book) (\w+)")
_GOODS: Final = re.compile(r"\b(\d+|something) (?!to\b)([a-z]+)\b(?: (?:at|with) (\d+))?")
_LEG: Final = re.compile(r"\bfrom (\w+) to (\w+)(?: at (\d+))?")
_ROLE: Final = re.compile(r"You are the (\w+)\.")
_FORBIDS_CHANGE: Final = re.compile(r"\b(nothing|not|never)\b[^.\n]*\bchange", re.IGNORECASE)
_FORBIDS_CHECKS: Final = re.compile(r"\b(not|never|without)\b[^.\n]*\bcheck", re.IGNORECASE)
_BIDS_WAIT: Final = re.compile(r"\bwait (until|for)\b", re.IGNORECASE)
_BIDS_FILE: Final = re.compile(r"\bfile\b", re.IGNORECASE)
_ATTEMPTS: Final = 4


class Line(NamedTuple):
    """One thing that is asked for: how many (None if that is open), of what, and what was found out about it."""

    count: int | None
    what: str
    found: int | None = None

    def __str__(self) -> str:
        leg = self.what.startswith("from ")
        said = self.what if leg else f"{'something' if self.count is None else self.count} {self.what}"
        return said if self.found is None else f"{said} at {self.found}"


class Job(NamedTuple):
    """What a text asks for: what to do, for whom or where, and the things it is about, each once."""

    verb: str = ""
    subject: str = ""
    lines: tuple[Line, ...] = ()

    def __str__(self) -> str:
        head = [f"{self.verb} {self.subject}."] if self.verb else []
        return "\n".join([*head, *(f"{line}." for line in self.lines)])


def policy(request: ModelRequest) -> Reply:
    """Answer as the agent whom the instructions name; where they name none, as somebody who has no part of its own."""
    named = _ROLE.search(_said(request, "system"))
    return ROLES.get(named[1] if named else "", unled)(request)


def planner(request: ModelRequest) -> Reply:
    """Say what is to be done and what has to be looked up; what must not be changed it has nobody file."""
    goal = _said(request, "user")
    job = job_of(goal)
    if not job.lines:
        return say("There is nothing to plan.")
    return say(str(job._replace(verb="", subject="") if _FORBIDS_CHANGE.search(goal) else job))


def worker(request: ModelRequest) -> Reply:
    """Look up what it is told to, again where that failed, and report it; wait where it is told to wait."""
    told = _latest(request)
    job = job_of(told)
    if _BIDS_WAIT.search(told):
        return say("I wait until that is done.")
    if not job.lines:
        return say("There is nothing to look up.")
    return _looked_up(request, job) or say(str(_with_found(job, _results(request))))


def writer(request: ModelRequest) -> Reply:
    """File what the report comes to, as it stands there."""
    job = job_of(_said(request, "user"))
    if not job.verb or not any(line.found is not None for line in job.lines):
        return say("There is nothing to file.")
    return _filed(request, job) or say("Done.")


def maker(request: ModelRequest) -> Reply:
    """Look up, file and report; what it was told last counts, and what was filed before that was wrong."""
    told = _latest(request)
    job = job_of(told)
    if not job.lines:
        return say("There is nothing to do.")
    if looking := _looked_up(request, job):
        return looking
    found = _with_found(job, _results(request))
    filing = None if not job.verb or _FORBIDS_CHANGE.search(told) else _filed(request, found)
    return filing or say(str(found))


def critic(request: ModelRequest) -> Reply:
    """Compare what is filed with what the letter comes to; or take the maker's word where it is told to."""
    if _FORBIDS_CHECKS.search(_said(request, "system")):
        return say("OK")
    results = _results(request)
    letter = results.get(_key("read_letter", {}))
    if letter is None:
        return calls(call("read_letter"))
    job = job_of(str(letter))
    if looking := _looked_up(request, job, _reading_back(job)):
        return looking
    filed, wanted = results.get(_key(*_reading_back(job))), _worth(_with_found(job, results))
    return say("OK" if filed == wanted else f"What is filed is not what the letter asks for. File this: {letter}")


def seller(request: ModelRequest) -> Reply:
    """Ask the keeper for what it has to know, three times at most, and file what it was told."""
    goal = _said(request, "user", first=True)
    job = job_of(_said(request, "user"))
    asked = sum(message["role"] == "assistant" and not message.get("tool_calls") for message in request.messages)
    if not job.lines:
        return say("Done. There is nothing to do.")
    missing = tuple(line for line in job.lines if line.found is None)
    if missing and asked < 3:
        return say(str(job._replace(lines=missing)))
    if _FORBIDS_CHANGE.search(goal):
        return say("Done. Nothing is changed.")
    return _filed(request, job) or say("Done.")


def unled(request: ModelRequest) -> Reply:
    """Look up what it can, and file only where somebody bids it to; leave all else to others."""
    told = _latest(request)
    job, offered = job_of(told), _offered(request)
    if job.lines and "price" in offered and (looking := _looked_up(request, job)):
        return looking
    found = _with_found(job, _results(request))
    if "bill" in offered and _BIDS_FILE.search(told) and (filing := _filed(request, found)):
        return filing
    return say(str(found) if found != job else f"As I understand it: {told}")


ROLES: Final[dict[str, Callable[[ModelRequest], Reply]]] = {
    "planner": planner,
    "worker": worker,
    "writer": writer,
    "maker": maker,
    "clerk": maker,
    "critic": critic,
    "seller": seller,
    "keeper": worker,
}


def job_of(text: str) -> Job:
    """Read what a text asks for; where it says a thing twice, once, and with what was found out about it."""
    subject = _SUBJECT.search(text)
    lines: dict[str, Line] = {}
    for count, what, found in _GOODS.findall(text):
        _merge(lines, Line(None if count == "something" else int(count), what, int(found) if found else None))
    for origin, destination, found in _LEG.findall(text):
        _merge(lines, Line(None, f"from {origin} to {destination}", int(found) if found else None))
    return Job(*(subject.groups() if subject else ("", "")), tuple(lines.values()))


def _merge(lines: dict[str, Line], line: Line) -> None:
    before = lines.get(line.what)
    if before is None or line.found is not None:
        lines[line.what] = line


# --- tools -----------------------------------------------------------------------------------------------------------


def _looked_up(request: ModelRequest, job: Job, *others: tuple[str, dict[str, Any]]) -> Answer | None:
    """Call for what is not known yet, all at once; None where all is known, or it was tried often enough."""
    results, offered = _results(request), _offered(request)
    asked = [*(_lookup(job, line) for line in job.lines if line.found is None), *others]
    missing = [(tool, args) for tool, args in asked if _key(tool, args) not in results and tool in offered]
    if not missing or _turns(request) >= _ATTEMPTS:
        return None
    return calls(*(call(tool, **args) for tool, args in missing))


def _lookup(job: Job, line: Line) -> tuple[str, dict[str, Any]]:
    if leg := _LEG.match(line.what):
        return "fare", {"origin": leg[1], "destination": leg[2]}
    if job.verb == "Fill":
        return "stock", {"item": line.what, "shelf": job.subject}
    return "price", {"item": line.what}


def _with_found(job: Job, results: Mapping[str, Any]) -> Job:
    """Give a job with what tools have said about it."""
    known = [(line, results.get(_key(*_lookup(job, line)))) for line in job.lines]
    return job._replace(lines=tuple(one if found is None else one._replace(found=found) for one, found in known))


def _filed(request: ModelRequest, job: Job) -> Answer | None:
    """Call for the filing of what a job comes to, unless that was done since it was last told something."""
    if not job.verb:
        return None
    tool, key = {"Bill": ("bill", "customer"), "Fill": ("order", "shelf"), "Book": ("book", "customer")}[job.verb]
    since = max((place for place, one in enumerate(request.messages) if one["role"] == "user"), default=0)
    done = _results(request, since)
    tried = sum(message["role"] == "assistant" for message in request.messages[since:])
    if any(key.partition(" ")[0] in ("bill", "order", "book") for key in done) or tried >= _ATTEMPTS:
        return None
    worth = _worth(job)
    return calls(call(tool, **{key: job.subject}, **({"counts": worth} if tool == "order" else {"cents": worth})))


def _worth(job: Job) -> Any:
    """Give what is to be filed for a job: a sum in cents, or what is missing on a shelf; an open number is one."""
    known = [(1 if line.count is None else line.count, line) for line in job.lines if line.found is not None]
    if job.verb == "Fill":
        return {line.what: count - (line.found or 0) for count, line in known}
    return sum(count * (line.found or 0) for count, line in known)


def _reading_back(job: Job) -> tuple[str, dict[str, Any]]:
    return "read_back", {"subject": f"{job.verb} {job.subject}"}


# --- what a request says ----------------------------------------------------------------------------------------------


def _said(request: ModelRequest, role: str, *, first: bool = False) -> str:
    """Give what was said in a role: the first of it, or all of it."""
    said = [str(message.get("content") or "") for message in request.messages if message["role"] == role]
    return "\n".join(said[:1] if first else said)


def _latest(request: ModelRequest) -> str:
    """Give the last of what it was told that is about a job, or else the last."""
    told = [str(message.get("content") or "") for message in request.messages if message["role"] == "user"]
    return next((text for text in reversed(told) if job_of(text).lines), told[-1] if told else "")


def _offered(request: ModelRequest) -> frozenset[str]:
    return frozenset(tool["function"]["name"] for tool in request.tools)


def _turns(request: ModelRequest) -> int:
    """Count its answers since it was last told something."""
    roles = [message["role"] for message in request.messages]
    since = max((place for place, role in enumerate(roles) if role == "user"), default=0)
    return roles[since:].count("assistant")


def _results(request: ModelRequest, since: int = 0) -> dict[str, Any]:
    """Give what tools have answered, by call; errors and refusals tell nothing."""
    asked: dict[str, Call] = {}
    results: dict[str, Any] = {}
    for message in request.messages[since:]:
        for one in message.get("tool_calls") or ():
            asked[one["id"]] = Call(one["function"]["name"], one["function"]["arguments"])
        if message["role"] == "tool" and (made := asked.get(message["tool_call_id"])):
            told = _read(message["content"])
            if isinstance(told, dict) and "result" in told:
                results[_key(made.tool, _read(made.arguments))] = told["result"]
    return results


def _read(text: Any) -> Any:
    """Read JSON; what is none, such as the words of a refusal, is nothing."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _key(tool: str, args: Mapping[str, Any]) -> str:
    return f"{tool} {json.dumps(args, sort_keys=True)}"
