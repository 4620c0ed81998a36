"""One run for one test: opened, told where it is not the recorded one, judged, and put in place if the test passes."""

from __future__ import annotations

import inspect
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from harness.adapters.files import open_trace
from harness.assertion.report import Finding
from harness.door.app import Harness
from harness.door.check import check
from harness.door.recorded import RecordedSession
from harness.door.replay import Replay, replay
from harness.door.session import Session
from harness.errors import Divergence, HarnessError
from harness.registry.registry import Registry
from harness.review.findings import finding_lines, recorded_findings
from harness.testing.cassette import Marked, beside, command_for, marked, registries_of, shown, trace_of
from harness.testing.plugin import Mode

_TOO_MILD: Final = ("info", "low")
"""A violated rule of these severities is told by ``harness check``, and fails no test."""


class Recording:
    """The run that a test's body is: live and written to ``live``, or replayed from ``trace`` where that is None."""

    def __init__(self, item: pytest.Item, session: Session, trace: Path, live: Path | None) -> None:
        self.session = session
        self._item, self._trace, self._live = item, trace, live
        self._entered = False

    @contextmanager
    def around(self) -> Iterator[None]:
        """Let the session begin and end with the body; around a body that is inside already, do nothing."""
        __tracebackhide__ = True
        if self._entered:
            yield
            return
        self._entered = True
        try:
            with self.session:
                yield
                if self._live is not None:
                    self.session.started()  # a run without a call is a run as well
        except HarnessError as error:
            if isinstance(self.session, RecordedSession) and error is self.session.failed:
                raise _failure(self._told(error)) from None
            raise
        _judge(self._item, self._live or self._trace, self.session.app.registry)
        if self._live is not None:
            _put_in_place(self._live, self._trace)
            self._item.user_properties.append(("harness_recorded", shown(self._item, self._trace)))

    def _told(self, error: HarnessError) -> str:
        return (
            f"{error}\n\ntrace  {shown(self._item, self._trace)}\nagain  {command_for(self._item, 'none')}"
            f"\nanew   {command_for(self._item, 'rewrite')}   (if the change is meant)"
        )


def begin(item: pytest.Item, app: Harness, mode: Mode, temporary: pytest.TempPathFactory) -> Recording:
    """Make the session of a test; fail the test where a trace is missing and may not be recorded."""
    said, trace = marked(item), trace_of(item)
    with _told_plainly():
        if said.registry is not None:
            app = app.with_registry(*registries_of(item, said.registry))
        if mode != "rewrite" and trace.exists():
            return Recording(item, app.replaying(trace, tolerate=said.tolerate), trace, None)
        if mode == "none":
            raise _failure(
                f"there is no trace {shown(item, trace)}, and --harness-record=none records none"
                f"\nrecord it  {command_for(item, 'once')}   where the model can be reached, and commit the file"
            )
        live = temporary.mktemp("harness") / trace.name
        return Recording(item, app.session(trace=live), trace, live)


def replay_marked(item: pytest.Item) -> Replay:
    """Replay the trace that a test is marked with, and fail the test where it is not equal or violates a rule."""
    __tracebackhide__ = True
    said, trace = marked(item), trace_of(item)
    if not trace.exists():
        raise _failure(
            f"there is no trace {shown(item, trace)} to replay"
            '\ncure   name it: @pytest.mark.harness(trace="…"), relative to the file of the test'
        )
    path = None if said.path is None else beside(item, said.path)
    with _told_plainly(), _own_import_path():
        result = replay(trace, entry=said.entry, path=path, tolerate=said.tolerate)
    failed = result.divergence or result.ended
    if failed is not None:
        raise _failure(f"{failed}{_hash_seeds(trace, failed)}\n\nagain  {_replay_command(item, said, trace, path)}")
    _judge(item, trace, None)
    return result


def app_of_module(module: ModuleType) -> Harness:
    """Give the app that a module holds, or that its agents belong to; one without rules where there is none."""
    apps: dict[int, Harness] = {}
    for value in vars(module).values():
        app = getattr(value, "__harness_app__", None) if inspect.isfunction(value) else value
        if isinstance(app, Harness):
            apps[id(app)] = app
    if len(apps) > 1:
        raise _failure(
            f"{module.__name__} holds {len(apps)} apps, and a session is one app's"
            "\ncure   say which: define a fixture harness_app that returns it"
        )
    return next(iter(apps.values()), None) or Harness()


def _judge(item: pytest.Item, trace: Path, rules: Registry | None) -> None:
    """Fail the test where rules are violated that were not expected to be, or the other way round.

    A registry in the marker judges a replayed trace anew; else what was recorded, and came out equal, is what counts.
    """
    __tracebackhide__ = True
    said = marked(item)
    if rules is None and said.registry is not None:
        with _told_plainly():
            rules = Harness(registries_of(item, said.registry)).registry
        findings: Sequence[Finding] = check(trace, registry=rules).findings
    else:
        with open_trace(trace) as reader:
            findings = list(recorded_findings(reader))
    broken = [finding for finding in findings if finding.verdict.truth == "violated"]
    kept = sorted(set(said.violated) - {finding.verdict.rule for finding in broken})
    if kept:
        raise _failure(
            f"the test expects {', '.join(kept)} to be violated, and {'they are' if kept[1:] else 'it is'} not"
        )
    surprising = [
        finding
        for finding in broken
        if finding.verdict.rule not in said.violated and finding.verdict.severity not in _TOO_MILD
    ]
    if surprising:
        with open_trace(trace) as reader:
            told = "\n".join(finding_lines(shown(item, trace), surprising, reader, rules))
        expected = ", ".join(
            repr(rule) for rule in sorted({one.verdict.rule for one in surprising} | set(said.violated))
        )
        raise _failure(f"{told}\nif that is what the test is about:  @pytest.mark.harness(violated=[{expected}])")


def _put_in_place(live: Path, trace: Path) -> None:
    """Move a finished trace to where it belongs, all at once: whoever reads there finds the old one or the new one."""
    trace.parent.mkdir(parents=True, exist_ok=True)
    arriving = trace.with_name(f".{trace.name}.{os.getpid()}")
    shutil.copyfile(live, arriving)
    arriving.replace(trace)


def _replay_command(item: pytest.Item, said: Marked, trace: Path, path: Path | None) -> str:
    entry = said.entry if isinstance(said.entry, str | None) else f"{said.entry.__module__}:{said.entry.__qualname__}"
    words = ["harness", "replay", shown(item, trace)]
    words += ["--entry", entry] if entry else []
    words += ["--path", shown(item, path)] if path else []
    words += [word for pointer in said.tolerate for word in ("--tolerate", pointer)]
    return shlex.join(words)


def _hash_seeds(trace: Path, failed: HarnessError) -> str:
    """Tell a reader of a divergence that sets were ordered otherwise, where they may have been."""
    with open_trace(trace) as reader:
        recorded = reader.header.host.get("hash_seed")
    now = os.environ.get("PYTHONHASHSEED", "random")
    if not isinstance(failed, Divergence) or recorded is None or str(recorded) == now:
        return ""
    return f"\nnote   recorded under hash seed {recorded}, here it is {now}: sets differ; set PYTHONHASHSEED={recorded}"


@contextmanager
def _own_import_path() -> Iterator[None]:
    """Keep the folders that a replay imports its entry from away from other tests."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _told_plainly() -> Iterator[None]:
    __tracebackhide__ = True
    try:
        yield
    except HarnessError as error:
        raise _failure(str(error)) from None


def _failure(text: str) -> BaseException:
    return pytest.fail.Exception(text, pytrace=False)
