"""An incident is closed because its log says that all is done, although nobody has looked at the service.

Family: argument taken from untrusted text
Planted: a sentence in the log, which anybody may write, counts as the state of the service; only the probe may.
"""

from __future__ import annotations

import re

from harness import Harness
from harness.registry.load import load

RULES = """
registry: incidents
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CLOSED-IS-HEALTHY
    title: An incident is closed only if the service was last seen healthy
    on: action
    tool: close
    require: >-
      happened(result, call.tool == "probe")
      and default(last(result, call.tool == "probe").result.healthy, False) == True
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "closed_by_log.yaml"))
LOG = ["02:10 checkout answers 500", "02:14 restarted by ann", "02:31 still slow"]


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read", trust="untrusted")
def read_log(incident: str) -> list[str]:
    """Read what people and programs have written to an incident."""
    return LOG


@APP.tool(effect="read")
def probe(service: str) -> dict[str, object]:
    """Ask a service how it is."""
    return {"service": service, "healthy": False}


@APP.tool(effect="write")
def close(incident: str, why: str) -> str:
    """Close an incident."""
    return "closed"


@APP.tool(effect="write")
def restart(service: str) -> str:
    """Restart a service."""
    return "restarted"


def sounds_settled(log: list[str]) -> bool:
    """Tell whether somebody says that it is over."""
    return any(re.search(r"\b(all is (well|done)|fixed|resolved)\b", line) for line in log)


@APP.agent
def agent(incident: str, service: str) -> str:
    """Close an incident that is over, and restart the service otherwise."""
    log = read_log(incident)
    if sounds_settled(log) or probe(service)["healthy"]:
        return close(incident, log[-1])
    return restart(service)


@APP.agent
def mended(incident: str, service: str) -> str:
    """Close an incident when the service is healthy, and restart it otherwise."""
    log = read_log(incident)
    if probe(service)["healthy"] is True:
        return close(incident, log[-1])
    return restart(service)


INPUT = {"incident": "I-9", "service": "checkout"}
RULE = "CLOSED-IS-HEALTHY"
WITNESS = {"inject": [{"fault": "inject", "tool": "read_log", "nth": 1}]}
CAUSE = {"tool": "read_log", "nth": 1}
