"""The manifest names all that a result depends on, and nothing of how it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.bench import manifest
from harness.bench.figures import SEED
from harness.bench.manifest import code_digest, differences, home_of, identity, manifest_of, suite_digest
from harness.bench.suite import PREFIX, Suite, load_module, load_suite, suites_folder
from harness.bench.task import Condition, Task
from tests.bench import few


def suite_in(folder: Path, text: str = "") -> Suite:
    """Give a suite whose ``run`` stands in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(f"{text}\ndef run(cell, folder):\n    return {{}}\n")
    module = load_module(f"{PREFIX}{folder.parent.name}_{folder.name}", folder / "__init__.py")
    return Suite("one", "1", "", (Task("one", "a"),), (Condition("us"),), module.run, lambda rows: {})


def test_a_suite_is_pinned_by_every_file_of_it(tmp_path: Path) -> None:
    """Another content, name or file is another digest; what the interpreter makes, and hidden files, are not."""
    suite = suite_in(tmp_path / "one")
    assert home_of(suite) == tmp_path / "one"
    seen = [suite_digest(suite)]
    for name, text in (("data.json", "1"), ("data.json", "2"), ("other.json", "2"), ("a/b.txt", "")):
        (tmp_path / "one" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "one" / name).write_text(text)
        seen.append(suite_digest(suite))
    assert len(set(seen)) == 5
    (tmp_path / "one" / ".hidden").write_text("1")
    (tmp_path / "one" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "one" / "__pycache__" / "x.pyc").write_text("1")
    assert suite_digest(suite) == seen[-1]


def test_a_suite_says_where_it_is_or_its_module_does(tmp_path: Path) -> None:
    """A file of its own for a suite of a module; what the suite names goes before."""
    assert home_of(few.suite_of()) == Path(few.__file__)
    data = tmp_path / "suite.yaml"
    data.write_text("1")
    assert home_of(Suite("one", "1", "", (), (), few.run, few.figures, home=data)) == data


def test_the_identity_of_the_router_names_its_registries() -> None:
    """Each YAML file that is a registry is there with the digest of its meaning, as loading it gives."""
    suite = load_suite("router")
    stands = identity(suite, "1.2.3")
    folder = suites_folder() / "router"
    assert stands["registries"] == {path.name: load_registry(path).digest for path in sorted(folder.glob("*.yaml"))}
    assert stands["suite"] == {"name": "router", "version": suite.version, "digest": suite_digest(suite)}
    assert stands["code"] == {"version": "1.2.3", "digest": code_digest()}
    assert stands["packages"]["openai"]
    assert not {"pytest", "ruff", "ray"} & stands["packages"].keys()


def test_what_a_suite_pins_is_part_of_its_identity() -> None:
    """Models and digests of data that a suite names make another identity, named by their entry."""
    plain = few.suite_of(1)
    pinned = Suite("few", "1", "", (), (), few.run, few.figures, pinned=lambda: {"models": ["m-1"]})
    assert identity(pinned, "1.2.3")["models"] == ["m-1"]
    assert differences(identity(plain, "1.2.3"), identity(pinned, "1.2.3")) == ["models"]


def test_other_code_is_another_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte more in harness, without another version, is told by its digest."""
    suite = few.suite_of(1)
    before = identity(suite, "1.2.3")
    copy = tmp_path / "harness"
    (copy / "bench").mkdir(parents=True)
    (copy / "bench" / "manifest.py").write_text("# another\n")
    monkeypatch.setattr(manifest, "__file__", str(copy / "bench" / "manifest.py"))
    code_digest.cache_clear()
    try:
        assert differences(before, identity(suite, "1.2.3")) == ["code"]
    finally:
        code_digest.cache_clear()


def test_the_manifest_counts_the_cells_there_are() -> None:
    """Seeds, conditions, tasks and cells are those of the rows, and models are none unless they are named."""
    suite = few.suite_of(4)
    whole = manifest_of({"models": ["m-1"]}, suite.cells(2))
    assert whole == {
        "models": ["m-1"],
        "seeds": [SEED, SEED + 1],
        "conditions": ["us", "them/there"],
        "tasks": 4,
        "cells": 2 * (4 + 2),
    }
    assert manifest_of({}, [])["models"] == []
