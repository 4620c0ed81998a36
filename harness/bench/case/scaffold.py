"""Begin a case from what there is: a registry, traces, and stored results, all pinned as they are now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.report import check
from harness.bench.case.results import Result, read_result
from harness.errors import UsageError
from harness.registry.invariant import Invariant
from harness.registry.registry import Registry

GRAVE: Final = ("high", "critical")
_EACH: Final = 3  # traces named for one rule: an argument is read by people


class _Seen(NamedTuple):
    """A trace: its name in the case, its digest, and the rules that spoke in it."""

    name: str
    digest: str
    spoke: frozenset[str]


def scaffold(file: Path, registry: str, traces: Sequence[Path] = (), results: Sequence[Path] = ()) -> str:
    """Give the YAML of a case to be written to ``file``: a goal for each rule of high or critical severity.

    A goal rests on the first traces in which its rule spoke, and is undeveloped where there are none; each result is a
    goal that rests on its figures with bars. What is said is a proposal: a person has to read the argument and mean
    it. UsageError where the registry has no such rule. O(traces × rules).
    """
    rules = load_registry(registry)
    grave = [rule for rule in rules.invariants if rule.severity in GRAVE]
    if not grave:
        raise UsageError("no rule of high or critical severity", where=registry, cure="what is a case to be about?")
    sketch = _Sketch(file.parent, rules)
    by = sketch.rules(_named(registry, file.parent), grave, [_seen(path, file.parent, rules) for path in traces])
    for path in results:
        by.append(sketch.result(path, read_result(path)))
    return sketch.text(by)


class _Sketch:
    """The sections of a case while it is put together."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self._folder, self._registry = folder, registry
        self._goals: dict[str, Any] = {}
        self._strategies: dict[str, Any] = {}
        self._evidence: dict[str, Any] = {}

    def rules(self, named: str, grave: Sequence[Invariant], seen: Sequence[_Seen]) -> list[str]:
        """Add a goal for each rule and its evidence; the name of the strategy that they make up."""
        names = {one.name: f"E-{at}" for at, one in enumerate(seen, 1)}
        for rule in grave:
            chosen = [one for one in seen if rule.id in one.spoke][:_EACH]
            for one in chosen:
                says = f"What happened in {Path(one.name).name}"
                self._evidence[names[one.name]] = {"says": says, "trace": _pinned("file", one.name, one.digest)}
            support = {"by": [names[one.name] for one in chosen]} if chosen else {"undeveloped": True}
            link = {"registry": named, "id": rule.id, "digest": f"sha256:{self._registry.digest}"}
            self._goals[f"G-{rule.id}"] = {"says": rule.title or f"{rule.id} is kept", "rule": link, **support}
        says = f"Over each rule of high or critical severity of {self._registry.name}"
        self._strategies["S-rules"] = {"says": says, "by": list(self._goals), "context": ["C-registry", "J-severity"]}
        return ["S-rules"]

    def result(self, path: Path, result: Result) -> str:
        """Add a goal for a result, and evidence for each of its figures that has a bar; the name of the goal."""
        goal, named = self._free(f"G-{result.name}"), _named(str(path), self._folder)
        barred = [name for name, figure in result.figures.items() if figure.target]
        stated = {self._free(f"E-{result.name}-{name}"): name for name in barred}
        for identity, name in stated.items():
            link = {**_pinned("result", named, result.digest), "name": name}
            says = f"{name} {result.figures[name].target}"
            self._evidence[identity] = {"says": says, "figure": link}
        support = {"by": list(stated)} if stated else {"undeveloped": True}
        self._goals[goal] = {"says": f"The bars of the suite {result.name} are met", **support}
        return goal

    def text(self, by: list[str]) -> str:
        """Give the whole as YAML."""
        name = self._registry.name
        top = {"G-top": {"says": f"The agent is fit to be used under {name}", "by": by, "context": ["A-traces"]}}
        whole = {
            "case": name,
            "version": "1",
            "title": f"Assurance case of {name}",
            "goals": top | self._goals,
            "strategies": self._strategies,
            "evidence": self._evidence,
            "contexts": {"C-registry": {"says": f"The registry {name} {self._registry.version}"}},
            "assumptions": {"A-traces": {"says": "Traces and results are of the agent as it is deployed"}},
            "justifications": {"J-severity": {"says": "Other rules are about convenience; this is to be confirmed"}},
        }
        stated = {key: value for key, value in whole.items() if value}
        return yaml.safe_dump(stated, sort_keys=False, allow_unicode=True, width=110)

    def _free(self, name: str) -> str:
        """Give a name that no element has; a figure's may hold blanks."""
        name = "-".join(name.split())
        taken = self._goals.keys() | self._evidence.keys()
        return next(one for one in _numbered(name) if one not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    at = 2
    while True:
        yield f"{name}-{at}"
        at += 1


def _pinned(key: str, name: str, digest: str) -> dict[str, str]:
    return {key: name, "digest": f"sha256:{digest}"}


def _named(name: str, folder: Path) -> str:
    """Give a file as it is found from the case's folder; what is no file is a name, and stays."""
    return os.path.relpath(name, folder) if Path(name).exists() else name


def _seen(path: Path, folder: Path, registry: Registry) -> _Seen:
    with open_trace(path) as reader:
        report = check(reader, registry, reader.header.run)
    spoke = frozenset(rule for rule, tally in report.rules.items() if tally.fired)
    return _Seen(_named(str(path), folder), reader.digest, spoke)
