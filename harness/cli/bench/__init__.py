"""``harness bench …``: measurements that anybody can make again, one file per verb."""

from __future__ import annotations

from typing import Final

VERBS: Final = {
    "case": "An assurance case: looked at again and drawn.",
    "list": "The suites that come with harness.",
    "report": "Tell stored results: a page, Markdown, JUnit XML, SARIF.",
    "run": "Do a suite's tasks and report its figures.",
    "compare": "Tell whether one result is worse than another, or noise.",
    "new": "Write a suite of one's own to begin with.",
}
