"""Dense linear programs, large ones by HiGHS; what comes back is a proposal and nothing more."""

from __future__ import annotations

from typing import Any, Final

from harness.registry.solve.simplex import simplex

SMALL: Final = 200  # rows times columns, up to which loading HiGHS takes longer than all programs of a search


def _solver() -> Any:
    from highspy import Highs

    made: Any = Highs
    solver = made()
    for name, value in (("output_flag", False), ("presolve", "off"), ("threads", 1), ("solver", "simplex")):
        solver.setOptionValue(name, value)
    return solver


def least(
    cost: list[float],
    bounds: list[tuple[float, float]],
    rows: list[list[float]],
    limits: list[tuple[float, float]],
) -> list[float] | None:
    """Give the values in their bounds, rows in their limits, at which the cost is least; ``None`` if there are none.

    1e30 stands for a bound that there is not; where a cost is negative there is an upper one, else a lower one.
    """
    if len(rows) * len(cost) <= SMALL:
        return simplex(cost, bounds, rows, limits)
    return _by_highs(cost, bounds, rows, limits)


def _by_highs(
    cost: list[float],
    bounds: list[tuple[float, float]],
    rows: list[list[float]],
    limits: list[tuple[float, float]],
) -> list[float] | None:
    import numpy
    from highspy import HighsLp, HighsModelStatus, MatrixFormat

    wide, tall = len(cost), len(rows)
    program = HighsLp()
    program.num_col_, program.num_row_ = wide, tall
    program.col_cost_ = numpy.array(cost)
    program.col_lower_, program.col_upper_ = (numpy.array([pair[end] for pair in bounds]) for end in (0, 1))
    program.row_lower_, program.row_upper_ = (numpy.array([pair[end] for pair in limits]) for end in (0, 1))
    program.a_matrix_.format_ = MatrixFormat.kRowwise
    program.a_matrix_.start_ = numpy.arange(tall + 1) * wide
    program.a_matrix_.index_ = numpy.tile(numpy.arange(wide), tall)
    program.a_matrix_.value_ = numpy.array(rows, dtype=float).ravel()
    solver = _solver()
    if solver.passModel(program).name == "kError":
        return None
    solver.run()
    if solver.getModelStatus() != HighsModelStatus.kOptimal:
        return None
    return [float(one) for one in solver.getSolution().col_value]
