"""Pictures of graphs: what is drawn, where it goes, and what a run did with it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.adapters.registries import load_registry
from harness.routing.draw.layers import laid_out
from harness.routing.draw.mermaid import mermaid
from harness.routing.draw.picture import Picture, picture_of, picture_of_calls
from harness.routing.draw.svg import svg
from harness.routing.draw.trip import Called, Trip, trips
from harness.routing.draw.way import way_taken
from harness.routing.graph import Goal, Graph
from harness.routing.planner import Planner
from harness.tool import ToolSpec
from harness.trace.event import Event
from tests.routing.drawn import Asked, arc, needed, questions

NAME = "{http://www.w3.org/2000/svg}"


def graph_of(*arcs: object, start: str = "", goals: dict[str, str] | None = None) -> Graph:
    """Give a graph of arcs, facts that are handed in, and goals by the words of their needs."""
    some = tuple(arcs)
    tools = {one.tool: ToolSpec(one.tool) for one in some if one.tool}  # type: ignore[attr-defined]
    wanted = {name: Goal(name, needed(words)) for name, words in (goals or {}).items()}
    return Graph("drawn", some, tuple(start.split()), wanted, tools)  # type: ignore[arg-type]


def suite(name: str) -> Graph:
    """Give a graph of the suite ``router``."""
    graph = load_registry(f"benchmarks/suites/router/{name}.yaml").graph
    assert graph is not None
    return graph


def arrows(picture: Picture) -> set[tuple[str, str, str]]:
    """Give the arrows by what is written in their boxes, with what is written on them."""
    labels = {node.name: node.label for node in picture.nodes}
    return {(labels[one.source], labels[one.target], one.label) for one in picture.arrows}


def served(*tools: str) -> list[Trip]:
    """Give a route on which these tools served."""
    return [Trip("goal", tuple(Called(tool, "served") for tool in tools), True)]


# --- what is drawn ---------------------------------------------------------------------------------------------------


def test_a_plain_graph_is_drawn_as_its_edges() -> None:
    """A fact that is called like its only tool has no node of its own, so each edge is one arrow with its cost."""
    edges = """Start CRM 0.1, CRM Stripe 0.3, CRM Razorpay 0.5, Stripe Email 0.3, Stripe SMS 0.4, Razorpay Email 0.3,
    Razorpay SMS 0.4, Email Complete 0.1, SMS Complete 0.1"""
    picture = picture_of(suite("cs"))
    assert arrows(picture) == {tuple(edge.split()) for edge in edges.split(",")}
    assert {node.label: node.kind for node in picture.nodes} == {
        "Start": "start",
        **dict.fromkeys(("CRM", "Stripe", "Razorpay", "Email", "SMS"), "tool"),
        "Complete": "goal",
    }


def test_what_needs_more_than_one_arrow_meets_in_a_gate() -> None:
    """All of several facts, a quorum, and one of several as one of all needs, each say so in words."""
    graph = graph_of(
        arc("pack", "stock paid", "box"),
        arc("judge", "2:m1,m2,m3", "verdict"),
        arc("send", "box verdict|waiver", "sent"),
        start="stock paid m1 m2 m3 waiver",
        goals={"done": "sent"},
    )
    drawn = arrows(picture_of(graph))
    assert {("stock", "all", ""), ("paid", "all", ""), ("all", "pack", "0.1")} <= drawn
    assert {("m1", "2 of 3", ""), ("m2", "2 of 3", ""), ("m3", "2 of 3", ""), ("2 of 3", "judge", "0.1")} <= drawn
    assert {("verdict", "any", ""), ("waiver", "any", ""), ("any", "all", ""), ("box", "all", "")} <= drawn
    assert ("sent", "done", "") in drawn


def test_equal_needs_meet_in_one_gate() -> None:
    """Ways that need the very same share a gate; those that only name the same facts do not."""
    ways = (
        arc("card", "order price", "paid"),
        arc("cash", "order price", "paid"),
        arc("points", "order|price paid", "x"),
    )
    graph = graph_of(*ways, arc("gift", "order price paid", "x"), start="order price", goals={"x": "x"})
    titles = [node.title for node in picture_of(graph).nodes if node.kind == "gate"]
    assert titles == [
        "order, and price",
        "any of order, price, and paid",
        "any of order, price",
        "order, and price, and paid",
    ]


def test_alternatives_are_arrows_side_by_side() -> None:
    """One of several facts needs no gate; several ways of one tool share its box where each has one such need."""
    graph = graph_of(arc("mail", "a|b", "sent"), arc("mail", "c", "sent", 4), start="a b c", goals={"sent": "sent"})
    picture = picture_of(graph)
    assert arrows(picture) == {("a", "mail", "0.1"), ("b", "mail", "0.1"), ("c", "mail", "0.4"), ("mail", "sent", "")}
    assert Counter(node.kind for node in picture.nodes)["tool"] == 1


def test_ways_that_cannot_share_a_box_stand_apart() -> None:
    """A tool with a way that needs two facts at once has a box for each way, so no arrow is read with another's."""
    graph = graph_of(arc("mail", "a b", "sent"), arc("mail", "c", "sent"), start="a b c", goals={"sent": "sent"})
    picture = picture_of(graph)
    assert [node.label for node in picture.nodes if node.kind == "tool"] == ["mail", "mail"]


