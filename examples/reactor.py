"""A model that proposes how to run a reactor, and rules that say what is wrong with each proposal, exactly.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.reactor:main --model-script examples.reactor:policy --trace reactor.mat.jsonl
    harness replay reactor.mat.jsonl --verify 3
    harness show reactor.mat.jsonl

Conversion wants the reactor hot and slow, purity wants it cool and quick: at 180 s there is a window of one degree. At
the 120 s that the registry states there is none: ``harness registry solve flow_reactor --artifact operating_point``
proves it, and so does a loop, before a model is asked. The model here is scripted: it begins with a guess, and then
does what it is told would do.
"""

from __future__ import annotations

import json
import re
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import ModelRequest, Reply, say

FIRST = {"temperature_c": 90.0, "tau_s": 150.0}


app = harness.Harness("flow_reactor", parameters={"tau_max_s": 180})


@app.agent
def main() -> dict[str, Any]:
    """Ask a model for an operating point until it meets every rule."""
    with harness.session() as session, app.wrap(OpenAI()) as client:
        result = session.converge("operating_point", harness.proposer(client, "gpt-4o"))
    return {"end": result.end, "value": result.value, "rounds": len(result.rounds)}


def policy(request: ModelRequest) -> Reply:
    """Propose a first guess, then whatever the question says would do."""
    asked = request.text
    if "Go on from" not in asked:
        return say(json.dumps(FIRST))
    before = json.loads(asked.split("Go on from ")[1].split(", of which")[0])
    if whole := re.search(r"this would do: (\{.*\})", asked):
        return say(whole[1])
    field, value = re.findall(r"one way: (\w+): \w+ by .* to (\S+)", asked)[0]
    return say(json.dumps(before | {field: float(value)}))
