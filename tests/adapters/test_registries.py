"""Registries found on a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.errors import RegistryError, UsageError

RULE = """\
registry: {name}
version: 1.0.0
default: allow
invariants:
  - id: {name}-RULE
    on: action
    require: len(call.tool) > 0
"""


def written(file: Path, text: str = "") -> Path:
    """Give a registry file, named like its registry."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text or RULE.format(name=file.stem))
    return file


@pytest.mark.parametrize("name", ["shop.yaml", "shop", "registries/far", "registries/far.yaml", "far", "deep/down"])
def test_a_registry_is_found_by_path_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A name is a path, or what follows registries/ in the working directory, with or without its ending."""
    written(tmp_path / "shop.yaml")
    written(tmp_path / "registries" / "far.yaml")
    written(tmp_path / "registries" / "deep" / "down.yaml")
    monkeypatch.chdir(tmp_path)
    assert load_registry(name).name == Path(name).stem


@pytest.mark.parametrize("name", ["airline", "airline.yaml", "registries/airline.yaml", "demo"])
def test_shipped_registries_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A registry that comes with harness is found by its name in any working directory."""
    monkeypatch.chdir(tmp_path)
    assert load_registry(name).name == Path(name).stem


def test_the_working_directory_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of one's own hides a shipped one of the same name."""
    written(tmp_path / "registries" / "airline.yaml", RULE.format(name="own"))
    monkeypatch.chdir(tmp_path)
    assert load_registry("airline").name == "own"


def test_several_registries_are_one(tmp_path: Path) -> None:
    """The rules of all named registries apply, in their order."""
    one, other = written(tmp_path / "one.yaml"), written(tmp_path / "other.yaml")
    assert [rule.id for rule in load_registry(one, other).invariants] == ["one-RULE", "other-RULE"]


def test_a_registry_extends_the_one_beside_it(tmp_path: Path) -> None:
    """What ``extends`` names is looked for beside the file first."""
    written(tmp_path / "common" / "base.yaml")
    text = RULE.format(name="top").replace("default:", "extends: [common/base]\ndefault:")
    top = written(tmp_path / "top.yaml", text)
    assert [rule.id for rule in load_registry(top).invariants] == ["base-RULE", "top-RULE"]


def test_a_missing_base_is_a_mistake_at_its_line(tmp_path: Path) -> None:
    """``extends`` of a registry that is nowhere is reported where it is written."""
    text = RULE.format(name="top").replace("default:", "extends: [nowhere]\ndefault:")
    top = written(tmp_path / "top.yaml", text)
    with pytest.raises(RegistryError) as told:
        load_registry(top)
    assert told.value.mistakes[0].line == 3
    assert "nowhere" in told.value.mistakes[0].message


def test_a_missing_registry_names_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt name is a UsageError with the nearest shipped one, or with all of them."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="did you mean 'airline'"):
        load_registry("registries/airlne.yaml")
    with pytest.raises(UsageError, match=r"shipped registries: .*airline"):
        load_registry("xyzzy")
    with pytest.raises(UsageError, match="no registry was named"):
        load_registry()


def test_a_folder_or_a_binary_file_is_no_registry(tmp_path: Path) -> None:
    """A folder and a file that is not text are UsageErrors that name them."""
    with pytest.raises(UsageError, match="no such registry"):
        load_registry(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a text file"):
        load_registry(tmp_path / "binary.yaml")


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    """A file saved with a byte order mark loads like one without."""
    file = tmp_path / "marked.yaml"
    file.write_text(RULE.format(name="marked"), encoding="utf-8-sig")
    assert load_registry(file).name == "marked"
