"""A machine that fails: what was written and not synced is lost, or a part of it is."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.adapters.files import FileStore, open_trace
from harness.door import app as door_app
from harness.door.resume import resume
from harness.errors import TraceError
from harness.ports import Durability


class PowerFailure(BaseException):
    """The machine stops here."""


class VolatileStore(FileStore):
    """Lose with the machine what was not synced, but for a part of it that had reached the disk by itself."""

    def __init__(self, path: str | Path, lost_from: float) -> None:
        super().__init__(path)
        self._lost_from = lost_from
        self._cache = bytearray()
        self._off = False

    def append(self, line: bytes) -> None:
        self._cache += line

    def flush(self, *, disk: bool = False) -> None:
        if disk and not self._off:
            self._to_disk(len(self._cache))

    def fail(self) -> None:
        """Stop the machine; what happens from here on does not happen."""
        self._to_disk(int(len(self._cache) * self._lost_from))
        self._off = True

    def close(self) -> None:
        if not self._off:
            self._to_disk(len(self._cache))
        super().close()

    def _to_disk(self, size: int) -> None:
        super().append(bytes(self._cache[:size]))
        super().flush()
        del self._cache[:size]


class Site:
    """An app whose machine fails in the effect of one of its calls; ``done`` counts what happened in the world."""

    def __init__(self, durability: Durability, fails_in: int, moment: str, lost_from: float) -> None:
        self.app = harness.Harness(durability=durability)
        self.done: Counter[str] = Counter()
        self.stores: list[VolatileStore] = []
        self.lost_from = lost_from
        count = 0

        def happen(tool: str, number: int) -> None:
            nonlocal count
            count += 1
            failing = count == fails_in + 1 and bool(self.stores)
            if failing and moment == "before":
                self.fail()
            self.done[f"{tool} {number}"] += 1
            if failing:
                self.fail()

        @self.app.tool(effect="read")
        def look(number: int) -> None:
            happen("look", number)

        @self.app.tool(effect="write", idempotency_key="number")
        def keyed(number: int) -> None:
            happen("keyed", number)

        @self.app.tool(effect="write")
        def blind(number: int) -> None:
            happen("blind", number)

        self.tools = {"look": look, "keyed": keyed, "blind": blind}

    def fail(self) -> None:
        """Stop the machine."""
        self.stores.pop().fail()
        raise PowerFailure

    def store(self, path: str | Path) -> VolatileStore:
        """Begin a trace on the disk of this machine."""
        self.stores.append(VolatileStore(path, self.lost_from))
        return self.stores[-1]

    def agent(self, calls: list[str]) -> list[str]:
        """Make the calls in order."""
        said = []
        for number, tool in enumerate(calls):
            try:
                self.tools[tool](number)
                said.append("done")
            except harness.InDoubt:
                said.append("in doubt")
        return said


def until_the_failure(site: Site, trace: Path, calls: list[str]) -> bool:
    """Record on the machine, and tell whether it failed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door_app, "FileStore", site.store)
        try:
            site.app.session(trace=trace).run(site.agent, calls=calls)
        except PowerFailure:
            return True
    return False


def announced(trace: Path) -> set[str]:
    """Give the calls whose intent is on the disk."""
    try:
        with open_trace(trace) as reader:
            actions = [event.body for event in reader if event.kind == "action"]
    except TraceError:
        return set()  # not even the header was kept
    return {f"{body['tool']} {body['args']['number']}" for body in actions}


CALLS = st.lists(st.sampled_from(["look", "keyed", "blind"]), min_size=1, max_size=8)
DURABILITY = st.sampled_from(["batch", "step", "sync"])


@settings(deadline=None)
@given(CALLS, DURABILITY, st.integers(0, 7), st.sampled_from(["before", "after"]), st.floats(0, 1))
def test_no_payment_is_forgotten(
    calls: list[str], durability: str, fails_in: int, moment: Literal["before", "after"], lost_from: float
) -> None:
    """Whenever the machine fails and whatever it loses, every write that cannot be repeated stands on the disk."""
    site = Site(cast("Durability", durability), fails_in, moment, lost_from)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "t.mat.jsonl")
        until_the_failure(site, trace, calls)
        assert {call for call in site.done if call.startswith("blind")} <= announced(trace)


@settings(deadline=None)
@given(CALLS, DURABILITY, st.integers(0, 7), st.sampled_from(["before", "after"]), st.floats(0, 1))
def test_after_a_failure_of_the_machine_nothing_is_done_twice(
    calls: list[str], durability: str, fails_in: int, moment: Literal["before", "after"], lost_from: float
) -> None:
    """Resumed from what the disk kept, a run makes every call that it may repeat, and no other one again."""
    site = Site(cast("Durability", durability), fails_in, moment, lost_from)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "t.mat.jsonl")
        if not until_the_failure(site, trace, calls):
            return
        try:
            resumed = resume(trace, entry=site.agent, app=site.app)
        except TraceError:  # nothing was kept: the run never was, and may begin anew
            assert not any(call.startswith("blind") for call in site.done)
            return
    told: dict[str, Any] = {f"{tool} {number}": resumed.result[number] for number, tool in enumerate(calls)}
    for call, said in told.items():
        if call.startswith("blind"):
            assert site.done[call] == 1 or (said, site.done[call]) == ("in doubt", 0)
        else:
            assert site.done[call] >= 1


def test_without_durability_a_payment_may_be_forgotten(tmp_path: Path) -> None:
    """Whoever asks for no durability gets none: the store of these tests does lose what was not synced."""
    site = Site("none", 1, "after", 0.0)
    trace = tmp_path / "t.mat.jsonl"
    assert until_the_failure(site, trace, ["look", "blind"])
    assert site.done["blind 1"] == 1
    assert announced(trace) == set()
