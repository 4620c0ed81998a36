"""The README's examples are run, and say what the README says they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from harness.registry.load import load
from harness.review.trial import try_registry
from harness.testing.model_server import ModelServer, say

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Give the fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would."""
    inherited = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**inherited, **environment}
    )


def test_the_first_example_blocks_the_payment(tmp_path: Path) -> None:
    """The rule and the program of the first screen print exactly the output below them."""
    (tmp_path / "refunds.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    (tmp_path / "agent.py").write_text(blocks("python")[0], encoding="utf-8")
    with ModelServer(lambda request: say("48000")) as server:
        done = run(tmp_path, sys.executable, "agent.py", OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="none-needed")
    assert done.stderr == ""
    assert done.stdout == blocks("text")[0]
    verified = run(tmp_path, sys.executable, "-m", "harness", "replay", "runs/run-000001.mat.jsonl")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    """Each command line that a reader can paste runs to its end with exit code 0, in the order of the page."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = re.findall(r"^harness (.*)$", "".join(blocks("bash")), re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        done = run(tmp_path, sys.executable, "-m", "harness", *command.split())
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_registry_of_the_docs_loads_and_its_examples_hold() -> None:
    """The whole registry in docs/registry.md is a registry, and judges its own examples as it says."""
    page = (ROOT / "docs" / "registry.md").read_text(encoding="utf-8")
    text, *_ = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    registry = load(text, "docs/registry.md")
    assert len(registry.invariants) == 3
    assert try_registry(registry).failures == ()


def test_the_tables_name_every_verb() -> None:
    """The README knows every verb that the command line has."""
    from harness.cli import VERBS

    assert all(f"harness {verb}" in README for verb in VERBS)


def test_links_lead_somewhere() -> None:
    """Every relative link of the README and the docs names a file."""
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_found_by_what_one_wants() -> None:
    """The index of the docs links each page once."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([a-z0-9-]+\.md)\)", index)
    assert sorted(linked) == sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")
