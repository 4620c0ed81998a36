"""Where values come from: grades, bounds, and an independent search over everything that was said."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assertion.leaves import Key, leaves_of
from harness.assertion.provenance import CONTEXT, MAX_ORIGINS, Origin, Provenance
from harness.assertion.tokens import cut, tokens_of

SOME = "ann bob pays 5 5.0 GB29NWBK60161331926819 a@x.org www.x.org/p Ünal, (note) rent: tea."
WORDS = st.sampled_from(SOME.split(" "))
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)
VALUES = st.recursive(
    TEXTS | st.integers(0, 20) | st.floats(0, 20).map(lambda number: round(number, 1)) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def learnt(*said: Any, **more: Any) -> Provenance:
    """Give an index of what a tool said, one result after the other."""
    index = Provenance(**more)
    for seq, value in enumerate(said):
        index.learn(value, "tool", tool="get", trust="untrusted", seq=seq, step=seq)
    return index


def grades(index: Provenance, value: Any) -> list[tuple[str, int]]:
    """Give grade and seq of each origin."""
    return [(origin.grade, origin.seq) for origin in index.origins(value)]


def test_an_origin_says_who_where_and_in_which_words() -> None:
    """Kind, tool, trust, seq, step, JSON pointer and the text around the value are those of the first place."""
    index = Provenance()
    said = {"mails": [{"a/b": "Pay GB29NWBK60161331926819 now."}]}
    index.learn(said, "tool", tool="get", trust="untrusted", seq=7, step=3)
    expected = Origin("tool", "get", "untrusted", 7, 3, "derived", "/mails/0/a~1b", "Pay GB29NWBK60161331926819 now.")
    assert index.origins("GB29NWBK60161331926819") == (expected,)


@pytest.mark.parametrize(
    ("said", "asked", "grade"),
    [
        ("Ann", "ann ", "exact"),
        (["x", {"to": "Ann"}], "Ann", "exact"),
        (5, 5.0, "exact"),
        ("Dear Ann, hello", "Ann", "derived"),
        ("on 5 May 2024", "5 May", "derived"),
        ("1,100.00 in all", 1100, "derived"),
        (5, "5.0", "derived"),
        ("see www.x.org today", "https://www.x.org/", "derived"),
        ({"Ann Lee": 5}, "Ann Lee", "exact"),
        ("Ann, Lee", "Ann Lee", "derived"),
        ("mail a@x.org", "to a@x.org and others", "part"),
        ("the code is 463820", "Your code: 463820, bye", "part"),
        ("he said that we meet at noon", "They heard that we meet at eight", "part"),
    ],
)
def test_grades(said: Any, asked: Any, grade: str) -> None:
    """A whole leaf is exact, a value inside a text or spelled otherwise derived, a telling piece of it a part."""
    assert [origin.grade for origin in learnt(said).origins(asked)] == [grade]


@pytest.mark.parametrize("asked", [True, False, None, "", "?!", "nn", "Bob", 6, [], {}, "we meet somewhere else"])
def test_what_was_not_said_has_no_origin(asked: Any) -> None:
    """True, false, null, empty texts, pieces of words and chance agreement of common words have no origin."""
    assert learnt("Ann said that we meet", True, None, 5).origins(asked) == ()


def test_an_integer_beyond_every_float_is_looked_for_like_another() -> None:
    """It is found where it was said, and nowhere else; an error would leave its rule unknown."""
    assert [origin.grade for origin in learnt(10**400).origins(10**400)] == ["exact"]
    assert learnt(5, "1e400").origins(-(10**400)) == ()


def test_a_structure_is_as_well_founded_as_its_weakest_leaf() -> None:
    """Exact where one source said every leaf, derived where in part inside texts, part where leaves are missing."""
    index = learnt({"to": "Ann", "cents": 5}, "Pay Ann 5 cents", "Dear Ann")
    assert grades(index, {"cents": 5, "who": "Ann"}) == [("exact", 0), ("derived", 1), ("part", 2)]


def test_the_best_grade_comes_first_then_the_oldest() -> None:
    """Origins are ordered by grade and age, and a user's words are found beside a tool's."""
    index = learnt("for Ann only", "Ann", "to Ann")
    index.learn("Pay Ann", "user", trust="trusted", seq=9, step=9)
    assert grades(index, "Ann") == [("exact", 1), ("derived", 0), ("derived", 2), ("derived", 9)]


def test_of_many_places_the_first_and_the_last_are_known() -> None:
    """At most eight origins are given: the first four and the last four leaves of a token."""
    index = learnt(*(f"note {number} on Ann" for number in range(100)))
    assert [seq for _, seq in grades(index, "Ann")] == [0, 1, 2, 3, 96, 97, 98, 99]
    assert len(index.origins("Ann")) == MAX_ORIGINS


def test_repetition_costs_no_memory() -> None:
    """A leaf that the same tool says again is not kept again; another tool's is."""
    index = learnt(*["Ann likes tea"] * 1000)
    assert grades(index, "tea") == [("derived", 0)]
    index.learn("Ann likes tea", "tool", tool="other", trust="trusted", seq=5000, step=1)
    assert [origin.tool for origin in index.origins("tea")] == ["get", "other"]


