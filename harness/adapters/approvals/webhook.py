"""A service that answers questions over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import urljoin

import httpx2

from harness.adapters.approvals.answers import question_bytes, read_answer, signature
from harness.ports import Approval, Pending, Question

SIGNATURE: Final = "X-Harness-Signature"
_LATER: Final = 202


class Webhook:
    """POST each question as JSON to ``url``.

    A 200 holds the answer. A 202 says that there is none yet, and in ``Location`` where to ask for it: that place is
    asked again, each time after its ``Retry-After`` (a second without one), for ``wait_s`` seconds; then the run stops.
    It also stops at any other status, and where nobody is there: nothing has happened then, and it can be resumed. With
    a ``key`` the request carries ``X-Harness-Signature: sha256=…``, the HMAC of its body, and an answer counts only if
    it is signed. A resumed run posts the same question again, with the same digest, which is also its
    ``Idempotency-Key``.
    """

    blocking: ClassVar[bool] = True

    def __init__(self, url: str, *, key: bytes = b"", wait_s: float = 30.0, timeout_s: float = 10.0) -> None:
        self._url, self._key, self._wait_s, self._timeout_s = url, key, wait_s, timeout_s

    def __call__(self, question: Question) -> Approval | Pending:
        body = question_bytes(question)
        headers = {"Content-Type": "application/json", "Idempotency-Key": question.digest}
        if self._key:
            headers[SIGNATURE] = f"sha256={signature(body, self._key)}"
        place = self._url
        try:
            with httpx2.Client(timeout=self._timeout_s) as client:
                response = client.post(self._url, content=body, headers=headers)
                until = time.monotonic() + self._wait_s
                while response.status_code == _LATER and "Location" in response.headers:
                    place = urljoin(place, response.headers["Location"])
                    pause_s = _pause_s(response)
                    if time.monotonic() + pause_s > until:
                        return Pending(place, until=datetime.now(UTC) + timedelta(seconds=pause_s))
                    time.sleep(pause_s)
                    response = client.get(place)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Pending(place, f"{type(error).__name__}: {error}")
        if response.status_code == _LATER:
            return Pending(place)
        if response.status_code != httpx2.codes.OK:
            return Pending(place, f"HTTP {response.status_code}")
        return read_answer(response.content, place, self._key)


def _pause_s(response: httpx2.Response) -> float:
    """Give the seconds until the service should be asked again, a day at most."""
    try:
        said_s = float(response.headers.get("Retry-After", "1"))
    except ValueError:  # a date, which says no more than that it takes long
        return 60.0
    return min(max(0.05, said_s), 86_400.0)  # in this order no number (NaN) is the least
