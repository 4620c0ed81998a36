"""The HTTP APIs of models that harness knows by name, without the packages of their clients."""

from __future__ import annotations

import httpx2

from harness.adapters.http import Api, refusal_response
from harness.errors import Refused
from harness.mediation.refusal import facts


def openai_api(base: str) -> Api:
    """Describe the API of OpenAI, and of whoever speaks it; its paths are taken from ``base`` on, such as ``/v1``."""
    return Api("openai", base, _openai_refusal)


def anthropic_api(base: str) -> Api:
    """Describe the API of Anthropic, and of whoever speaks it; its paths are taken from ``base`` on."""
    return Api("anthropic", base, _anthropic_refusal)


def _openai_refusal(refused: Refused) -> httpx2.Response:
    error = {"message": str(refused), "type": "refused_by_rule", "code": refused.rule, "param": None}
    return refusal_response({"error": error | {"refused": facts(refused)}})


def _anthropic_refusal(refused: Refused) -> httpx2.Response:
    error = {"type": "permission_error", "message": str(refused), "refused": facts(refused)}
    return refusal_response({"type": "error", "error": error})