def test_a_write_says_what_it_is() -> None:
    """A write is marked in words, one that can be undone too; the title names the tools beside it."""
    nodes = {node.label: node for node in picture_of(suite("cs")).nodes}
    assert (nodes["CRM"].below, nodes["Stripe"].below, nodes["Email"].below) == ("", "write, undoable", "write")
    assert nodes["Stripe"].title == "Stripe: a write, undo undo_Stripe"


# --- what was done ---------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(questions(plain=True) | questions(plain=False))
def test_a_planned_route_is_found_again_from_its_names(asked: Asked) -> None:
    """Where each tool has one way, the tools of a planned route, called in its order, lead along its very arcs."""
    arcs = tuple(replace(one, tool=one.tool and f"{one.tool}{at}") for at, one in enumerate(asked.graph.arcs))
    graph = Graph("drawn", arcs, tuple(asked.held), {"goal": Goal("goal", asked.needs)}, {})
    planner = Planner(graph)
    route = planner.plan(asked.needs, dict.fromkeys(asked.held, 0), planner.weights())
    if route is None:
        return
    called = [at for at in route.arcs if graph.arcs[at].tool is not None]
    way = way_taken(graph, [graph.arcs[at].tool or "" for at in called])
    assert [at for at in way.arcs if graph.arcs[at].tool is not None] == called
    assert set(way.arcs) >= set(route.arcs)
    assert way.meets(asked.needs) is not None


def test_the_path_that_was_taken_is_marked() -> None:
    """Arrows along the path are taken, and no others; calls are numbered in their order, failed ones too."""
    calls = [Called("CRM", "served"), Called("Stripe", "failed"), Called("Razorpay", "served"), Called("SMS", "served")]
    picture = picture_of(suite("cs"), [Trip("Complete", tuple(calls), True)])
    labels = {node.name: node.label for node in picture.nodes}
    taken = [(labels[one.source], labels[one.target]) for one in picture.arrows if one.taken]
    assert sorted(taken) == sorted(pairwise(["Start", "CRM", "Razorpay", "SMS", "Complete"]))
    nodes = {node.label: (node.state, node.below) for node in picture.nodes}
    assert nodes["Stripe"] == ("failed", "write, undoable · ✕ 2 failed")
    assert nodes["SMS"] == ("served", "write · ✓ 4")
    assert (nodes["Complete"], nodes["Email"]) == (("served", "✓ reached"), ("", "write"))
    assert picture.says.endswith("CRM served, Stripe failed, Razorpay served, SMS served. It was served.")


def test_of_a_quorum_only_what_was_used_is_marked() -> None:
    """The arrows into a quorum are those of the facts that it was met by."""
    picture = picture_of(suite("d3"), served("moderator1", "moderator4", "moderator5"))
    gate = next(node.name for node in picture.nodes if node.kind == "gate")
    used = [one.source for one in picture.arrows if one.target == gate and one.taken]
    assert used == ["fact seen1", "fact seen4", "fact seen5"]


