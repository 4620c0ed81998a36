"""Recorded conversations as traces: read their files, write one trace for each.

Importers differ in where the messages, the labels and the errors of tools stand; everything else is here. Labels never
enter a trace: they go to ``labels.jsonl`` beside the traces, which no checker reads.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from harness.adapters.files import SUFFIX, FileStore
from harness.determinism import canonical
from harness.errors import NotRecordable, StoreError, UsageError
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.writer import Writer

LABELS: Final = "labels.jsonl"
UNCHECKED: Final = "unchecked"  # the footer's verdict of a run that no registry has judged yet


class Document(NamedTuple):
    """One JSON value of a file, and its place for messages to the reader."""

    place: str
    value: Any


class Conversation(NamedTuple):
    """One conversation to be written as a trace.

    ``name`` becomes the file's name, ``source`` says in the header where it came from, ``label`` is what is known
    about it that a checker must not know. ``run`` and ``host`` are what else the header says of it, ``lost`` what the
    source says that a trace has no place for, each with how often.
    """

    name: str
    source: dict[str, Any]
    events: Iterable[Event]
    label: dict[str, Any]
    run: Mapping[str, Any] = MappingProxyType({})
    host: Mapping[str, Any] = MappingProxyType({})
    lost: Mapping[str, int] = MappingProxyType({})


class Imported(NamedTuple):
    """Count what was written, and what was not because a trace has no place for it."""

    traces: int
    events: int
    labels: int
    lost: dict[str, int]


def documents(path: Path) -> Iterator[Document]:
    """Yield the elements of a ``.json`` list or the lines of a ``.jsonl`` file, also gzipped (``.gz``).

    A ``.json`` file that holds anything but a list is one document. UsageError names the line that is not JSON.
    """
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind not in ("json", "jsonl"):
        raise UsageError("not a transcript file by its name", where=str(path), cure="expected .json or .jsonl (.gz)")
    data = content(path)
    if kind == "jsonl":
        for number, line in enumerate(data.splitlines(), start=1):
            if line.strip():
                yield Document(f"{path}:{number}", parsed(line, f"{path}:{number}"))
        return
    whole = parsed(data, str(path))
    for number, value in enumerate(whole if isinstance(whole, list) else [whole]):
        yield Document(f"{path}: transcript {number}", value)


def write_traces(conversations: Iterable[Conversation], importer: str, source: Path, out: Path) -> Imported:
    """Write each conversation as a trace into the new folder ``out``, all of them or none. O(size of the source).

    The same source gives the same bytes. UsageError where ``out`` holds something already, or a conversation cannot
    be written; StoreError where the disk refuses.
    """
    out = out.resolve()
    try:
        unfinished = _new_folder(out)
        try:
            imported = _write_all(conversations, importer, source, unfinished)
            unfinished.rename(out)  # the folder appears complete or not at all
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"{out}: the traces cannot be written: {error.strerror}") from None
    return imported


def header_of(conversation: Conversation, importer: str, source: str) -> Header:
    """Give the header of a conversation's trace; ``source`` names the file that it was read from."""
    run = {**_run(importer, conversation.source), **conversation.run}
    return Header(run, {"source": source, **conversation.host})


def _new_folder(out: Path) -> Path:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("not empty, and traces are never written over", where=str(out), cure="name another folder")
    unfinished = out.with_name(f"{out.name}.unfinished")
    try:
        unfinished.mkdir(parents=True)
    except FileExistsError:
        raise UsageError("left behind by an import that was cut off", where=str(unfinished), cure="delete it") from None
    return unfinished


def _write_all(conversations: Iterable[Conversation], importer: str, source: Path, folder: Path) -> Imported:
    traces = events = 0
    labels: list[bytes] = []
    lost = Counter[str]()
    try:
        for conversation in conversations:
            name = f"{conversation.name}{SUFFIX}"
            events += _write(conversation, importer, source, folder / name)
            if conversation.label:
                labels.append(canonical.encode({**conversation.label, "trace": name}) + b"\n")
            lost.update(conversation.lost)
            traces += 1
    except NotRecordable as error:
        raise UsageError(f"transcript {traces} cannot be written: {error.what}", where=str(source)) from None
    if not traces:
        raise UsageError("holds no conversation", where=str(source))
    if labels:
        (folder / LABELS).write_bytes(b"".join(labels))
    return Imported(traces, events, len(labels), dict(sorted(lost.items())))


def _write(conversation: Conversation, importer: str, source: Path, path: Path) -> int:
    writer = Writer(header_of(conversation, importer, source.name))
    store = FileStore(path)
    try:
        store.append(writer.header_line)
        for event in conversation.events:
            store.append(writer.append(event))
        store.append(writer.footer_line(UNCHECKED))
    finally:
        store.close()
    return writer.seq


def _run(importer: str, source: dict[str, Any]) -> dict[str, Any]:
    """Describe an imported run with the keys of a recorded one; ``at`` counts events, where times are not known."""
    return {
        "clock": "ordinal",
        "conversation": None,
        "entry": None,
        "format": 1,
        "importer": importer,
        "input": None,
        "registries": [],
        "seed": 0,
        "source": source,
        "subject": None,
        "tenant": None,
        "tools": {},
    }


def content(path: Path, most_bytes: int | None = None) -> bytes:
    """Read a file, unpacked where its name ends in ``.gz``; UsageError where it cannot be, or holds more bytes."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read() if most_bytes is None else file.read(most_bytes + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(f"not a complete gzip file: {error}", where=str(path)) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if most_bytes is not None and len(data) > most_bytes:
        raise UsageError(f"holds more than {most_bytes:,} bytes", where=str(path), cure="split it into smaller files")
    return data


def parsed(data: bytes, place: str) -> Any:
    """Read JSON; UsageError names the place of what is none."""
    try:
        return canonical.decode(data)
    except ValueError as error:
        raise UsageError(f"not JSON: {error}", where=place) from None
