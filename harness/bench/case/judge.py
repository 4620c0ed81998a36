"""What becomes of a whole argument when what it rests on has been looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench.case.argument import Case, Element, Finding, Status, worst
from harness.bench.case.evidence import findings_of, joined


class Judged(NamedTuple):
    """A case and the finding on each of its elements; ``file`` is where the case was read from."""

    case: Case
    file: str
    findings: Mapping[str, Finding]

    @property
    def status(self) -> Status:
        """The status of the goal at the top, and so of the case."""
        return self.findings[self.case.root].status

    @property
    def facts(self) -> dict[str, Any]:
        """Give the argument with what was found, as JSON."""
        case = self.case
        elements = {name: self._element(one) for name, one in case.elements.items()}
        about = {"case": case.name, "version": case.version, "title": case.title, "file": self.file}
        return {**about, "status": self.status, "root": case.root, "elements": elements}

    def _element(self, one: Element) -> dict[str, Any]:
        found = self.findings[one.id]
        facts: dict[str, Any] = {"kind": one.kind, "says": one.says, "status": found.status, "told": found.told}
        if one.linked:
            facts |= {one.linked: dict(one.link), "found": _plain(found.facts)}
        if one.undeveloped:
            facts["undeveloped"] = True
        lists = {"supported_by": list(one.by), "in_context_of": list(one.context)}
        return facts | {key: names for key, names in lists.items() if names}


def _plain(value: Any) -> Any:
    """Give what was found as JSON data, pairs as lists."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def judge(case: Case, file: Path) -> Judged:
    """Look at everything that a case links to, and carry what was found up to the goal at the top.

    An element is no better than the worst of what supports it and of its own link: all of it is needed. CaseError for
    what is named and not there.
    """
    own = findings_of(case, file.parent)
    findings: dict[str, Finding] = {}
    for name in _upwards(case):
        one = case.elements[name]
        below = {support: findings[support].status for support in one.by}
        rests = Finding(worst([findings[support] for support in one.by]), _told(below))
        undeveloped = [Finding("unsupported", "not developed yet")] if one.undeveloped else []
        findings[name] = joined([own.get(name, Finding("supported")), *undeveloped, rests])
    return Judged(case, str(file), {name: findings[name] for name in case.elements})


def _upwards(case: Case) -> list[str]:
    """Give the elements so that each comes after all that supports it."""
    order: dict[str, None] = {}
    waiting = [(name, False) for name in case.elements]
    while waiting:
        name, seen = waiting.pop()
        if seen:
            order[name] = None
        elif name not in order:
            waiting += [(name, True), *((support, False) for support in case.elements[name].by)]
    return list(order)


def _told(below: Mapping[str, Status]) -> str:
    """Say which of the elements below keep this one from being supported."""
    kept = [f"{name} is {status}" for name, status in below.items() if status != "supported"]
    return ", ".join(kept)