def event(seq: int, kind: str, **body: object) -> Event:
    """Give one event of a trace."""
    return Event(seq, kind, "main", "0", (), seq, body)  # type: ignore[arg-type]


def test_routes_are_read_from_a_trace() -> None:
    """Calls belong to the route whose asking call they serve; a write that was taken back, and by what, is told."""
    call = {"surface": "tool", "args": {}, "rules": []}
    events = [
        event(0, "action", tool="goal", **call),
        event(1, "route", does="plan", goal="goal", action=0, path=["pay", "send"], cost=2),
        event(2, "action", tool="pay", serves=0, **call),
        event(3, "observation", action=2, ok=1),
        event(4, "action", tool="pay", **call),  # the agent's own
        event(5, "observation", action=4, ok=1),
        event(6, "action", tool="send", serves=0, **call),
        event(7, "observation", action=6, unknown={"reason": "timeout"}),
        event(8, "action", tool="refund", serves=0, **call),
        event(9, "observation", action=8, ok=1),
        event(10, "route", does="undo", goal="goal", action=0, tool="refund", undo=["pay"]),
        event(11, "action", tool="other", serves=0, **call),
        event(12, "decision", action=11, decision="block", rule="R", reason="no"),
        event(13, "route", does="end", goal="goal", action=0, served=False, path=[], cost=3),
        event(14, "action", tool="pay", serves=0, **call),  # too late to be one of it
    ]
    hows = [("pay", "undone"), ("send", "unknown"), ("refund", "undoes"), ("other", "refused")]
    assert trips(events) == [Trip("goal", tuple(Called(*how) for how in hows), False)]  # type: ignore[arg-type]
    assert trips(events[:3]) == [Trip("goal", (Called("pay", "open"),), None)]


def test_without_a_graph_the_calls_stand_in_a_row() -> None:
    """What was called and in which order is drawn from the events alone, up to the goal."""
    picture = picture_of_calls([Trip("told", (Called("mail", "failed"), Called("sms", "served")), True)])
    assert [(node.label, node.below) for node in picture.nodes] == [
        ("mail", "✕ 1 failed"),
        ("sms", "✓ 2"),
        ("told", "✓ served"),
    ]
    assert arrows(picture) == {("mail", "sms", ""), ("sms", "told", "")}


# --- where it goes ---------------------------------------------------------------------------------------------------

ENDS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=16, unique=True)


@settings(max_examples=200, deadline=None)
@given(ENDS)
def test_boxes_stand_right_of_what_leads_to_them_and_apart(ends: list[tuple[str, str]]) -> None:
    """In any graph, cycles included, boxes do not overlap, arrows lead right but for those that close a cycle."""
    sizes = {name: (40.0 + 10 * at, 30.0) for at, name in enumerate("abcdefgh")}
    layout = laid_out(sizes, ends)
    for one, other in combinations(layout.boxes.values(), 2):
        across = abs(one.x - other.x) >= (one.width + other.width) / 2
        assert across or abs(one.y - other.y) >= (one.height + other.height) / 2
    forth = [(a, b) for a, b in ends if a != b and (a, b) not in layout.back]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(forth))
    for a, b in forth:
        points = [(layout.boxes[a].x, 0.0), *layout.bends.get((a, b), ()), (layout.boxes[b].x, 0.0)]
        assert all(before[0] < after[0] for before, after in pairwise(points))
    if nx.is_directed_acyclic_graph(nx.DiGraph(ends)):
        assert not layout.back


def test_crossings_that_can_be_avoided_are() -> None:
    """Two layers whose order can be matched are."""
    sizes = dict.fromkeys("abcxyz", (40.0, 30.0))
    boxes = laid_out(sizes, [("a", "z"), ("b", "y"), ("c", "x")]).boxes
    assert [boxes[a].y < boxes[b].y for a, b in ("ab", "bc")] == [boxes[a].y < boxes[b].y for a, b in ("zy", "yx")]


