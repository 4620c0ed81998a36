"""The HTTP APIs of models that harness knows by name, without the packages of their clients."""

from __future__ import annotations

from typing import Any

import httpx2

from harness.adapters.http import Api, refusal_response
from harness.errors import Refused
from harness.mediation.refusal import facts


def openai_api(base: str) -> Api:
    """Describe the API of OpenAI, and of whoever speaks it; its paths are taken from ``base`` on, such as ``/v1``."""
    return Api("openai", base, _openai_refusal, _openai_error)


def anthropic_api(base: str) -> Api:
    """Describe the API of Anthropic, and of whoever speaks it; its paths are taken from ``base`` on."""
    return Api("anthropic", base, _anthropic_refusal, _anthropic_error)


def _openai_refusal(refused: Refused) -> httpx2.Response:
    error = {"message": str(refused), "type": "refused_by_rule", "code": refused.rule, "param": None}
    return refusal_response({"error": error | {"refused": facts(refused)}})


def _anthropic_refusal(refused: Refused) -> httpx2.Response:
    error = {"type": "permission_error", "message": str(refused), "refused": facts(refused)}
    return refusal_response({"type": "error", "error": error})


def _openai_error(status: int, message: str) -> dict[str, Any]:
    kind = "rate_limit_exceeded" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "code": None, "param": None}}


def _anthropic_error(status: int, message: str) -> dict[str, Any]:
    kind = "rate_limit_error" if status == 429 else "api_error" if status >= 500 else "invalid_request_error"
    return {"type": "error", "error": {"type": kind, "message": message}}
