"""Lines in which the order of a set is likely to reach the outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.hash_order import likely_lines


@pytest.mark.parametrize(
    "statement",
    [
        "text = ', '.join({'a', 'b'})",
        "text = list(set(words))",
        "for word in {word.upper() for word in words}: use(word)",
        "text = [word for word in frozenset(words) - {'x'}]",
        "names = set(words)\n    first = next(iter(names))",
        "names: set[str] = other()\n    text = [*names]",
        "names = set(words)\n    more = names\n    text = tuple(more | {'x'})",
        "text = map(str, set(words).union(other()))",
        "names = set(words)\n    one = names.pop()",
        "text = dict.fromkeys(set(words))",
        "text = ' '.join(kinds())",
    ],
)
def test_what_takes_the_order_of_a_set_is_named(statement: str, tmp_path: Path) -> None:
    """The last line of each statement is the one that is told."""
    source = f"def kinds() -> set[str]: ...\ndef main(words):\n    {statement}\n    return tool(text)\n"
    file = tmp_path / "agent.py"
    file.write_text(source, encoding="utf-8")
    line = 2 + len(statement.splitlines())
    assert likely_lines([f"{file}:{line + 1}"]) == [(f"{file}:{line}", statement.splitlines()[-1].strip())]


@pytest.mark.parametrize(
    "statement",
    [
        "text = ', '.join(sorted({'a', 'b'}))",
        "found = 'a' in set(words)",
        "count = len(set(words)) + sum({1, 2})",
        "names = list(words)\n    text = ', '.join(names)",
        "for word in words: use(word)",
        "last = words.pop()",
    ],
)
def test_what_does_not_is_not(statement: str, tmp_path: Path) -> None:
    """Sorting, counting and asking whether something is in a set do not depend on the hash seed."""
    file = tmp_path / "agent.py"
    file.write_text(f"def main(words):\n    {statement}\n    return tool(text)\n", encoding="utf-8")
    assert likely_lines([f"{file}:3"]) == []


def test_the_functions_of_the_call_come_before_the_rest_of_the_file(tmp_path: Path) -> None:
    """Of several lines the nearest to the call is told first."""
    file = tmp_path / "agent.py"
    file.write_text("def other():\n    return list({1, 2})\ndef main():\n    text = list({3, 4})\n    tool(text)\n")
    assert [site for site, _ in likely_lines([f"{file}:5"])] == [f"{file}:4", f"{file}:2"]


def test_files_beside_the_call_are_looked_through_last(tmp_path: Path) -> None:
    """A prompt that another module builds is found there; a file that cannot be read is passed over."""
    (tmp_path / "agent.py").write_text("import prompts\ndef main():\n    tool(prompts.make())\n")
    (tmp_path / "prompts.py").write_text("def make():\n    return ', '.join({'a', 'b'})\n")
    (tmp_path / "broken.py").write_text("def (:\n")
    assert likely_lines([f"{tmp_path / 'agent.py'}:3"]) == [
        (f"{tmp_path / 'prompts.py'}:2", "return ', '.join({'a', 'b'})")
    ]
    assert likely_lines([]) == []
