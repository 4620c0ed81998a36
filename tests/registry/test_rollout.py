"""In which share of conversations a rule is enforced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RegistryError
from harness.registry.build import build_registry
from harness.registry.load import load
from harness.registry.publish import publish
from harness.registry.registry import Registry, join
from harness.registry.rollout import is_enforced, percent_of, position

RULES = """invariants:
  - {id: PAY-LIMIT, on: action, tool: pay, require: call.args.cents < 5, otherwise: block}
  - {id: PAY-ASKED, on: action, tool: pay, require: "False", otherwise: escalate}
  - {id: LOOK, on: action, tool: look, require: "False", otherwise: block}
"""
BASE = "registry: base\nversion: 1\ndefault: refuse\n" + RULES


def shop(more: str) -> Registry:
    """Load the rules with what is said of their rollout."""
    return load(f"registry: shop\nversion: 1\ndefault: refuse\n{more}\n{RULES}", "shop.yaml")


names = st.text(min_size=1, max_size=12)


@given(names, names, st.floats(0, 100), st.floats(0, 100))
def test_a_greater_share_takes_in_a_smaller_one(rule: str, identity: str, one: float, other: float) -> None:
    """Whoever is under a rule stays under it when its share grows; nobody is at 0 %, everybody at 100 %."""
    small, great = sorted((one, other))
    under = [is_enforced({rule: f"{share!r} %"}, rule, identity) for share in (0.0, small, great, 100.0)]
    assert under == sorted(under)
    assert (under[0], under[-1]) == (False, True)
    assert 0 <= position(rule, identity) <= 100


@pytest.mark.parametrize("percent", [1, 10, 50])
def test_the_share_is_that_of_conversations(percent: int) -> None:
    """Of 20,000 conversations, and for two rules independently; within four standard deviations."""
    shares, count = {"*": f"{percent} %"}, 20_000
    one = {at for at in range(count) if is_enforced(shares, "A", f"conversation {at}")}
    other = {at for at in range(count) if is_enforced(shares, "B", f"conversation {at}")}
    for found, share in ((len(one), percent / 100), (len(other), percent / 100), (len(one & other), percent**2 / 1e4)):
        assert abs(found - count * share) < 4 * (count * share * (1 - share)) ** 0.5


def test_the_position_is_the_same_everywhere() -> None:
    """It rests on SHA-256 alone; a change would move conversations from one side to the other."""
    assert position("PAY-LIMIT", "c-1") == pytest.approx(53.473632639167555)


def test_a_rule_s_own_line_goes_before_a_pattern() -> None:
    """A rule without a line is enforced; of patterns the longest that fits counts, in whatever order they stand."""
    shares = {"PAY-*": "10 %", "PAY-LIMIT": "90 %", "*-ASKED": "50 %"}
    for stated in (shares, dict(reversed(shares.items()))):
        assert [percent_of(stated, rule) for rule in ("PAY-LIMIT", "PAY-ASKED", "LOOK")] == [90, 50, 100]
    observed = shop("rollout: {PAY-*: 0%, DEFAULT-REFUSE: 0 %}").observed_in("anybody")
    assert observed == ["PAY-LIMIT", "PAY-ASKED", "DEFAULT-REFUSE"]


def test_it_is_part_of_what_a_registry_means() -> None:
    """Another share is another registry, as is another word on the kill switch; both survive publishing."""
    plain, ten, eleven = shop(""), shop("rollout: {LOOK: 10 %}"), shop("rollout: {LOOK: 11%}")
    shut, opened = shop("kill: fail_closed"), shop("kill: fail_open\nrollout: {LOOK: 10%}")
    assert len({plain.digest, ten.digest, eleven.digest, opened.digest}) == 4
    assert shut.digest == plain.digest
    again = load(publish(opened), "again.yaml")
    assert (again.digest, again.kill, again.rollout) == (opened.digest, "fail_open", {"LOOK": "10 %"})
    made = build_registry("shop", "1", default="refuse", rollout={"LOOK": "10 %"}, invariants=ten.invariants)
    assert made.digest == ten.digest


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("rollout: {LOK: 10 %}", "no rule is called 'LOK'"),
        ("rollout: {LOOK: 10}", "expected text, got 10"),
        ("rollout: {LOOK: 101 %}", "'101 %' is no share"),
        ("kill: shut", "expected fail_closed or fail_open, got 'shut'"),
    ],
)
def test_mistakes_are_told(more: str, said: str) -> None:
    """A line for no rule, a number that does not say of what, more than all."""
    with pytest.raises(RegistryError, match=said):
        shop(more)


def test_what_is_taken_over_may_be_rolled_out_anew() -> None:
    """The change is listed; of two bases that say different things one has to be chosen."""
    files = {"one": BASE + "rollout: {LOOK: 10 %}\nkill: fail_open\n", "two": BASE + "rollout: {LOOK: 20 %}\n"}
    head = "registry: own\nversion: 1\ndefault: refuse\n"
    more = "invariants: [{id: MINE, on: action, require: 'True'}]\n"
    own = load(
        f"{head}extends: [one]\nrollout: {{LOOK: 90 %}}\nkill: fail_closed\n{more}", "own", read=files.__getitem__
    )
    assert (own.rollout, own.kill) == ({"LOOK": "90 %"}, "fail_closed")
    assert [(one.part, one.name) for one in own.overrides] == [("rollout", "LOOK"), ("rollout", "kill")]
    kept = load(f"{head}extends: [one]\n{more}", "own", read=files.__getitem__)
    assert (kept.rollout, kept.kill) == ({"LOOK": "10 %"}, "fail_open")
    with pytest.raises(RegistryError, match=r"rollout.LOOK of 'two' is another one"):
        load(f"{head}extends: [one, two]\n{more}", "own", read=files.__getitem__)
    with pytest.raises(RegistryError, match=r"rollout.LOOK is '20 %' here and '10 %' in one"):
        join([load(files["one"], "one"), load(files["two"], "two")])
