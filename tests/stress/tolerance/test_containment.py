"""What runs do about their faults, read from the traces of agents that run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness import Harness, HarnessError, Refused
from harness.door.trial import trial
from harness.faults.plan import Fault
from harness.registry.load import load
from harness.stress.tolerance.containment import Counted, Handled, Sign, counted, handled

RULES = """
registry: shop
version: 1
default: allow
unknown: allow
invariants:
  - id: POSITIVE
    title: A price is above zero
    on: result
    tool: price
    require: result > 0
    severity: high
    otherwise: observe
  - id: LIMIT
    title: No refund above 100
    on: action
    tool: refund
    require: call.args.cents <= 100
    severity: high
    otherwise: block
  - id: ONCE
    title: One refund
    on: action
    tool: refund
    require: count(action, call.tool == "refund") == 0
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "shop.yaml"))
LEDGER: list[int] = []


@APP.tool(effect="read")
def price(article: str) -> int:
    """Look up a price."""
    return 40


@APP.tool(effect="read")
def list_price(article: str) -> int:
    """Look up another price."""
    return 50


@APP.tool(effect="write")
def refund(cents: int) -> str:
    """Pay back."""
    LEDGER.append(cents)
    return "refunded"


@APP.tool(effect="read")
async def slow_price(article: str) -> int:
    """Look up a price, in a second."""
    await asyncio.sleep(1)
    return 40


@APP.agent
def careless() -> str:
    """Believe the first answer."""
    return refund(price("mug"))


@APP.agent
def retrying() -> str:
    """Look up to three times, until there is a price."""
    for _ in range(3):
        try:
            found = price("mug")
        except (OSError, HarnessError):
            continue
        if found > 0:
            return refund(found)
    return "I cannot tell"


@APP.agent
def elsewhere() -> int:
    """Take the list's price where there is no other."""
    try:
        return price("mug")
    except (OSError, HarnessError):
        return list_price("mug")


@APP.agent
def obedient() -> str:
    """Ask a person where a refund is refused."""
    try:
        return refund(price("mug"))
    except Refused:
        return "I asked a person"


@APP.agent
def hurried() -> str:
    """Pay twice where something went wrong."""
    try:
        return refund(price("mug"))
    except (OSError, HarnessError):
        return refund(price("mug")) + refund(1)


@APP.agent
async def patient() -> int:
    """Wait two seconds, and once more."""
    for _ in range(2):
        try:
            return await asyncio.wait_for(slow_price("mug"), 2)
        except TimeoutError:
            await asyncio.sleep(1)
    return 0


@APP.agent
def thorough() -> list[int]:
    """Look up three prices, each up to twice."""
    return [_twice(article) for article in ("mug", "cup", "pot")]


@APP.agent
def polling() -> list[int]:
    """Look up one price three times, whatever comes."""
    return [_once("mug") for _ in range(3)]


def _twice(article: str) -> int:
    try:
        return price(article)
    except (OSError, HarnessError):
        return price(article)


def _once(article: str) -> int:
    try:
        return price(article)
    except (OSError, HarnessError):
        return 0


def look(agent: Callable[..., Any], fault: Fault, *, clean: bool = True, **more: Any) -> Handled:
    """Run an agent under one fault, and say what became of that."""
    schedule = {"inject": [fault.stated()]}
    struck = trial(agent, schedule, before=LEDGER.clear)
    beside = trial(agent, before=LEDGER.clear).events if clean else None
    (one,) = handled(struck.events, [fault], clean=beside, **more)
    return one


RESET = Fault("it", "reset", ("price",), nth=(1,))
BELOW = Fault("it", "collide", ("price",), nth=(1,), strength={"text": -5})
ABOVE = Fault("it", "collide", ("price",), nth=(1,), strength={"text": 500})
OTHER = Fault("it", "collide", ("price",), nth=(1,), strength={"text": 60})


@pytest.mark.parametrize("clean", [True, False])
def test_an_error_that_is_tried_again_is_contained(clean: bool) -> None:
    """The caller is told at once, and the next step is the retry; no twin is needed to see that."""
    one = look(retrying, RESET, clean=clean)
    assert one.struck == (0,)
    assert (one.detected, one.mitigated) == (Sign(2, 0, "caller"), Sign(3, 1, "retry"))
    assert (one.contained, one.broken) == (True, ())


@pytest.mark.parametrize("clean", [True, False])
def test_another_try_counts_though_the_same_tool_is_called_for_more(clean: bool) -> None:
    """Beside a twin the retry is the second of its request, which the twin makes once."""
    one = look(thorough, RESET, clean=clean)
    assert (one.mitigated, one.contained) == (Sign(3, 1, "retry"), True)


def test_a_request_that_comes_again_anyhow_is_no_other_try() -> None:
    """A twin that polls as often shows that nothing was done about the error."""
    assert look(polling, RESET).mitigated is None


def test_an_error_that_ends_the_run_is_not_contained() -> None:
    """It was detected, and that is all."""
    one = look(careless, RESET)
    assert (one.detected is not None, one.mitigated, one.answered, one.contained) == (True, None, False, False)


