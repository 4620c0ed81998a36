"""AgentRx's retail trajectories: transcripts of tau-bench, and the steps at which people say they failed.

The annotations stand in ``step_annotations.json`` beside the trajectories. They are labels: ``failures`` and
``root_cause`` beside the reward and the gold actions. A ``step_number`` counts messages, the system message is 1.
Source: AgentRx (arXiv 2602.02475).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from harness.adapters.transcripts import tau
from harness.adapters.transcripts.conversation import Conversation, Document, documents
from harness.errors import UsageError

ANNOTATIONS: Final = "step_annotations.json"

_UNANNOTATED: Final[dict[str, Any]] = {"failures": [], "root_cause": None}


def conversations(path: Path) -> Iterator[Conversation]:
    """Yield the transcripts of a file; one that nobody annotated has no failures.

    UsageError names what is not of this format, and an annotation of a trajectory or message that is not there.
    """
    file = path.with_name(ANNOTATIONS)
    annotations = _annotations(file)
    found = list(documents(path))
    for document, conversation in zip(found, tau.transcripts(found), strict=True):
        annotation = annotations.pop(document.value["task_id"], _UNANNOTATED)
        for failure in annotation["failures"]:
            _check_step(failure, document, file)
        yield conversation._replace(label=conversation.label | annotation)
    if annotations:
        raise UsageError(f"annotates trajectories that are not in {path.name}: {sorted(annotations)}", where=str(file))


def _annotations(file: Path) -> dict[int, dict[str, Any]]:
    annotations: dict[int, dict[str, Any]] = {}
    for document in documents(file):
        trajectory, label = _annotation(document)
        if trajectory in annotations:
            raise UsageError(f"trajectory {trajectory} is annotated a second time", where=document.place)
        annotations[trajectory] = label
    return annotations


def _annotation(document: Document) -> tuple[int, dict[str, Any]]:
    said = document.value
    try:
        trajectory, failures, root_cause = said["trajectory_id"], said["failures"], said["root_cause"]
        steps = [failure["step_number"] for failure in failures]
    except (KeyError, TypeError):
        steps = [None]
    if not all(isinstance(step, int) for step in steps):
        cure = "expected trajectory_id, root_cause, and failures that have a step_number"
        raise UsageError("not an annotation of AgentRx", where=document.place, cure=cure)
    return trajectory, {"failures": failures, "root_cause": root_cause}


def _check_step(failure: dict[str, Any], document: Document, file: Path) -> None:
    step, messages = failure["step_number"], len(document.value["traj"])
    if not 1 <= step <= messages:
        task = document.value["task_id"]
        said = f"trajectory {task} has messages 1 to {messages}, and no {step}"
        raise UsageError(said, where=str(file), cure="the annotations belong to another cut of the trajectories")
