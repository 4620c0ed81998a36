"""How a model answers under pressure, when its tokens betray that it is wrong, and what asking it again is worth.

Forty-eight questions with four options, whose answers follow by computation or plain definition. Each is asked plainly
and then with a wrong answer that an authority asserts, in four wordings (arXiv 2511.17220); and each is asked again and
again until the answers agree or there have been enough (2511.12240), where the first replies tell whether instability
(2602.02863) finds wrong answers better than the mean entropy does.

Three models are scripted: policies with stated rates on the project's own server, so that the measurement has a truth
to recover. A real one is asked where the environment names it. What the scripted ones do says nothing about any model.
"""

from __future__ import annotations

import os
from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import MODEL, VARIABLE, pinned, ready, run
from .figures import figures
from .questions import KINDS, questions
from .scripted import SCRIPTED


def _task(question: str, kind: str = "") -> Task:
    name, group = (f"{question}, {kind}", kind) if kind else (question, "sampled")
    return Task(name, group, {"question": question, "kind": kind}, seeded=True)


SUITE: Final = Suite(
    name="pressure",
    version="1.0.0",
    title="Answers under pressure, unstable answers, and answers asked for again",
    tasks=(
        *(_task(name, kind) for kind in KINDS for name in questions()),
        *(_task(name) for name in questions()),
    ),
    conditions=tuple(map(Condition, [*SCRIPTED, *([MODEL] if os.environ.get(VARIABLE) else [])])),
    run=run,
    figures=figures,
    needs=(f"{VARIABLE} and OPENAI_API_KEY for the condition {MODEL}, nothing for the others",),
    pinned=pinned,
    ready=ready,
)
