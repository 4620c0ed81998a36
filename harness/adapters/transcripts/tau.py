"""Transcripts of tau-bench (original format) as traces.

A file is a list of ``{"task_id", "trial", "reward", "info", "traj"}``; ``traj`` holds Chat Completions messages. The
reward and the gold actions are labels. A tool of tau-bench refuses by an answer that begins with ``Error:``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from harness.adapters.transcripts.conversation import Conversation, Document, documents
from harness.adapters.transcripts.openai_chat import chat_events
from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.outcome import Failed, Ok, Outcome

_KEYS: Final = {"task_id": int, "trial": int, "reward": int | float, "info": dict, "traj": list}


def conversations(path: Path) -> Iterator[Conversation]:
    """Yield the transcripts of a file; UsageError names the one that is not of this format."""
    return transcripts(documents(path))


def transcripts(found: Iterable[Document]) -> Iterator[Conversation]:
    """Yield each document as a transcript; UsageError as above."""
    seen: set[tuple[int, int]] = set()
    for document in found:
        conversation = _conversation(document)
        key = (document.value["task_id"], document.value["trial"])
        if key in seen:
            raise UsageError(f"task {key[0]}, trial {key[1]} stands here a second time", where=document.place)
        seen.add(key)
        yield conversation


def outcome_of(content: Any) -> Outcome:
    """Give what a tool answered: a refusal is a failure that repeating will not cure."""
    if isinstance(content, str) and content.startswith("Error:"):
        return Failed({"type": "ToolError", "message": content})
    return Ok(content)


def _conversation(document: Document) -> Conversation:
    place, said = document
    for key, kind in _KEYS.items():
        if not isinstance(said, dict) or not isinstance(said.get(key), kind):
            cure = f"expected an object with {', '.join(_KEYS)}"
            raise UsageError(f"not a tau-bench transcript: {key} is missing or of another type", where=place, cure=cure)
    task, trial = said["task_id"], said["trial"]
    source = {"messages": canonical.digest_of(said["traj"]), "task": task, "trial": trial}
    label = {"gold": _gold(said["info"], place), "reward": said["reward"], "task": task, "trial": trial}
    return Conversation(f"task-{task:03d}-trial-{trial}", source, chat_events(said["traj"], place, outcome_of), label)


def _gold(info: dict[str, Any], place: str) -> list[Any]:
    try:
        gold = info["task"]["actions"]
    except (KeyError, TypeError):
        gold = None
    if not isinstance(gold, list):
        raise UsageError("not a tau-bench transcript: info.task.actions is missing or no list", where=place)
    return gold
