"""Embeddings: unit vectors drawn from a hash.

Equal inputs get equal vectors and different inputs unrelated ones. What it does not do: put texts of like meaning
near each other.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import Any, Final

from harness.determinism import canonical
from harness.errors import UsageError
from harness.testing.scripted.request import read_body, read_field

DIMENSIONS: Final = 256
MAX_DIMENSIONS: Final = 4096


def embed(data: bytes) -> dict[str, Any]:
    """Answer the body of an embeddings request; UsageError says which field is wrong. O(inputs × dimensions)."""
    body, _ = read_body(data)
    model = read_field(body, "model", str)
    dimensions = read_field(body, "dimensions", int, default=DIMENSIONS)
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise UsageError(f"dimensions is {dimensions}, not within 1 to {MAX_DIMENSIONS}", where="dimensions")
    inputs = _inputs(body)
    spell = _as_base64 if body.get("encoding_format") == "base64" else list
    rows = [
        {"object": "embedding", "index": index, "embedding": spell(_vector(model, item, dimensions))}
        for index, item in enumerate(inputs)
    ]
    tokens = sum(-(-len(canonical.encode(item)) // 4) for item in inputs)
    return {"object": "list", "data": rows, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _inputs(body: dict[str, Any]) -> list[Any]:
    """Give the inputs, each a text or a list of tokens: one of either stands for a list of one."""
    given = body.get("input")
    if not given or not isinstance(given, str | list):
        raise UsageError("input is neither text nor a list, or it is empty", where="input")
    return [given] if isinstance(given, str) or isinstance(given[0], int) else given


def _vector(model: str, item: Any, dimensions: int) -> list[float]:
    noise = hashlib.shake_256(canonical.encode([model, item])).digest(2 * dimensions)
    odd = [2 * number + 1 for number in struct.unpack(f"<{dimensions}h", noise)]  # never the zero vector
    length = math.sqrt(sum(number * number for number in odd))  # exact under the root: the same on every machine
    return [number / length for number in odd]


def _as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
