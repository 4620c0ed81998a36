"""Lines of a trace and the values they hold; strict in both directions.

A trace is JSON Lines: a header, one line per event, a footer. The chain starts at the digest of the header's ``run``
part and each event's ``prev`` is the digest of the line before it, so the last digest speaks for the run and for
nothing of the host. The footer seals the file as a whole, host part included.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.errors import TraceError, UnknownVersion
from harness.trace.event import BODIES, DOES, KINDS, Event
from harness.trace.outcome import from_body

VERSION: Final = 1
MAX_LINE_BYTES: Final = 1 << 30

_OPENING: Final = b'{"format":"mat"'
_AS_IS: Final = frozenset(("observation", "fault"))  # a fault tells of an outcome that may yet be given
_GIVEN: Final = ("input", "schedule")  # the latter holds what an input was before it was changed
_MAIN: Final = b'"main"'
_EVENT_KEYS: Final = ["agent", "at", "body", "kind", "parents", "prev", "seq", "task"]
_TYPES: Final = {
    "agent": str,
    "at": int,
    "body": dict,
    "kind": str,
    "parents": list,
    "prev": str,
    "seq": int,
    "task": str,
}
_FOOTER_KEYS: Final = {"digest", "events", "header", "seal", "verdict"}


class Header(NamedTuple):
    """What a run was (``run``: the same on every host) and where it ran (``host``)."""

    run: dict[str, Any]
    host: dict[str, Any]

    @property
    def digest(self) -> str:
        """The start of the chain."""
        return canonical.digest(_run_part(self.run))


class Footer(NamedTuple):
    """The end of a sealed trace: its digest, number of events, the header's digest, and the verdict of the run."""

    digest: str
    events: int
    header: str
    verdict: str

    @property
    def seal(self) -> str:
        """The digest over everything the footer says, and through it over the whole file."""
        return canonical.digest_of(self._asdict())


def header_line(header: Header) -> bytes:
    """Write the first line of a trace."""
    host, run = canonical.encode(header.host), _run_part(header.run)
    return b'{"format":"mat","host":%b,"run":%b,"version":%d}\n' % (host, run, VERSION)


def _run_part(run: dict[str, Any]) -> bytes:
    """Spell what a run was: sorted, but for its input, whose order of keys the agent could see."""
    spelled, given = canonical.encode(run), {name: run[name] for name in _GIVEN if name in run}
    if canonical.encode(given) == canonical.encode_as_is(given):
        return spelled
    return canonical.encode_as_is(canonical.decode(spelled) | given)


def footer_line(footer: Footer) -> bytes:
    """Write the last line of a trace."""
    return canonical.encode({"footer": footer._asdict() | {"seal": footer.seal}}) + b"\n"


def encode_body(kind: str, body: dict[str, Any]) -> bytes:
    """Write an event's body; outcomes keep the key order that the agent could see, everything else is sorted."""
    return canonical.encode_as_is(body) if kind in _AS_IS else canonical.encode(body)


def sorts(kind: str) -> bool:
    """Tell whether the keys of a body are sorted when it is written."""
    return kind not in _AS_IS


def event_line(event: Event, body: bytes, prev: str) -> bytes:
    """Write one event around its encoded body."""
    seq, kind, agent, task, parents, at, _ = event
    speaker = _MAIN if agent == "main" else canonical.encode(agent)
    known = f"[{parents[0]}]" if len(parents) == 1 else canonical.encode(parents).decode()
    after = f'"kind":"{kind}","parents":{known},"prev":"{prev}","seq":{seq},"task":"{task}"}}\n'
    return b'{"agent":%b,"at":%d,"body":%b,%b' % (speaker, at, body, after.encode())


