"""Questions as files in a folder, answered by files beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Final

from harness.adapters.approvals.answers import question_bytes, read_answer
from harness.ports import Approval, Pending, Question

QUESTION: Final = ".question.json"
ANSWER: Final = ".answer.json"
USED: Final = ".used.json"


class Folder:
    """Write ``DIGEST.question.json``, and read ``DIGEST.answer.json`` if it is there; the run stops if it is not.

    An answer that is taken is renamed to ``DIGEST.used.json``, once and for all. It is read again only by the same call
    of the same run, where that was killed before its trace had the answer: no other call ever has this digest. With a
    ``key`` an answer counts only if it is signed with it; without one, whoever may write to the folder may answer.
    """

    blocking: ClassVar[bool] = True

    def __init__(self, path: str | Path, *, key: bytes = b"") -> None:
        self._path, self._key = Path(path), key

    def __call__(self, question: Question) -> Approval | Pending:
        asked, answer, used = (self._path / f"{question.digest}{kind}" for kind in (QUESTION, ANSWER, USED))
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            if not asked.exists():
                draft = asked.with_name(f".{asked.name}.{os.getpid()}")
                draft.write_bytes(question_bytes(question) + b"\n")
                draft.replace(asked)
            found = used if used.exists() else answer
            if not found.exists():
                return Pending(str(answer))
            said = read_answer(found.read_bytes(), str(answer), self._key)
            if isinstance(said, Approval) and found is answer:
                answer.replace(used)
        except OSError as error:
            return Pending(str(answer), f"{error.filename}: {error.strerror}")
        return said
