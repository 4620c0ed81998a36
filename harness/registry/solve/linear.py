"""Small dense linear programs, by HiGHS; what comes back is a proposal and nothing more."""

from __future__ import annotations

from typing import Any

INFINITE = 1e30


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
    """Give the values in their bounds, rows in their limits, at which the cost is least; ``None`` if there are none."""
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