def read_header(line: bytes, file: str) -> Header:
    """Read the first line; TraceError says what it is instead of a header this version knows."""
    if not line.endswith(b"\n") and _OPENING.startswith(line[: len(_OPENING)]):
        cure = "the run was killed before its first event: there is nothing to read"
        raise TraceError(file, 1, "the header was cut off", cure=cure)
    try:
        data = canonical.decode(line)
    except ValueError:
        raise TraceError(
            file, 1, "this is not a trace", cure="a trace starts with a JSON line; was a file mixed up?"
        ) from None
    if not isinstance(data, dict) or data.get("format") != "mat":
        raise TraceError(file, 1, 'this is not a trace: the first line lacks "format":"mat"')
    version = data.get("version")
    if isinstance(version, int) and version != VERSION:
        cure = "install a newer harness" if version > VERSION else f"this harness reads version {VERSION}"
        raise UnknownVersion(file, 1, f"trace format version {version} is not known here", cure=cure)
    parts = set(data) == {"format", "host", "run", "version"}
    if not parts or version != VERSION or not isinstance(data["run"], dict) or not isinstance(data["host"], dict):
        raise TraceError(file, 1, f"a header needs format, host, run and version; this one has {sorted(data)}")
    return Header(data["run"], data["host"])


class Line(NamedTuple):
    """One event as it stands in a line: its ``prev``, and its body's bytes."""

    event: Event
    prev: str
    body: bytes


def read_line(line: bytes, file: str, number: int) -> Line | Footer:
    """Read an event or the footer; TraceError names the line and what is wrong with it."""
    try:
        data = canonical.decode(line)
    except ValueError as error:
        raise TraceError(file, number, f"the line is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise TraceError(file, number, "the line is not a JSON object")
    if "footer" in data:
        return _read_footer(data, line, file, number)
    if sorted(data) != _EVENT_KEYS:
        raise TraceError(
            file, number, f"an event has the fields {', '.join(_EVENT_KEYS)}; this one has {', '.join(sorted(data))}"
        )
    for key, kind in _TYPES.items():
        if type(data[key]) is not kind:
            raise TraceError(file, number, f"field {key!r} is {data[key]!r}, not a {kind.__name__}")
    if not all(type(parent) is int for parent in data["parents"]):
        raise TraceError(file, number, f"field 'parents' is {data['parents']!r}, not a list of event numbers")
    event = Event(
        data["seq"], data["kind"], data["agent"], data["task"], tuple(data["parents"]), data["at"], data["body"]
    )
    check_body(event, file, number)
    body = encode_body(event.kind, event.body)
    if event_line(event, body, data["prev"]) != line:
        raise TraceError(
            file, number, "the line is not in canonical form", cure="traces are written by harness, not by hand"
        )
    return Line(event, data["prev"], body)


def check_types(event: Event, file: str, number: int) -> None:
    """Check that the values of a body, references resolved, have their types; TraceError names the field."""
    required, optional = BODIES[event.kind]
    for name, value in event.body.items():
        if not isinstance(value, required.get(name) or optional[name]):
            said = f"field {name!r} of this {event.kind} is a {type(value).__name__}"
            raise TraceError(file, number, f"{said}: {str(value)[:80]!r}")


def check_body(event: Event, file: str, number: int) -> None:
    """Check that a body has the fields of its kind and no others; TraceError names the field."""
    if event.kind not in KINDS:
        raise TraceError(file, number, f"unknown kind of event {event.kind!r}; known: {', '.join(sorted(KINDS))}")
    required, optional = BODIES[event.kind]
    missing, unknown = required.keys() - event.body.keys(), event.body.keys() - required.keys() - optional.keys()
    if missing or unknown:
        said = (
            f"lacks {', '.join(sorted(missing))}" if missing else f"has an unknown field: {', '.join(sorted(unknown))}"
        )
        raise TraceError(file, number, f"the body of this {event.kind} {said}")
    if event.kind == "route" and event.body["does"] not in DOES:
        said = f"a route does {event.body['does']!r}, which is not known here; known: {', '.join(DOES)}"
        raise TraceError(file, number, said)
    if event.kind == "observation":
        try:
            from_body(event.body)
        except ValueError as error:
            raise TraceError(file, number, str(error)) from None


def _read_footer(data: dict[str, Any], line: bytes, file: str, number: int) -> Footer:
    said = data["footer"]
    if len(data) != 1 or not isinstance(said, dict) or set(said) != _FOOTER_KEYS:
        raise TraceError(file, number, f"a footer holds {', '.join(sorted(_FOOTER_KEYS))} and nothing else")
    footer = Footer(said["digest"], said["events"], said["header"], said["verdict"])
    if footer.seal != said["seal"] or footer_line(footer) != line:
        raise TraceError(file, number, "the footer's seal does not fit what the footer says")
    return footer
