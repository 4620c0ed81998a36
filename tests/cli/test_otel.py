"""``harness export otel`` and ``harness import otel`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import execute

ROOT = Path(__file__).parents[2]
BANK = str(ROOT / "traces" / "bank.mat.jsonl")
TALK = '[{"role": "user", "content": "Hello."}]'


def test_a_trace_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document on the screen and the one in the file are the same; content only where it is asked for."""
    out = tmp_path / "bank.json"
    assert execute(["export", "otel", BANK]) == 0
    printed = capsys.readouterr().out
    assert execute(["export", "otel", BANK, "--out", str(out)]) == 0
    assert (capsys.readouterr().out, out.read_text(encoding="utf-8")) == ("", printed)
    assert len(json.loads(printed)["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 10
    assert "DE-1" not in printed
    assert execute(["export", "otel", BANK, "--content"]) == 0
    assert "DE-1" in capsys.readouterr().out


def test_a_conversation_can_be_written_to_a_file_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--out`` is of every format."""
    out = tmp_path / "bank.json"
    assert execute(["export", "openai", BANK, "--out", str(out)]) == 0
    assert execute(["export", "openai", BANK]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")


def test_what_is_wrong_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that exists, a folder that does not, a trace that does not, and an option of another format: exit 2."""
    there = tmp_path / "there.json"
    there.write_text("mine")
    cases = [
        (["export", "otel", BANK, "--out", str(there)], "exists already and is never written over"),
        (["export", "otel", BANK, "--out", str(tmp_path / "no" / "x.json")], "cannot be written: No such file"),
        (["export", "otel", str(tmp_path / "gone.mat.jsonl"), "--out", str(tmp_path / "new.json")], "cannot be read"),
        (["export", "openai", BANK, "--content"], "--content is of otel"),
        (["import", "openai", str(there), str(there), "--out", str(tmp_path / "out")], "is read from one file, not 2"),
    ]
    for arguments, reason in cases:
        assert execute(arguments) == 2
        assert reason in capsys.readouterr().err
    assert there.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [there]


def test_what_was_not_kept_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says how many traces and events it wrote, and names what it did not."""
    exported, out = tmp_path / "bank.json", str(tmp_path / "out")
    assert execute(["export", "otel", BANK, "--out", str(exported)]) == 0
    assert execute(["import", "otel", str(exported), "--out", out]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first == f"1 traces   19 events   in {out}"
    assert "    not kept  4 × arguments of a call, which were not recorded" in others
    assert "    not kept  5 × messages of a request, which were not recorded" in others
    assert "    not kept  1 × note without its content" in others


def test_other_formats_say_nothing_of_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An importer that keeps everything prints one line."""
    (tmp_path / "talk.json").write_text(TALK)
    assert execute(["import", "openai", str(tmp_path / "talk.json"), "--out", str(tmp_path / "out")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
