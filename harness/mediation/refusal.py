"""A refusal as data: what every surface says of it, in whatever shape its clients accept."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from harness.determinism import canonical
from harness.errors import Refused
from harness.mediation.decision import Decision
from harness.trace.event import Event
from harness.trace.verdict import Judgement

_UNJUDGED: Final = Judgement((), ())


class Refusals:
    """Count what the agents of a run were refused, and make of a decision what they are told. One for each run."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, str, str]] = Counter()  # by agent, tool and rule
        self._tools: dict[int, str] = {}

    def refused(self, decision: Decision, agent: str, call: str, judgement: Judgement = _UNJUDGED) -> Refused:
        """Give what an agent is told of a call that was refused, and count it."""
        deciding = next((verdict for verdict in judgement.verdicts if verdict.rule == decision.rule), None)
        which = agent, call, decision.rule
        self._times[which] += 1
        return Refused(
            decision.rule,
            decision.reason,
            call=call,
            alternative=decision.alternative,
            retryable=decision.retryable,
            values=deciding.values if deciding else {},
            gradient=tuple(move.facts() for move in deciding.gradient) if deciding else (),
            who=decision.who,
            times=self._times[which],
        )

    def adopt(self, event: Event) -> None:
        """Count what a recorded event says was refused, of what is not said again."""
        if event.kind == "action":
            self._tools[event.seq] = event.body["tool"]
        elif event.kind == "decision" and event.body["decision"] == "block":
            self._times[event.agent, self._tools[event.body["action"]], event.body["rule"]] += 1


def facts(refused: Refused) -> dict[str, Any]:
    """Give a refusal as JSON data, without what is empty."""
    said = {
        "rule": refused.rule,
        "reason": refused.reason,
        "alternative": refused.alternative,
        "retryable": refused.retryable,
        "who": refused.who,
        "times": refused.times,
        "values": refused.values,
        "gradient": list(refused.gradient),
    }
    return {name: value for name, value in said.items() if value not in ("", {}, [])}


def for_model(refused: Refused) -> str:
    """Give a refusal as the text of a tool's result: a sentence, then the data as one line of JSON."""
    return f"{refused}\n{as_json(refused)}"


def as_json(refused: Refused) -> str:
    """Give the data of a refusal as JSON, under the key ``refused``."""
    return canonical.encode({"refused": facts(refused)}).decode()
