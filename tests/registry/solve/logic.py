"""Logic-heavy problems for tests: clauses, feature models, pigeons."""

from __future__ import annotations

from random import Random

from harness.registry.solve.problem import Problem
from tests.registry.solve.problems import X, choice, integer, problem, some


def sat(count: int, ratio: float, seed: int) -> Problem:
    """Give random clauses of three of so many truth values, so many times as many."""
    random = Random(seed)
    clauses = {}
    for at in range(int(count * ratio)):
        chosen = random.sample(range(count), 3)
        clauses[f"c{at}"] = some(*(X(one).equals(random.randrange(2)) for one in chosen))
    return problem([choice(f"b{at}", False, True) for at in range(count)], **clauses)


def brute(given_problem: Problem, count: int, ratio: float, seed: int) -> bool:
    """Say whether such clauses can be met, by trying all truth values as bits."""
    assert len(given_problem.variables) == count
    random = Random(seed)
    clauses = []
    for _ in range(int(count * ratio)):
        chosen = random.sample(range(count), 3)
        clauses.append([(one, random.randrange(2)) for one in chosen])
    return any(all(any(bits >> at & 1 == wanted for at, wanted in one) for one in clauses) for bits in range(2**count))


def features(seed: int, enums: int = 30, rules: int = 94) -> Problem:
    """Give a feature model: each feature one of four, rules *if this one, then one of these two*, twelve chosen.

    For an even seed everything is written around a configuration, which meets it.
    """
    random = Random(seed)
    planted = [random.randrange(4) for _ in range(enums)]
    said = {}
    for at in range(rules):
        one, other = random.sample(range(enums), 2)
        value, allowed = random.randrange(4), random.sample(range(4), 2)
        while seed % 2 == 0 and planted[one] == value and planted[other] not in allowed:
            allowed = random.sample(range(4), 2)
        said[f"r{at}"] = some(X(one).differs(value), *(X(other).equals(each) for each in allowed))
    for at, one in enumerate(random.sample(range(enums), 12)):
        said[f"u{at}"] = X(one).equals(planted[one])
    return problem([choice(f"f{at}", *"abcd") for at in range(enums)], **said)


def pigeons(count: int, holes: int) -> Problem:
    """Give so many pigeons of which no two are in one hole."""
    apart = {f"d{one}_{other}": X(one).differs(X(other)) for one in range(count) for other in range(one)}
    return problem([integer(f"p{at}", 1, holes) for at in range(count)], **apart)