# --- as text ---------------------------------------------------------------------------------------------------------

HOSTILE = [
    '"]; x',
    "<script>alert(1)</script>",
    "a-->b",
    "end",
    "%%{init: {}}%%",
    "]]>&amp;",
    "多语言",
    "x\u0000y\u202e",
]


@pytest.mark.parametrize("name", ["cs", "tb", "cm", "d1", "d2", "d3", "d4"])
def test_an_svg_stands_alone(name: str) -> None:
    """It is sound XML without a link to anywhere, knows light and dark, and tells all of itself in words."""
    picture = picture_of(suite(name), served("CRM", "Stripe"))
    text = svg(picture)
    root = ElementTree.fromstring(text)
    assert (root.get("role"), root.get("aria-label")) == ("img", picture.says)
    assert re.findall(r"""(?:href|src)=|url\((?!#)|https?://(?!www\.w3\.org/2000/svg)""", text) == []
    assert "@media (prefers-color-scheme: dark)" in text
    titles = [title.text for title in root.iter(f"{NAME}title")]
    assert titles == [picture.title, *(node.title for node in picture.nodes)]
    words = " ".join(part.text or "" for part in root.iter(f"{NAME}text"))
    assert all(node.label in words and node.below in words for node in picture.nodes)
    assert len(root.findall(f"{NAME}path")) == len(picture.arrows)
    assert svg(picture_of(suite(name), served("CRM", "Stripe"))) == text


def test_state_is_told_without_colour() -> None:
    """What served, failed and was taken back is written in the box, whatever its colour."""
    calls = (Called("Stripe", "undone"), Called("Email", "failed"), Called("CRM", "served"), Called("SMS", "unknown"))
    for text in (
        svg(picture_of(suite("cs"), [Trip("x", calls)])),
        mermaid(picture_of(suite("cs"), [Trip("x", calls)])),
    ):
        assert all(said in text for said in ("↶ 1 undone", "✕ 2 failed", "✓ 3", "? 4 no answer"))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text(name: str) -> None:
    """No name can end its box, begin a directive or smuggle markup into either form."""
    graph = graph_of(arc(name, "", "f"), start="", goals={"f": "f"})
    picture = picture_of(graph, served(name))
    drawn = ElementTree.fromstring(svg(picture))
    assert {one.tag.removeprefix(NAME) for one in drawn.iter()} <= {
        *("svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text", "ellipse")
    }
    lines = mermaid(picture).splitlines()
    allowed = (
        r'flowchart LR|  acc(Title|Descr): [\w .,:_✓✕↶…?/·-]*|  n\d+\W{1,2}"([\w .,:_✓✕↶…?/·-]|#\d+;|<br/>)*"\W{1,2}'
        r'|  n\d+ (==>|-->)(\|"[\d.]+"\|)? n\d+|  classDef \w+ [\w: -]+|  class [n\d,]+ \w+'
    )
    assert [line for line in lines if not re.fullmatch(allowed, line)] == []


def test_mermaid_text_is_what_the_page_shows() -> None:
    """One line for each box and arrow; thick arrows were gone along."""
    graph = graph_of(
        arc("card", "order", "paid"), arc("cash", "order", "paid", 3), start="order", goals={"paid": "paid"}
    )
    trip = Trip("paid", (Called("card", "failed"), Called("cash", "served")), True)
    assert mermaid(picture_of(graph, [trip])).splitlines() == [
        "flowchart LR",
        "  accTitle: drawn",
        "  accDescr: The graph drawn. On the way to paid: card failed, cash served. It was served.",
        '  n0(["order"])',
        '  n1["card<br/>write · ✕ 1 failed"]',
        '  n2{{"paid<br/>✓ reached"}}',
        '  n3["cash<br/>write · ✓ 2"]',
        '  n0 -->|"0.1"| n1',
        "  n1 --> n2",
        '  n0 ==>|"0.3"| n3',
        "  n3 ==> n2",
        "  classDef served stroke-width:3px",
        "  class n2,n3 served",
        "  classDef failed stroke-dasharray:5 4",
        "  class n1 failed",
    ]
