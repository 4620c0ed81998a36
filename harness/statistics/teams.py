"""What a team costs beside one agent that does the same tasks alone (arXiv 2512.08296, section on metrics).

Tokens, turns and errors are counted over the same tasks for both. What this does not do: say what a turn is; suites do.
"""

from __future__ import annotations

from harness.errors import UsageError


def overhead(team: float, single: float) -> float:
    """Give what a team uses beyond one agent, as a share of what that one uses: (T_m - T_1) / T_1.

    T is tokens, or any other cost; 0 is as much, negative is less. UsageError unless team >= 0 and single > 0.
    """
    _check(team, single, "used")
    return (team - single) / single


def efficiency(success: float, team: float, single: float) -> float:
    """Give the share of tasks that a team does, divided by how many times the turns of one agent it takes for them.

    UsageError unless 0 <= success <= 1 and both turns are more than 0.
    """
    if not 0 <= success <= 1:
        raise UsageError(f"a success of {success}", cure="the share of tasks that are done, from 0 to 1")
    _check(team, single, "turns")
    if not team:
        raise UsageError("a team without a turn", cure="count the turns of the team")
    return success * single / team


def amplification(team: float, single: float) -> float | None:
    """Give how many times the errors of one agent a team makes: E_m / E_1; None where that one makes none.

    UsageError for a rate below 0.
    """
    if team < 0 or single < 0:
        raise UsageError(f"error rates of {team} and {single}", cure="shares of tasks, from 0 on")
    return team / single if single else None


def _check(team: float, single: float, what: str) -> None:
    if team < 0 or not single > 0:
        raise UsageError(f"{what} by the team {team}, by one agent {single}", cure="let one agent do the same tasks")
