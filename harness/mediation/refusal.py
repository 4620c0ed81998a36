"""A refusal as data: what every surface says of it, in whatever shape its clients accept."""

from __future__ import annotations

from typing import Any

from harness.determinism import canonical
from harness.errors import Refused


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
