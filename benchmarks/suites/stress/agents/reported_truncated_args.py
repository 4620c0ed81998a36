"""Arguments of a tool call that were cut off are mended until they parse, and the call is performed.

Family: half an answer taken for a whole one
Reported: https://github.com/cline/cline/issues/13001 -- the arguments of a tool call that end in the middle are
repaired into JSON that looks right, and a file is written with part of what it should hold, or fewer commands run than
were asked for. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: editor
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: WHOLE-ARGUMENTS
    title: A file is written only with arguments that have come to their end
    on: action
    tool: write_file
    require: last(result, call.tool == "ask_model").result.endswith("}")
    severity: high
    otherwise: observe
    says: The answer of the model was cut off.
"""
APP = Harness(load(RULES, "editor.yaml"))
TEXT = "# Release\\n\\n1. Run the tests.\\n2. Tag the commit.\\n3. Publish the package.\\n"
FILES: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    FILES.clear()


@APP.tool(effect="read")
def ask_model(task: str) -> str:
    """Give the arguments of the call that serves a task, as a model streams them."""
    return f'{{"path": "{task}.md", "content": "{TEXT}"}}'


@APP.tool(effect="write")
def write_file(path: str, content: str) -> str:
    """Write a file."""
    FILES[path] = content
    return f"{len(content)} characters"


def repaired(text: str) -> Any:
    """Read JSON that may lack its end."""
    for end in ("", '"', '"}', "}"):
        try:
            return json.loads(text + end)
        except ValueError:
            continue
    return {}


def write(task: str, read: Callable[[str], Any]) -> str:
    """Have a file written; a second try where the arguments cannot be used."""
    for _ in range(2):
        try:
            args = read(ask_model(task))
            return write_file(str(args["path"]), str(args["content"]))
        except (ValueError, TypeError, KeyError):
            continue
    return "The model gives no usable arguments."


@APP.agent
def agent(task: str) -> str:
    """Have a file written."""
    return write(task, repaired)


@APP.agent
def mended(task: str) -> str:
    """Have a file written, with arguments as they came."""
    return write(task, json.loads)


INPUT = {"task": "release"}
RULE = "WHOLE-ARGUMENTS"
WITNESS = {"inject": [{"fault": "partial", "tool": "ask_model", "nth": 1}]}
CAUSE = {"tool": "ask_model", "nth": 1}
