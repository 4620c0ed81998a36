"""Facts that are Python objects, goals as an agent's own tools, and whoever is asked asking a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from harness.door.app import Harness
from harness.errors import NoRoute
from harness.testing.model_server import ModelServer, say, script
from tests.door.town import DOWN, QUICK, registry_of


@dataclass(frozen=True)
class Offer:
    """What a provider asks for."""

    provider: str
    cents: int


class Booking(BaseModel):
    """What was booked."""

    offer: Offer
    seats: list[int]


GRAPH = {
    "start": ["day"],
    "goals": {"booked": ["booking"], "joined": ["either"], "priced": ["cents"]},
    "tools": {
        "offers": {"needs": ["day"], "gives": {"offer": None, "cents": "cents"}},
        "book": {"needs": ["offer"], "gives": ["booking"]},
        "book_again": {"needs": ["offer"], "gives": ["booking"], "cost": 9},
    },
    "joins": {"either": ["booking"]},
    "policy": QUICK,
}
TOOLS = {"offers": {"effect": "read"}, "book": {"effect": "read"}, "book_again": {"effect": "read"}}


class Agency:
    """An app whose tools give and take objects."""

    def __init__(self, folder: Path, down: bool = False) -> None:
        self.app = Harness(registry_of(TOOLS, GRAPH), traces=folder)
        self.calls: list[Any] = []

        @self.app.tool(effect="read")
        def offers(day: int) -> Offer:
            self.calls.append(day)
            return Offer("air", 100 * day)

        @self.app.tool(effect="read")
        def book(offer: Offer) -> Booking:
            self.calls.append(offer)
            if down:
                raise DOWN
            return Booking(offer=offer, seats=[1, 2])

        @self.app.tool(effect="read")
        def book_again(offer: Offer) -> Booking:
            self.calls.append(offer)
            return Booking(offer=offer, seats=[3])

        self.book = book


def replayed(folder: Path, agent: Any, **options: Any) -> Any:
    """Run an agent of an agency, and again from its trace."""
    agency, other = Agency(folder, **options), Agency(folder, **options)
    with agency.app.session() as session:
        result = agent(agency, session)
    with other.app.replaying(session.trace.path) as again:
        assert agent(other, again) == result
    assert (again.trace.digest, other.calls) == (session.trace.digest, [])
    return result, agency


@pytest.mark.parametrize("goal", ["booked", "joined"])
def test_objects_are_handed_on_and_given_back(goal: str, tmp_path: Path) -> None:
    """A tool gets the object that another one gave, and so does whoever asked, also through a conclusion."""
    result, agency = replayed(tmp_path, lambda agency, session: session.route(goal, day=3).value)
    assert result == Booking(offer=Offer("air", 300), seats=[1, 2])
    assert agency.calls == [3, Offer("air", 300)]


def test_a_part_of_an_object_is_a_fact(tmp_path: Path) -> None:
    """The field of a dataclass is found by its name."""
    assert replayed(tmp_path, lambda agency, session: session.route("priced", day=3).value)[0] == 300


def test_an_object_is_handed_in(tmp_path: Path) -> None:
    """A tool that is asked for by its own name with an object is replaced by one that gets that object."""
    result, _ = replayed(tmp_path, lambda agency, session: agency.book(Offer("bus", 7)), down=True)
    assert result == Booking(offer=Offer("bus", 7), seats=[3])


def test_a_goal_is_a_tool_of_an_agent(tmp_path: Path) -> None:
    """As a function a goal has the parameters of its schema, and gives what a model can read."""
    graph = GRAPH | {
        "joins": {},
        "goals": {
            "priced": {
                "needs": ["cents"],
                "arguments": {
                    "type": "object",
                    "description": "Find the price of a day.",
                    "properties": {"day": {"type": "integer"}},
                    "required": ["day"],
                },
            },
            "booked": ["booking"],
        },
    }
    agency = Agency(tmp_path)
    agency.app = app = Harness(registry_of(TOOLS, graph), traces=tmp_path)

    @app.tool(effect="read")
    def offers(day: int) -> Offer:
        return Offer("air", 100 * day)

    for name in ("book", "book_again"):
        app.tool(name=name, effect="read")(lambda offer: None)
    price = app.goal("priced")
    assert (price.__name__, price.__doc__) == ("priced", "Find the price of a day.")
    with app.session() as session:
        assert price(day=2) == {"result": 200, "served_by": ["offers"]}
    with app.replaying(session.trace.path):
        assert price(day=2) == {"result": 200, "served_by": ["offers"]}


def test_a_model_is_asked_where_no_route_leads(tmp_path: Path) -> None:
    """Whoever is asked may ask a model; on replay nobody is asked, and no model is called."""
    asked: list[Any] = []

    def agency() -> Harness:
        def escalate(deadlock: dict[str, Any]) -> Any:
            asked.append(deadlock["goal"])
            words = [{"role": "user", "content": f"Instead of {deadlock['goal']}?"}]
            answer = client.chat.completions.create(model="m", messages=words)
            return {"goal": answer.choices[0].message.content}

        app = Harness(registry_of(TOOLS, GRAPH), traces=tmp_path, escalate=escalate)
        client = app.wrap(openai.OpenAI(base_url=server.base_url, api_key="scripted"))

        @app.tool(effect="read")
        def offers(day: int) -> Offer:
            return Offer("air", 100 * day)

        def down(offer: Offer) -> None:
            raise DOWN

        for name in ("book", "book_again"):
            app.tool(name=name, effect="read")(down)
        return app

    with ModelServer(script([say("priced")])) as server, agency().session() as session:
        result = session.route("booked", day=1)
    assert (result.goal, result.value, asked) == ("priced", 100, ["booked"])
    with agency().replaying(session.trace.path) as again:
        assert again.route("booked", day=1) == result
    assert again.trace.digest == session.trace.digest
    assert asked == ["booked"]


def test_a_dead_end_reads_well(tmp_path: Path) -> None:
    """The error names the goal, why, what is left, and what could be had instead."""
    error = NoRoute("told", "email is down", deadlock={"goals": [{"goal": "paid"}]}, left=("stripe",))
    said = str(error)
    assert all(word in said for word in ("told", "email is down", "stripe", "paid"))
