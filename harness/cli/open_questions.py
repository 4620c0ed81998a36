"""What a run that is not sealed waits for, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.mediation.approval import digest_of_question
from harness.run.questions import Unanswered


def lines_of_questions(unanswered: Iterable[Unanswered], registry: str) -> Iterator[str]:
    """Yield two lines for each question, by the digest of the registry in force; one asked again stands there once."""
    told: set[str] = set()
    for one in unanswered:
        _, tool, args = one.wanted
        if repr(one.wanted) in told:
            continue
        told.add(repr(one.wanted))
        given = ", ".join(f"{name}={value!r}" for name, value in args.items())
        yield f"waits for an answer  {tool}({given})  {one.decision.body['rule']}: {one.decision.body['reason']}"
        yield f"    question {digest_of_question(one.announced.digest, registry)}"
