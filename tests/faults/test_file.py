"""Plans of faults as files."""

from __future__ import annotations

import pytest

from harness.errors import PlanError
from harness.faults.file import STRENGTHS, load_faults
from harness.faults.plan import KINDS

MISTAKES = """\
faults: demo
sed: 3
inject:
  - {fault: timeot, tool: stripe}
  - {fault: delay, strength: {share: 0.5}, when: "call.arg.x > 1 and tool.effect == 'read'"}
  - {fault: error, chance: 2, when: "1 +"}
  - {name: twice, fault: error}
  - {name: twice, fault: error}
"""


def test_all_mistakes_are_told_at_once() -> None:
    """Each with its line, the nearest right word where there is one, and a caret."""
    with pytest.raises(PlanError) as found:
        load_faults(MISTAKES, "plan.yaml")
    assert [(one.line, one.message.split(" or ")[0]) for one in found.value.mistakes] == [
        (2, "unknown key 'sed'"),
        (4, "fault: expected timeout"),
        (5, "delay has no setting 'share'"),
        (5, "call has no arg"),
        (5, "there is no tool here"),
        (6, "2 is greater than the maximum of 1"),
        (6, "not an expression: invalid syntax"),
        (8, "two faults are named 'twice'"),
    ]
    assert "did you mean 'timeout'?" in str(found.value)


@pytest.mark.parametrize("text", ["", "   \n", "- a\n", "faults: [", "just text"])
def test_what_is_no_plan_is_told_as_such(text: str) -> None:
    """Nothing, a list, broken YAML and plain text are mistakes with a place."""
    with pytest.raises(PlanError) as found:
        load_faults(text, "plan.yaml")
    assert found.value.mistakes[0].file == "plan.yaml"


def test_names_are_made_where_none_are_given() -> None:
    """A fault without a name is named after its kind and its place."""
    plan = load_faults("faults: t\ninject: [{fault: H}, {fault: H}, {name: x, fault: IP}]", "")
    assert [fault.name for fault in plan.faults] == ["H-1", "H-2", "x"]


def test_settings_belong_to_kinds_that_exist() -> None:
    """No kind is misspelt in the table of settings."""
    assert STRENGTHS.keys() <= KINDS.keys()
