"""Votes: how often the answer that gets ahead by k votes is the right one, what that costs, and what spoils it.

The model of arXiv 2511.09030: every vote is right with probability p, whatever the others say, and all wrong votes
agree on one wrong answer. The lead of the right answer is then a walk by one step up or down that ends at k or at -k.
Wrong votes that disagree among themselves only help, so the figures are bounds where there are several wrong answers.
Votes that fail together do not: see ``decided_right`` for what a stated correlation does, and what that says not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Final, NamedTuple

from harness.errors import UsageError

MAX_VOTERS: Final = 20
"""Voters of a weighted vote that are evaluated exactly: each one more may double the work."""


# --- one race ---------------------------------------------------------------------------------------------------------


def decided_wrong(accuracy: float, lead: int, correlation: float = 0.0) -> float:
    """Give the probability that a wrong answer is the first to be ahead by ``lead`` votes.

    ``correlation`` is between the votes on one question, in this model: with that probability all of them repeat one
    vote, otherwise they are independent. No lead gets below correlation × (1 - accuracy) then. Other ways of failing
    together can have the same correlation and be worse. UsageError for what is no probability, or no lead.
    O(1). arXiv 2511.09030, section 3; the correlation is ours.
    """
    _check_share("accuracy", accuracy)
    _check_share("correlation", correlation)
    _check_count("lead", lead)
    if accuracy in (0.0, 1.0):
        return 1.0 - accuracy
    odds = lead * _log_odds(accuracy)
    against = math.exp(-abs(odds))  # of the less likely end; e to a large power would overflow
    apart = (against if odds > 0 else 1.0) / (1 + against)
    return correlation * (1 - accuracy) + (1 - correlation) * apart


def decided_right(accuracy: float, lead: int, correlation: float = 0.0) -> float:
    """Give the probability that the right answer is the first to be ahead; see ``decided_wrong``."""
    return 1.0 - decided_wrong(accuracy, lead, correlation)


def expected_votes(accuracy: float, lead: int, valid: float = 1.0) -> float:
    """Give the votes that a race takes on average, where a share ``valid`` of the replies is not discarded.

    For independent votes; votes that repeat one another take exactly ``lead``, never more. UsageError as above.
    O(1). arXiv 2511.09030, section 3.
    """
    _check_share("accuracy", accuracy)
    _check_count("lead", lead)
    _check_valid(valid)
    drift = 2 * accuracy - 1
    if drift in (-1, 1):
        return lead / valid
    # k·(2P-1) / (2p-1) in a form that keeps its digits near a fair coin
    return (lead * math.tanh(lead * math.atanh(drift)) / drift if drift else lead * lead) / valid


# --- a whole task -----------------------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """What a vote on every step of a task is worth: the task comes out right with probability ``whole``.

    ``wrong`` is the probability that one decision is wrong, ``votes`` what one takes on average, discarded replies
    included, ``cost`` that of all votes of the task, in the unit of ``vote_cost``.
    """

    lead: int
    wrong: float
    whole: float
    votes: float
    cost: float


def plan(
    accuracy: float,
    steps: int,
    target: float,
    *,
    correlation: float | None,
    valid: float = 1.0,
    vote_cost: float = 1.0,
) -> Plan:
    """Give the smallest lead by which a task of so many decisions is right with probability ``target`` or more.

    ``accuracy`` is that of one vote on one decision, as measured: take the lower end of its interval, and its
    ``correlation`` as measured too. UsageError where nothing can be promised: for an accuracy of 0.5 or less, for a
    correlation that is not known (None), and for one that no lead makes up for. O(1). arXiv 2511.09030, section 3.
    """
    _check_promise(accuracy, correlation)
    _check_target(steps, target)
    assert correlation is not None
    lead = _lead(accuracy, -math.expm1(math.log(target) / steps), correlation)
    return planned(accuracy, steps, lead, correlation=correlation, valid=valid, vote_cost=vote_cost)


def _lead(accuracy: float, allowed: float, correlation: float) -> int:
    """Give the smallest lead at which a decision is wrong with probability ``allowed`` or less."""
    if decided_wrong(accuracy, 1, correlation) <= allowed:
        return 1
    together = correlation * (1 - accuracy)
    if together >= allowed:
        raise UsageError(
            f"no number of votes will do: {together:.3g} of the decisions are wrong because their votes are wrong "
            f"together, and {allowed:.3g} may be",
            cure="make the votes less alike (prompts, models), raise their accuracy, or check each decision by a rule",
        )
    apart = (allowed - together) / (1 - correlation)
    lead = max(1, math.ceil(math.log(1 / apart - 1) / _log_odds(accuracy)))
    # a rounding error may put the logarithm on the wrong side of a whole number
    return next(
        one for one in (lead - 1, lead, lead + 1) if one and decided_wrong(accuracy, one, correlation) <= allowed
    )


def planned(
    accuracy: float,
    steps: int,
    lead: int,
    *,
    correlation: float | None,
    valid: float = 1.0,
    vote_cost: float = 1.0,
) -> Plan:
    """Give what a lead is worth for a task of so many decisions; UsageError as in ``plan``."""
    _check_promise(accuracy, correlation)
    assert correlation is not None
    _check_count("steps", steps)
    wrong = decided_wrong(accuracy, lead, correlation)
    votes = correlation * lead / valid + (1 - correlation) * expected_votes(accuracy, lead, valid)
    return Plan(lead, wrong, math.exp(steps * math.log1p(-wrong)), votes, vote_cost * steps * votes)


def smallest_lead(accuracy: float, steps: int, target: float, steps_each: int = 1) -> int:
    """Give the published k_min: ⌈ln(t^(-m/s) - 1) / ln((1-p)/p)⌉, for independent votes on ``steps_each`` steps each.

    UsageError for an accuracy of 0.5 or less. arXiv 2511.09030, section 3.
    """
    _check_promise(accuracy, 0.0)
    _check_target(steps, target)
    if accuracy == 1:
        return 1
    odds = math.log(math.expm1(-math.log(target) * steps_each / steps))
    return max(1, math.ceil(-odds / _log_odds(accuracy)))


def published_cost(
    accuracy: float, steps: int, lead: int, vote_cost: float = 1.0, *, valid: float = 1.0, steps_each: int = 1
) -> float:
    """Give the published estimate c·s·k / (v·p^(m-1)·(2p-1)), which ``Plan.cost`` comes near to as the lead grows.

    ``accuracy`` and ``vote_cost`` are those of one step. UsageError as above. arXiv 2511.09030, section 3.
    """
    _check_promise(accuracy, 0.0)
    _check_valid(valid)
    return vote_cost * steps * lead / (valid * accuracy ** (steps_each - 1) * (2 * accuracy - 1))


# --- votes of unequal weight ------------------------------------------------------------------------------------------


class Chance(NamedTuple):
    """The probabilities that a vote between two answers comes out right, wrong, or as a tie."""

    right: float
    wrong: float
    tie: float


def weight(accuracy: float) -> float:
    """Give the weight ln(p / (1-p)) of a voter of this measured accuracy; what a voter says of itself is no measure.

    UsageError for an accuracy of 0.5 or less, whose vote says nothing, and for 1, which no measurement shows.
    """
    _check_promise(accuracy, 0.0)
    if accuracy >= 1:
        raise UsageError("an accuracy of 1 outvotes everybody for ever", cure="take the lower end of its interval")
    return _log_odds(accuracy)


def weighted_chance(accuracies: Sequence[float]) -> Chance:
    """Give exactly how a vote weighted by ``weight`` comes out, the voters independent and all asked once.

    Accuracies are taken as the decimals they are written as, and sums of weights compared as products of odds, so a
    tie is one. UsageError as in ``weight``, and beyond ``MAX_VOTERS``. O(2^voters) at worst.
    """
    for accuracy in accuracies:
        weight(accuracy)
    return _chance([(one, one / (1 - one)) for one in map(_exact, accuracies)])


def majority_chance(accuracies: Sequence[float]) -> Chance:
    """Give exactly how the same vote comes out where every voter has the same weight; UsageError as above."""
    for accuracy in accuracies:
        _check_share("accuracy", accuracy)
    return _chance([(one, Fraction(2)) for one in map(_exact, accuracies)])


def _chance(voters: Sequence[tuple[Fraction, Fraction]]) -> Chance:
    """Join voters one by one: by the product of the odds for the right answer, how probable it is."""
    if not 0 < len(voters) <= MAX_VOTERS:
        raise UsageError(f"{len(voters)} voters", cure=f"an exact evaluation takes 1 to {MAX_VOTERS}")
    leads = {Fraction(1): Fraction(1)}
    for accuracy, odds in voters:
        joined: dict[Fraction, Fraction] = {}
        for (lead, chance), is_right in product(leads.items(), (True, False)):
            after = lead * odds if is_right else lead / odds
            joined[after] = joined.get(after, Fraction(0)) + chance * (accuracy if is_right else 1 - accuracy)
        leads = joined
    right = sum((chance for lead, chance in leads.items() if lead > 1), Fraction(0))
    tie = leads.get(Fraction(1), Fraction(0))
    return Chance(float(right), float(1 - right - tie), float(tie))


# --- what is refused --------------------------------------------------------------------------------------------------


def _log_odds(accuracy: float) -> float:
    return math.log(accuracy) - math.log1p(-accuracy)


def _exact(accuracy: float) -> Fraction:
    return Fraction(repr(float(accuracy)))


def _check_promise(accuracy: float, correlation: float | None) -> None:
    _check_share("accuracy", accuracy)
    if accuracy <= 0.5:
        raise UsageError(
            f"with an accuracy of {accuracy} more votes make the answer no better",
            cure="make the question smaller, or the votes better, before they are counted",
        )
    if correlation is None:
        raise UsageError(
            "nothing can be promised of votes whose correlation is not known",
            cure="measure it on questions with known answers, or write correlation=0.0 to assume that there is none",
        )
    _check_share("correlation", correlation)


def _check_target(steps: int, target: float) -> None:
    _check_count("steps", steps)
    if not 0 < target < 1:
        raise UsageError(f"a target of {target} is not between 0 and 1", cure="write 0.95 for 95 %")


def _check_share(what: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UsageError(f"a {what} of {value} is no probability", cure="it lies between 0 and 1")


def _check_count(what: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"{what} is {value}", cure="a whole number from 1 on")


def _check_valid(valid: float) -> None:
    if not 0 < valid <= 1:
        raise UsageError(f"a share of {valid} valid replies", cure="more than 0, at most 1")
