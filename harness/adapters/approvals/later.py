"""Whoever is asked on behalf of a run that cannot stop and wait."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from harness.mediation.approval import missing, taken
from harness.ports import Approval, Approver, Pending, Question


class Later:
    """Ask ``approver``, and where there is no answer yet let the run go on without the call.

    The call is refused, with the place where its answer is awaited. Made again in the same run, it is asked about by
    the same digest, so that an answer which was given meanwhile is found.
    """

    def __init__(self, approver: Approver) -> None:
        self._approver = approver

    async def __call__(self, question: Question) -> Approval:
        try:
            if getattr(self._approver, "blocking", False):
                said: Any = await asyncio.to_thread(self._approver, question)
            else:
                said = self._approver(question)
            answer = taken(await said if inspect.isawaitable(said) else said)
        except Exception as error:  # noqa: BLE001 - whatever keeps it from answering: nobody has said yes
            answer = missing(error)
        return answer if isinstance(answer, Approval) else _not_yet(answer, question)


def _not_yet(pending: Pending, question: Question) -> Approval:
    parts = ["it has to be allowed first, and there is no answer yet"]
    parts += [f"it is awaited at {pending.where}"] if pending.where else []
    parts += [pending.why] if pending.why else []
    parts += [f"ask again after {pending.until.isoformat()}"] if pending.until else []
    parts.append(f"question {question.digest}; the same call may be made again")
    return Approval(False, pending.where or "nobody yet", ", ".join(parts), question.digest, later=True)
