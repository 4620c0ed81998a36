"""Edges, and the chains and cycles that are stitched of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.faults.plan import Fault
from harness.stress.causes.causality import Edge, Evidence, Path, causes_of, chains_of, cycles_of, edges_of
from harness.stress.causes.effects import Condition, Effect, Site, compatible, condition
from harness.stress.causes.twin import Twin

NOTHING: Condition = ()


def site(letter: str) -> Site:
    """Give the site that a letter names: a rule, where it is a capital."""
    return Site("violated" if letter.isupper() else "error", letter)


def edge(
    way: str, test: str = "t", before: Condition = NOTHING, after: Condition = NOTHING, under: Condition = NOTHING
) -> Edge:
    """Give the edge that two letters name."""
    return Edge(site(way[0]), site(way[1]), before, after, under, (Evidence(test, f"fault {way}", (0,), 1),))


def spelled(ways: tuple[Path, ...]) -> list[str]:
    """Give the letters of ways."""
    return ["".join(one.where for one in way.causes) for way in ways]


def test_three_edges_of_three_tests_are_a_cycle() -> None:
    """No test has more than one of them."""
    (cycle,) = cycles_of([edge("bc", "two"), edge("ca", "three"), edge("ab", "one")])
    assert [one.where for one in cycle.causes] == ["a", "b", "c"]
    assert [one.tests for one in cycle.edges] == [("one",), ("two",), ("three",)]
    assert cycle.stitched
    (alone,) = cycles_of([edge("ab"), edge("ba")])
    assert not alone.stitched


def test_without_one_edge_there_is_no_cycle() -> None:
    """Each of the three is needed."""
    edges = [edge("ab"), edge("bc"), edge("ca")]
    for left_out in range(3):
        assert cycles_of([one for number, one in enumerate(edges) if number != left_out]) == ()


def test_what_cannot_hold_together_is_not_stitched() -> None:
    """Neighbours have to agree where they meet, and all tests with each other."""
    main, reports = condition({"replica": "main"}), condition({"replica": "reports"})
    assert cycles_of([edge("ab", after=reports), edge("ba", before=main)]) == ()
    assert cycles_of([edge("ab", after=main), edge("ba", before=main)]) != ()
    assert cycles_of([edge("ab", before=reports, after=main), edge("ba", before=main)]) != ()
    on, off = condition({"cache": "on"}), condition({"cache": "off"})
    assert cycles_of([edge("ab", under=on), edge("bc"), edge("ca", under=off)]) == ()
    assert cycles_of([edge("ab", under=on), edge("bc"), edge("ca", under=on)]) != ()


def test_what_leads_to_itself_is_a_cycle_of_one() -> None:
    """An effect like its own cause."""
    (cycle,) = cycles_of([edge("aa")])
    assert len(cycle.edges) == 1


def test_chains_end_where_a_rule_breaks() -> None:
    """A shortest one from each site, and none where a single fault shows it directly."""
    edges = [edge("ab"), edge("bc"), edge("cR"), edge("bR"), edge("cd")]
    assert spelled(chains_of(edges)) == ["ab"]
    assert [one.edges[-1].effect for one in chains_of(edges)] == [Site("violated", "R")]
    assert chains_of([edge("aR"), edge("ab"), edge("bR")]) == ()
    assert chains_of(edges, longest=1) == ()


def test_equal_findings_are_put_together() -> None:
    """An edge names every run that shows it; other conditions make another edge."""
    effects = [Effect(site("b"), condition({"n": n}), 1, 3) for n in (1, 1, 2)]
    twins = [
        Twin(test, Fault("f", "error"), site("a"), NOTHING, NOTHING, (0,), (effect,))
        for test, effect in zip(("one", "two", "three"), effects, strict=True)
    ]
    first, second = edges_of(twins)
    assert (first.tests, second.tests) == (("one", "two"), ("three",))
    struck_nothing = Twin("none", Fault("f", "error"), None, NOTHING, NOTHING, (), ())
    assert causes_of([*twins, struck_nothing]).edges == (first, second)


CONDITIONS = st.sampled_from([NOTHING, condition({"k": 1}), condition({"k": 2}), condition({"m": 1})])
ENDS = st.sampled_from([one + other for one in "abc" for other in "abc"])
EDGES = st.lists(st.tuples(ENDS, CONDITIONS, CONDITIONS, CONDITIONS), max_size=6, unique=True)


def every_cycle(edges: list[Edge]) -> Iterator[str]:
    """Try every sequence of edges: the oracle."""
    for length in range(1, min(len(edges), 4) + 1):
        for way in permutations(edges, length):
            joints = zip(way, (*way[1:], way[0]), strict=True)
            fits = all(one.effect == two.cause and compatible(one.at_effect, two.at_cause) for one, two in joints)
            alike = all(compatible(one.under, two.under) for one in way for two in way)
            causes = [one.cause for one in way]
            if fits and alike and len(set(causes)) == length and causes[0] == min(causes):
                yield "".join(one.where for one in causes)


@settings(deadline=None)  # networkx is imported with the first
@given(EDGES)
def test_all_cycles_are_found_and_no_others(drawn: list[tuple[str, Condition, Condition, Condition]]) -> None:
    """The same as by trying every sequence of edges."""
    edges = [edge(ends, "t", *conditions) for ends, *conditions in drawn]
    assert sorted(spelled(cycles_of(edges))) == sorted(set(every_cycle(edges)))
