"""Run an entry in this process against the scripted model, and print its result and every request as one JSON object.

::

    python -m tests.adapters.frameworks.scenario.alone MODULE:FUNCTION [--trace FILE --registry REGISTRY]

With ``--trace`` it runs in a session of its app, else as it would without harness.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os

from harness.door.agents import load_entry
from harness.door.app import app_of
from harness.testing.model_server import ModelServer
from tests.adapters.frameworks.scenario.model import policy


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("entry")
    parser.add_argument("--trace")
    parser.add_argument("--registry")
    options = parser.parse_args()
    with ModelServer(policy) as server:
        os.environ.update(
            OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="none-needed", OPENAI_AGENTS_DISABLE_TRACING="1"
        )
        entry = load_entry(options.entry)
        if options.trace is None:
            result = asyncio.run(entry()) if inspect.iscoroutinefunction(entry) else entry()
        else:
            app = app_of(entry)
            assert app is not None
            result = app.with_registry(options.registry).session(trace=options.trace).run(entry)
        requests = [request.body for request in server.requests]
    print(json.dumps({"result": result, "requests": requests}))


if __name__ == "__main__":
    main()
