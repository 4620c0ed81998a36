"""Who answers questions about calls: somebody at a terminal, in a folder of files, or at a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from harness.adapters.approvals.folder import Folder
from harness.adapters.approvals.terminal import Terminal
from harness.adapters.approvals.webhook import Webhook
from harness.errors import UsageError
from harness.ports import Approver

KEY: Final = "HARNESS_APPROVAL_KEY"
"""The environment variable of the key that answers, and questions to a URL, are signed with."""


def approver_of(spec: str) -> Approver:
    """Give the approver that a command line names: ``terminal``, a URL, or the path of a folder."""
    key = key_here()
    if spec == "terminal":
        return Terminal()
    if spec.startswith(("http://", "https://")):
        return Webhook(spec, key=key)
    if Path(spec).exists() and not Path(spec).is_dir():
        raise UsageError("is no folder", where=spec, cure="name terminal, a folder, or a URL")
    return Folder(spec, key=key)


def key_here() -> bytes:
    """Give the key of this environment; empty where there is none, and nothing is signed."""
    return os.environ.get(KEY, "").encode()
