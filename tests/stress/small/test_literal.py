"""Values as Python source."""

from __future__ import annotations

import datetime
import decimal
import math
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NotRecordable
from harness.stress.small.literal import LINE, assigned, called, imports_of, quoted, source

NAMES = {
    **{name: getattr(datetime, name) for name in ("date", "datetime", "time", "timedelta")},
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
}

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
)
hashable = st.integers() | st.text(max_size=5)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.sets(hashable, max_size=4)
        | st.frozensets(hashable, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_source_gives_the_value_back(value: Any) -> None:
    """Whatever a trace can hold as data is the same again, in one line and in many."""
    names: dict[str, Any] = dict(NAMES)
    exec(assigned("VALUE", value), names)
    assert names["VALUE"] == value
    assert type(names["VALUE"]) is type(value)
    assert eval(source(value), dict(NAMES)) == value


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_what_is_not_finite_has_a_source_without_a_name(value: float) -> None:
    """Infinity, and what is no number, are no names that a test would know."""
    assert eval(source(value), {}) == value
    assert math.isnan(eval(source(math.nan), {}))


@given(values)
def test_what_is_needed_is_imported(value: Any) -> None:
    """The import lines bring every name that the source uses."""
    names: dict[str, Any] = {}
    exec("\n".join([*imports_of(value), assigned("VALUE", value)]), names)
    assert names["VALUE"] == value


def test_quotes_are_those_with_fewer_backslashes() -> None:
    """As formatters have it."""
    assert quoted("it's") == '"it\'s"'
    assert quoted('say "x"') == "'say \"x\"'"
    assert quoted("both ' and \"") == '"both \' and \\""'
    assert quoted("Zoë\n\ud800\\") == '"Zoë\\n\\ud800\\\\"'


def test_a_long_call_has_a_line_for_each_argument() -> None:
    """A short one stays in its line."""
    assert called("    run = trial", ["a", "b=1"]) == "    run = trial(a, b=1)"
    long = called("    run = trial", ["a" * 50, "b" * 50])
    assert long == f"    run = trial(\n        {'a' * 50},\n        {'b' * 50},\n    )"


def test_an_object_has_no_source() -> None:
    """Its type is named."""
    with pytest.raises(NotRecordable, match="a PosixPath cannot be written"):
        source({"x": [Path()]})


AWKWARD: list[Any] = [
    {"a": 1e16, "b": -1.5e-7, "c": 10**30, "d": True, "e": None},
    {"text": "x" * 300, "lines": ["y" * 60, "z'\"" * 20, {"deep": [{"deeper": ["w" * 30] * 4}]}]},
    {"raw": bytes(range(256)), "one": (1,), "none": (), "set": set(range(40)), "empty": {"a": {}, "b": [], "c": set()}},
    {"key" * 40: {"ключ": "値" * 30, "": "\x00\x1b\x85\u2028\ue000"}},
    [list(range(60)), [[1, 2], [3, 4]], [decimal.Decimal("1.50"), datetime.date(2026, 1, 2)] * 5],
]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_formatter_would_not_write_it_otherwise(value: Any, tmp_path: Path) -> None:
    """Ruff's own format leaves the source as it is; lines are as long as formatters make them."""
    file = tmp_path / "x.py"
    file.write_text("\n".join([*imports_of(value), "", assigned("VALUE", value), ""]).lstrip("\n"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert LINE == 88
