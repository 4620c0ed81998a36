"""The private file beside a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.private import PrivateFile, read_private
from harness.errors import StoreError, UsageError


@given(drawn=st.lists(st.binary(max_size=40), max_size=8))
def test_what_is_kept_is_read_back(tmp_path_factory: pytest.TempPathFactory, drawn: list[bytes]) -> None:
    """Each draw comes back under a placeholder of its own, equal draws too."""
    trace = tmp_path_factory.mktemp("private") / "t.mat.jsonl"
    private = PrivateFile(str(trace))
    placeholders = [private.keep("os.urandom(8)", one) for one in drawn]
    private.close()
    assert read_private(trace) == dict(zip(placeholders, drawn, strict=True))
    assert len(set(placeholders)) == len(drawn)


def test_there_is_no_file_before_the_first_draw(tmp_path: Path) -> None:
    """A run that draws nothing secret leaves none."""
    PrivateFile(str(tmp_path / "t.mat.jsonl")).close()
    assert list(tmp_path.iterdir()) == []
    assert read_private(tmp_path / "t.mat.jsonl") == {}


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "t.mat.jsonl.secrets").write_text("")
    with pytest.raises(StoreError, match="secrets: a secret of the run cannot be kept"):
        PrivateFile(str(tmp_path / "t.mat.jsonl")).keep("os.urandom(8)", b"12345678")


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """A process that was killed while writing loses that draw only."""
    private = PrivateFile(str(tmp_path / "t.mat.jsonl"))
    first = private.keep("os.urandom(1)", b"a")
    private.keep("os.urandom(1)", b"b")
    private.close()
    path = tmp_path / "t.mat.jsonl.secrets"
    path.write_bytes(path.read_bytes()[:-3])
    assert read_private(tmp_path / "t.mat.jsonl") == {first: b"a"}


@pytest.mark.parametrize("line", ["no JSON", '["x"]', '["x", "zz"]', "3"])
def test_a_line_that_is_not_ours_is_named(tmp_path: Path, line: str) -> None:
    """File, line and cure are told."""
    (tmp_path / "t.mat.jsonl.secrets").write_text(f'["x", "00"]\n{line}\n')
    with pytest.raises(UsageError, match=r"secrets:2: no secret of a run\n.*delete the file"):
        read_private(tmp_path / "t.mat.jsonl")
