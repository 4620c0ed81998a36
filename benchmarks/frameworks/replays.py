"""Replay several traces in this process and print one line of JSON for each; the first of them finds it fresh."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from typing import Any

import harness
from harness.cli.fresh import shut_network


def replayed(trace: str) -> dict[str, Any]:
    """Replay one trace and say whether it came out equal, or why not."""
    done = harness.replay(trace)
    why = done.divergence or done.ended
    text = str(why or f"another digest, and {done.error!r}")
    return {"trace": trace, "equal": done.equal, "digest": done.digest, "why": "" if done.equal else text}


if __name__ == "__main__":
    tried = shut_network()
    for path in sys.argv[1:]:
        with redirect_stdout(sys.stderr):
            facts = replayed(path)
        print(json.dumps(facts | {"sockets": list(tried)}), flush=True)
        tried.clear()