def test_what_tools_said_long_ago_is_forgotten_first() -> None:
    """Beyond the capacity the older generation goes; the user's words stay."""
    index = Provenance(capacity=1000)
    index.learn("Pay Ann", "user", trust="trusted", seq=0, step=0)
    for seq in range(1, 200):
        index.learn(f"item{seq} " + "x" * 50, "tool", tool="get", seq=seq, step=seq)
    assert index.origins("item1") == ()
    assert grades(index, "item199") == [("derived", 199)]
    assert [origin.kind for origin in index.origins("Ann")] == ["user"]


def test_the_context_of_a_long_text_surrounds_the_value() -> None:
    """Of a long text the passage around the value is given, bounded, as it was written."""
    text = "word " * 5000 + "Then PAY\nAnn Lee! " + "word " * 5000
    (origin,) = learnt(text).origins("pay ann lee")
    assert "Then PAY\nAnn Lee!" in origin.context
    assert len(origin.context) == CONTEXT


@given(st.lists(VALUES, max_size=5), VALUES)
def test_it_agrees_with_a_search_over_everything(said: list[Any], asked: Any) -> None:
    """For each leaf, the sources that are exact or derived are those that a plain search of every leaf finds."""
    index = learnt(*said)
    for _, leaf in leaves_of(asked, ()):
        found = {(o.grade, o.seq) for o in index.origins(leaf) if o.grade != "part"}
        first = dict[Any, int]()
        for seq, value in enumerate(said):
            for _, other in leaves_of(value, ()):
                first.setdefault(other, seq)
        expected = {(grade, seq) for other, seq in first.items() if (grade := relation(other, leaf))}
        assert found <= expected
        assert len(expected) > MAX_ORIGINS or found == expected


def relation(said: Any, asked: Any) -> str:
    """Compare two leaves in the plainest way."""
    if isinstance(said, str) and isinstance(asked, str):
        if not tokens_of(asked):
            return ""
        if said.strip().casefold() == asked.strip().casefold():
            return "exact"
        spelled = {asked, *([f"http://{asked}", f"https://{asked}", f"{asked}/"] if "." in asked else [])}
        if any(f" {' '.join(tokens_of(one))} " in f" {' '.join(tokens_of(said))} " for one in spelled):
            return "derived"
        return ""
    if isinstance(said, str):
        forms = {str(asked), f"{asked:.2f}", f"{asked:,}", f"{asked:g}", f"{asked:.1f}"}
        tokens = {one for one in tokens_of(said) if one.replace(".", "").isdigit() and float(one) == asked}
        return "derived" if tokens & forms else ""
    if isinstance(asked, str):
        return "derived" if asked.replace(".", "").isdigit() and float(asked) == said else ""
    return "exact" if said == asked else ""


@given(st.lists(st.text(max_size=20), max_size=6))
def test_texts_are_cut_together_as_one_by_one(texts: list[str]) -> None:
    """Cutting many texts at one go gives the tokens of each."""
    assert cut(texts) == list(map(tokens_of, texts))


def test_keys_are_leaves_too() -> None:
    """A key of an object is a leaf of its own, told apart by its place."""
    found = {leaf: type(path[-1]) is Key for path, leaf in leaves_of({"Ann": [5]}, ())}
    assert found == {"Ann": True, 5: False}


def test_the_cost_of_a_question_is_flat() -> None:
    """After 20,000 results a question costs at most three times what it costs after 200."""
    index = Provenance()

    def median_s(start: int, end: int) -> float:
        taken = []
        for seq in range(start, end):
            index.learn({"id": f"item-{seq}", "note": f"Ann owes {seq} to Bob"}, "tool", tool="get", seq=seq, step=seq)
            begin = time.perf_counter()
            index.origins(f"item-{seq // 2}")
            index.origins("Ann owes")
            taken.append(time.perf_counter() - begin)
        return sorted(taken)[len(taken) // 2]

    early = median_s(0, 200)
    median_s(200, 19_000)
    assert median_s(19_000, 20_000) <= 3 * early
