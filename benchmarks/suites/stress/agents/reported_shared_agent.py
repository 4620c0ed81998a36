"""One instance of a helper serves parallel calls, and what it keeps of one is taken for the other's.

Family: race in shared memory
Reported: https://github.com/huggingface/smolagents/pull/1957 -- parallel calls of a managed agent run on the same
instance; they share its memory, state and step counter, and give identical or wrong results. This reproduces the
mechanism, not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from harness import Harness
from harness.registry.load import load

RULES = """
registry: research
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ITS-OWN-FACTS
    title: A report rests on what was found for its own topic
    on: action
    tool: write_report
    require: call.args.facts == last(result, call.tool == "search" and call.args.topic == now.call.args.topic).result
    severity: high
    otherwise: observe
    says: These are not the facts about {call.args.topic}.
"""
APP = Harness(load(RULES, "research.yaml"))
FACTS = {"Oslo": "It rains.", "Lima": "It is dry."}
REPORTS: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    REPORTS.clear()


@APP.tool(effect="read")
def search(topic: str) -> str:
    """Look a topic up."""
    return FACTS[topic]


@APP.tool(effect="read")
def outline(topic: str) -> list[str]:
    """Plan a longer report."""
    return ["climate", "people"]


@APP.tool(effect="write")
def write_report(topic: str, facts: str) -> str:
    """Write a report."""
    REPORTS[topic] = facts
    return f"{topic}: {facts}"


class Researcher:
    """Report on a topic; what it is about is kept in its state."""

    def __init__(self) -> None:
        self.topic = ""

    def run(self, topic: str, *, long: bool) -> str:
        """Report on a topic, a long one by an outline."""
        if long:
            outline(topic)
        self.topic = topic
        facts = search(topic)
        return write_report(self.topic, facts)


def research(topics: list[str], helper: Callable[[], Researcher]) -> list[str]:
    """Have all topics reported on at the same time; the last report is a long one."""
    with ThreadPoolExecutor(len(topics)) as pool:
        asked = [pool.submit(helper().run, topic, long=place == len(topics) - 1) for place, topic in enumerate(topics)]
        return [one.result() for one in asked]


@APP.agent
def agent(topics: list[str]) -> list[str]:
    """Report on topics, with the researcher of the team."""
    researcher = Researcher()
    return research(topics, lambda: researcher)


@APP.agent
def mended(topics: list[str]) -> list[str]:
    """Report on topics, with a researcher for each."""
    return research(topics, Researcher)


INPUT = {"topics": ["Oslo", "Lima"]}
RULE = "ITS-OWN-FACTS"
WITNESS = {"inject": [{"fault": "delay", "tool": "search", "nth": 1}]}
CAUSE = {"tool": "search", "nth": 1}
