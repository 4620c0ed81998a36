"""Spans from files of OTLP JSON, as collectors and file exporters write it: one document, or one a line.

A file may be gzipped, and the spans of one trace may be spread over lines and files. Everything is read before anything
is written, so that a span can be told from its parents; files of more than 100 MB are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.otel.wire import nanoseconds, plain
from harness.adapters.transcripts.conversation import Document, content, parsed
from harness.determinism import canonical
from harness.errors import UsageError

MAX_BYTES: Final = 100_000_000

_CURE: Final = 'expected {"resourceSpans": […]}, as a collector\'s file exporter or an OTLP JSON exporter writes it'


class Told(NamedTuple):
    """An event of a span."""

    name: str
    time: int
    attributes: dict[str, Any]


class Span(NamedTuple):
    """One span: identifiers are opaque text (``parent`` empty: none), times are nanoseconds since 1970.

    ``end`` is None where the span says none. ``failed`` tells an error status, ``said`` its message. ``scope`` names
    who made the span, ``place`` where it stands.
    """

    trace: str
    id: str
    parent: str
    name: str
    start: int
    end: int | None
    attributes: dict[str, Any]
    events: tuple[Told, ...]
    links: tuple[str, ...]
    failed: bool
    said: str
    scope: str
    resource: dict[str, Any]
    place: str


class Found(NamedTuple):
    """The spans of one trace in the order of the files, and what was passed over on the way."""

    spans: list[Span]
    lost: Counter[str]


def read_traces(paths: Sequence[Path]) -> list[Found]:
    """Give the traces of some files, in the order in which they began.

    UsageError names the place of what is not OTLP JSON, of a span without identifiers or start, of one that stands
    there twice with other content, and of parents that go round in a circle. O(size).
    """
    traces: dict[str, dict[str, Span]] = {}
    lost: dict[str, Counter[str]] = {}
    for span in (span for path in paths for span in _spans(path)):
        known = traces.setdefault(span.trace, {})
        before = known.setdefault(span.id, span)
        if before is span:
            lost.setdefault(span.trace, Counter())
        elif before._replace(place="", resource={}) != span._replace(place="", resource={}):
            raise UsageError(f"span {span.id} stands at {before.place} too, with other content", where=span.place)
        else:
            lost[span.trace]["span that is told twice"] += 1  # an exporter that was not answered sends again
    if not traces:
        raise UsageError("no spans", where=", ".join(map(str, paths)), cure=_CURE)
    for known in traces.values():
        _refuse_circles(known)
    found = [Found(list(known.values()), lost[trace]) for trace, known in traces.items()]
    return sorted(found, key=lambda one: min(span.start for span in one.spans))


def _spans(path: Path) -> Iterator[Span]:
    for place, document in _documents(path):
        if not isinstance(document, dict):
            raise UsageError("not OTLP JSON: no object", where=place, cure=_CURE)
        if "resourceLogs" in document or "resourceMetrics" in document:
            continue  # a collector may write them between the spans
        for number, group in enumerate(_list(document.get("resourceSpans"), "resourceSpans", place)):
            where = f"{place}, resourceSpans {number}"
            resource = _attributes(_object(group, where).get("resource") or {}, where)
            scopes = _list(group.get("scopeSpans"), "scopeSpans", where)
            for index, scoped in enumerate(scopes):
                yield from _scoped(scoped, resource, f"{where}, scopeSpans {index}")


def _documents(path: Path) -> Iterator[Document]:
    data = content(path, MAX_BYTES)
    if not data.strip():
        raise UsageError("the file is empty", where=str(path), cure=_CURE)
    if not _has_lines(data.strip()):
        whole = parsed(data, str(path))
        for document in whole if isinstance(whole, list) else [whole]:
            yield Document(str(path), document)
        return
    for number, line in enumerate(BytesIO(data), start=1):
        if line.strip():
            yield Document(f"{path}:{number}", parsed(line, f"{path}:{number}"))


def _has_lines(data: bytes) -> bool:
    """Tell whether each line is a document of its own: the first one is, and another follows."""
    first = data[: data.find(b"\n")]  # all but the last byte where there is one line, and then no document
    try:
        return isinstance(canonical.decode(first), dict)
    except ValueError:
        return False


def _scoped(scoped: Any, resource: dict[str, Any], where: str) -> Iterator[Span]:
    scope = _object(_object(scoped, where).get("scope") or {}, where)
    producer = " ".join(str(scope[key]) for key in ("name", "version") if scope.get(key))
    for number, said in enumerate(_list(scoped.get("spans"), "spans", where)):
        place = f"{where}, span {number}"
        yield _span(_object(said, place), producer, resource, place)


def _span(said: dict[str, Any], scope: str, resource: dict[str, Any], place: str) -> Span:
    trace, name = (_named(said, key, place) for key in ("traceId", "spanId"))
    place = f"{place} ({name})"
    start = nanoseconds(said.get("startTimeUnixNano"))
    if start is None:
        missing = f"no time of start: startTimeUnixNano is {said.get('startTimeUnixNano')!r}"
        raise UsageError(missing, where=place, cure="expected nanoseconds since 1970, as a number or as text")
    status = _object(said.get("status") or {}, place)
    return Span(
        trace=trace,
        id=name,
        parent=str(said.get("parentSpanId") or ""),
        name=str(said.get("name") or ""),
        start=start,
        end=nanoseconds(said.get("endTimeUnixNano")),
        attributes=_attributes(said, place),
        events=tuple(_told(event, start, place) for event in _list(said.get("events") or [], "events", place)),
        links=tuple(str(_object(one, place).get("spanId")) for one in _list(said.get("links") or [], "links", place)),
        failed=status.get("code") in (2, "STATUS_CODE_ERROR"),
        said=str(status.get("message") or ""),
        scope=scope,
        resource=resource,
        place=place,
    )


def _told(said: Any, start: int, place: str) -> Told:
    event = _object(said, place)
    time = nanoseconds(event.get("timeUnixNano"))
    return Told(str(event.get("name") or ""), start if time is None else time, _attributes(event, place))


def _named(said: dict[str, Any], key: str, place: str) -> str:
    name = said.get(key)
    if not isinstance(name, str) or not name.strip("0"):
        raise UsageError(f"a span without {key}: {name!r}", where=place)
    return name


def _attributes(said: Any, place: str) -> dict[str, Any]:
    try:
        return plain(_object(said, place).get("attributes") or [])
    except UsageError as error:
        raise UsageError(error.what, where=place, cure=error.cure) from None
    except RecursionError:
        raise UsageError("an attribute is nested too deeply", where=place) from None


def _object(said: Any, place: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise UsageError(f"expected an object, not {str(said)[:80]!r}", where=place, cure=_CURE)
    return said


def _list(said: Any, name: str, place: str) -> list[Any]:
    if not isinstance(said, list):
        problem = f"{name} is missing" if said is None else f"{name} is no list but {str(said)[:80]!r}"
        raise UsageError(f"not OTLP JSON: {problem}", where=place, cure=_CURE)
    return said


def _refuse_circles(spans: dict[str, Span]) -> None:
    """Refuse spans whose parents lead back to themselves. O(spans)."""
    sound: set[str] = set()
    for span in spans.values():
        way: dict[str, None] = {}
        above = span
        while above.id not in sound:
            if above.id in way:
                circle = [*list(way)[list(way).index(above.id) :], above.id]
                raise UsageError(f"the parents of spans go round: {' → '.join(circle)}", where=above.place)
            way[above.id] = None
            if above.parent not in spans:
                break
            above = spans[above.parent]
        sound.update(way)
