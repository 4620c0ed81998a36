"""Questions and answers in a folder."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.adapters.approvals import KEY, approver_of
from harness.adapters.approvals.answers import answer_to
from harness.adapters.approvals.folder import Folder
from harness.adapters.approvals.terminal import Terminal
from harness.adapters.approvals.webhook import Webhook
from harness.errors import UsageError
from harness.ports import Approval, Pending, Question

QUESTION = Question("ASK", "too much", "pay", {"cents": 5}, "d" * 64)
NAME = "d" * 64


def names(folder: Path) -> list[str]:
    """Give the ends of the names of all files in a folder."""
    return sorted(path.name.removeprefix(NAME) for path in folder.iterdir())


def test_a_question_waits_for_its_file(tmp_path: Path) -> None:
    """The question is written once; asked again it is the same file, and there is still no answer."""
    folder = Folder(tmp_path / "desk")
    assert folder(QUESTION) == folder(QUESTION) == Pending(str(tmp_path / "desk" / f"{NAME}.answer.json"))
    assert json.loads((tmp_path / "desk" / f"{NAME}.question.json").read_text()) == QUESTION._asdict()
    assert names(tmp_path / "desk") == [".question.json"]


def test_an_answer_is_taken_once(tmp_path: Path) -> None:
    """It is renamed when it is taken; only the same question, asked again after a crash, finds it there."""
    folder = Folder(tmp_path)
    (tmp_path / f"{NAME}.answer.json").write_text(json.dumps(answer_to(NAME, allowed=True, by="Ann")))
    assert folder(QUESTION) == Approval(True, "Ann", "", NAME)
    assert names(tmp_path) == [".question.json", ".used.json"]
    (tmp_path / f"{NAME}.answer.json").write_text(json.dumps(answer_to(NAME, allowed=False, by="Eve")))
    assert folder(QUESTION) == Approval(True, "Ann", "", NAME)  # the first answer stands
    assert isinstance(folder(QUESTION._replace(digest="e" * 64)), Pending)


def test_an_answer_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """Half an answer is none, and stays where it is."""
    folder, answer = Folder(tmp_path), tmp_path / f"{NAME}.answer.json"
    answer.write_text('{"allowed": true, "by"')
    assert isinstance(folder(QUESTION), Pending)
    answer.write_text(json.dumps(answer_to(NAME, allowed=True, by="Ann")))
    assert folder(QUESTION) == Approval(True, "Ann", "", NAME)


def test_a_folder_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    """Where the question cannot be put nobody has said no; why is told."""
    (tmp_path / "file").write_text("")
    said = Folder(tmp_path / "file")(QUESTION)
    assert isinstance(said, Pending)
    assert "File exists" in said.why


def test_many_questions_at_once(tmp_path: Path) -> None:
    """Threads that ask side by side do not tear each other's files."""
    folder = Folder(tmp_path)
    questions = [QUESTION._replace(digest=f"{number % 5:064d}") for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        assert all(isinstance(said, Pending) for said in pool.map(folder, questions))
    assert len(list(tmp_path.iterdir())) == 5


def test_a_command_line_names_who_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal, a URL or a folder; a file is none of them."""
    monkeypatch.setenv(KEY, "key")
    assert isinstance(approver_of("terminal"), Terminal)
    assert isinstance(approver_of("https://desk.example/ask"), Webhook)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="no folder"):
        approver_of(str(tmp_path / "file"))
    (tmp_path / f"{NAME}.answer.json").write_text(json.dumps(answer_to(NAME, allowed=True, by="Ann")))
    said = approver_of(str(tmp_path))(QUESTION)  # the key of the environment is the one that answers are signed with
    assert isinstance(said, Approval)
    assert (said.allowed, "not signed" in said.reason) == (False, True)
