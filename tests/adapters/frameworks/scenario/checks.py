"""The scenario as two checks, the same for every framework."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.frameworks.scenario.driver import Scenario
from tests.adapters.frameworks.scenario.expected import (
    FREE_STEPS,
    RESULT,
    STEPS,
    STOPPED,
    WRITTEN,
    WRITTEN_FREELY,
    refusals_in,
    speakers_in,
    steps_in,
)
from tests.adapters.frameworks.scenario.ledger import rows


def check_mediated(folder: Path, entry: str) -> None:
    """Check that the rules decide as they have to, that what is decided is what is done, and that it replays."""
    scenario = Scenario(folder, entry)
    said = scenario.stop()
    assert [question["rule"] for question in said["waits_for"]] == ["REFUND-ASKED"]
    assert steps_in(scenario.stopped) == STOPPED
    assert rows(folder) == WRITTEN[:1]
    scenario.answer()
    assert scenario.resume()["result"] == RESULT
    assert steps_in(scenario.trace) == STEPS
    assert speakers_in(scenario.trace) == ["triage", "billing"]
    assert rows(folder) == WRITTEN
    assert {refusal["rule"] for refusal in refusals_in(scenario.trace)} == {"REFUND-CAP"}
    replayed = scenario.replay(scenario.trace)
    assert (replayed["equal"], replayed["divergence"], replayed["sockets"]) == (True, None, [])
    assert rows(folder) == WRITTEN


def check_unchanged(folder: Path, entry: str, unwrapped: str) -> None:
    """Check that an agent under rules that only observe does what the one without harness does: ``unwrapped``."""
    bare, under = Scenario(folder / "bare", entry), Scenario(folder / "under", entry)
    bare.folder.mkdir()
    under.folder.mkdir()
    alone, observed = bare.alone(unwrapped), under.observed(under.stopped)
    assert steps_in(under.stopped) == FREE_STEPS
    assert alone.result == RESULT
    assert observed == alone
    assert rows(under.folder) == rows(bare.folder) == WRITTEN_FREELY