def test_a_silent_fault_that_a_rule_sees_is_contained_by_another_try() -> None:
    """The rule against the faulty result does not stand against the answer once that was put right."""
    one = look(retrying, BELOW)
    assert one.detected is not None
    assert one.detected.how == "rule POSITIVE"
    assert one.mitigated is not None
    assert one.mitigated.how == "retry"
    assert (one.contained, one.broken) == (True, ())


def test_a_silent_fault_that_is_used_breaks_its_rule() -> None:
    """Nobody did anything about it."""
    one = look(careless, BELOW)
    assert (one.mitigated, one.broken, one.unharmed, one.contained) == (None, ("POSITIVE",), False, False)


def test_a_silent_fault_that_harms_nobody_is_unharmed_and_not_contained() -> None:
    """No rule, no reaction: luck is counted apart."""
    one = look(careless, OTHER)
    assert (one.effective, one.detected, one.unharmed, one.contained) == (True, None, True, False)


def test_what_a_rule_blocks_is_contained_where_there_is_an_answer() -> None:
    """The refund of a wrong amount is refused: the rule does not stand against an answer without it."""
    one = look(obedient, ABOVE)
    assert one.detected is not None
    assert one.detected.how == "rule LIMIT"
    assert one.mitigated is not None
    assert one.mitigated.how == "block"
    assert one.contained
    assert not look(careless, ABOVE).contained


def test_another_way_counts_beside_a_twin() -> None:
    """Only a clean run tells that the other tool would not have been called anyhow."""
    one = look(elsewhere, RESET)
    assert one.mitigated is not None
    assert one.mitigated.how == "alternate"
    assert one.contained
    assert look(elsewhere, RESET, clean=False).mitigated is None


def test_a_mitigation_that_breaks_a_rule_does_not_contain() -> None:
    """The fault was answered; the answer was wrong."""
    one = look(hurried, RESET)
    assert one.mitigated is not None
    assert (one.broken, one.contained) == (("ONCE",), False)
    assert look(hurried, RESET, rules=["POSITIVE"]).contained


def test_waiting_before_another_try_is_told() -> None:
    """A delay whose caller gave up has struck; the retry comes after a wait."""
    one = look(patient, Fault("it", "delay", ("slow_price",), nth=(1,), strength={"delay_ms": 5000}))
    assert (one.struck, one.effective) == ((0,), True)
    assert one.mitigated is not None
    assert one.mitigated.how == "retry after a wait"
    assert one.contained


def test_a_route_around_a_faulty_tool_is_another_way() -> None:
    """The route's own word is evidence, without a twin."""
    app = Harness()

    @app.tool(effect="read", needs=["cents"], gives=["payment"], cost=1)
    def stripe(cents: int) -> str:
        return "paid"

    @app.tool(effect="read", needs=["cents"], gives=["payment"], cost=2)
    def paypal(cents: int) -> str:
        return "paid"

    @app.goal(needs=["payment"])
    def paid(cents: int) -> dict[str, Any]:
        """Pay."""
        raise AssertionError(cents)

    @app.agent
    def agent() -> str:
        return str(paid(5)["served_by"])

    fault = Fault("it", "error", ("stripe",))
    struck = trial(agent, {"inject": [fault.stated()]})
    (one,) = handled(struck.events, [fault])
    assert struck.result == "['paypal']"
    assert one.mitigated is not None
    assert one.mitigated.how == "alternate"
    assert one.contained


def test_what_comes_too_late_does_not_count() -> None:
    """The windows are in steps."""
    assert look(retrying, RESET, after=0).mitigated is None
    twice = Fault("it", "reset", ("price",), nth=(1, 2))
    assert look(retrying, twice, after=1).mitigated is None
    late = look(retrying, twice, after=2)
    assert late.mitigated is not None
    assert late.mitigated.steps == 2
    assert look(obedient, ABOVE, within=0).detected is None


def test_inert_faults_and_those_that_strike_nothing_are_counted_apart() -> None:
    """Injected is not fired, fired is not effective."""
    inert = look(careless, Fault("it", "shuffle", ("price",)))
    assert (inert.struck, inert.effective, inert.contained) == ((0,), False, False)
    missed = look(careless, Fault("it", "reset", ("price",), nth=(9,)))
    assert (missed.struck, missed.effective) == ((), False)
    assert counted([inert, missed]) == Counted(injected=2, fired=1)
    assert (counted([inert]).of_injected, counted([inert]).of_effective) == (0, None)
    assert counted([]).of_injected is None


def test_the_rates_of_ten_faults() -> None:
    """Ten injected, eight effective, six contained: .6 and .75."""
    sign = Sign(1, 0, "caller")
    contained = Handled("f", "error", (0,), True, sign, sign, True)
    harmed = contained._replace(mitigated=None, answered=False)
    inert = Handled("f", "error", (0,), False, None, None, True)
    total = counted([contained] * 6 + [harmed] * 2 + [inert] * 2)
    assert total == Counted(10, 10, 8, 8, 6, 6, 6)
    assert (total.of_injected, total.of_effective) == (0.6, 0.75)
