"""How judgements and measurements are laid out for people."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from harness.bench.figures import Figure
from harness.cli.tables import figure_table, print_table, row_table


def test_tables_show_what_was_measured() -> None:
    """Every figure is a line with its bar, every column that any row has is a column."""
    table = figure_table("few", {"correct": Figure(18, "1", None, "== 19"), "seconds": Figure(1.5, "s", (1, 2))})
    assert [list(column.cells) for column in table.columns] == [
        ["correct", "seconds"],
        ["18", "1.5 s"],
        ["", "1 … 2"],
        ["== 19", ""],
        ["missed", ""],
    ]
    rows = row_table([{"a": 1}, {"b": 2.0}])
    assert [column.header for column in rows.columns] == ["a", "b"]
    assert [list(column.cells) for column in rows.columns] == [["1", ""], ["", "2"]]


def test_a_name_is_never_broken() -> None:
    """In a file, or a terminal that is narrower than the table, a line of it is one line."""
    name, out = "attacks_refused_by_" + "BANK-ASKED-CHANGE" * 5, StringIO()
    print_table(Console(file=out, width=40), figure_table("some", {name: Figure(8, "1")}))
    assert any(line.split() == [name, "8"] for line in out.getvalue().splitlines())
