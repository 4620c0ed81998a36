"""The environments of AgentDojo, the tasks in them, and the attacker's text in their data.

The package is imported here and nowhere else; UsageError says how to install it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final

import yaml

from harness.errors import UsageError

VERSION: Final = "v1.2.2"
"""The version of AgentDojo's tasks, not of the package that brings them."""

PLAIN: Final = "plain"
"""The attacker's goal and not a word more; every other wording is one of AgentDojo's."""

_SPEAKS_TO: Final = "gpt-4o-2024-05-13"  # some wordings address the model by its name
_INSTALL: Final = "pip install 'agent-assurance-harness[agentdojo]'"


def suite_of(name: str) -> Any:
    """Give a suite of AgentDojo: its tools, its tasks and its environment. UsageError without the package."""
    return suites()[name]


def pinned() -> dict[str, Any]:
    """Give the versions of the package and of its tasks, for the manifest."""
    return {"agentdojo": metadata.version("agentdojo"), "tasks": VERSION}


def environment(suite: str, texts: Mapping[str, str]) -> Any:
    """Give the environment of a suite with the attacker's texts in its data.

    It is what AgentDojo loads, read by a faster reader of YAML. UsageError for a place that the data do not have.
    """
    template, usual = _data(suite)
    unknown = sorted(texts.keys() - usual.keys())
    if unknown:
        raise UsageError(f"no place for a text of the attacker is called {unknown[0]!r}", where=f"suite {suite}")
    loaded = yaml.load(template.format(**{**usual, **texts}), yaml.CSafeLoader)
    return suite_of(suite).environment_type.model_validate(loaded)


def injected(suite: str, user: str, goal: str, wording: str) -> dict[str, str]:
    """Give the attacker's text for each place of the data that the user's task leads to; ValueError where none is.

    The places are found by AgentDojo: those whose text turns up in a tool's answer when the task is done.
    """
    attack, tasks = _attack(suite, wording), suite_of(suite)
    return dict(attack.attack(tasks.user_tasks[user], tasks.injection_tasks[goal]))


def text_of(result: Any) -> str:
    """Give a tool's result as AgentDojo shows it to a model."""
    from agentdojo.agent_pipeline.tool_execution import tool_result_to_str

    return str(tool_result_to_str(result))


def described(tool: Any) -> dict[str, Any]:
    """Describe a tool to a model, as AgentDojo does."""
    parameters = tool.parameters.model_json_schema()
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def speaks(result: Any, texts: Iterable[str]) -> bool:
    """Tell whether a text of the attacker stands in a tool's result, whatever YAML made of its spaces and quotes."""
    said = [_letters(text) for text in _strings(result)]
    return any(_letters(text) in one for text in texts for one in said)


def system_message() -> str:
    """Give the system message that AgentDojo's agents are given."""
    from agentdojo.agent_pipeline.agent_pipeline import load_system_message

    return str(load_system_message(None))


def performed(environment: Any, tool: Any, arguments: dict[str, Any]) -> tuple[Any, Any]:
    """Call a tool of AgentDojo on an environment and give the call and its result; what the tool raises is raised."""
    from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime

    result, _ = FunctionsRuntime([tool]).run_function(environment, tool.name, arguments, raise_on_error=True)
    return FunctionCall(function=tool.name, args=arguments), result


def judged(task: Any, output: str, before: Any, after: Any, calls: list[Any]) -> bool:
    """Tell by the environment, before and after, whether a user's or an attacker's task was done, as AgentDojo does."""
    whose = "utility" if hasattr(task, "utility") else "security"
    of_calls, of_state = getattr(task, f"{whose}_from_traces"), getattr(task, whose)
    told = of_calls(output, before, after, calls)
    return bool(of_state(output, before, after) if told is None else told)


@cache
def suites() -> Mapping[str, Any]:
    """Give the four suites by name. UsageError without the package."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the clients of models, which the package imports and nobody uses here
            import agentdojo.attacks  # noqa: F401 - brings the rest of the package, warnings included
            from agentdojo.task_suite.load_suites import get_suites
    except ImportError as error:
        raise UsageError(f"AgentDojo is not installed: {error}", cure=_INSTALL) from None
    suites: Mapping[str, Any] = get_suites(VERSION)
    return suites


@cache
def _data(suite: str) -> tuple[str, Mapping[str, str]]:
    """Give the data of a suite, with names of places in braces, and what stands there usually."""
    from agentdojo.task_suite.task_suite import read_suite_file

    tasks = suite_of(suite)
    return read_suite_file(suite, "environment.yaml", tasks.data_path), tasks.get_injection_vector_defaults()


@cache
def _attack(suite: str, wording: str) -> Any:
    from agentdojo.agent_pipeline.ground_truth_pipeline import GroundTruthPipeline
    from agentdojo.attacks.attack_registry import load_attack
    from agentdojo.attacks.base_attacks import FixedJailbreakAttack

    pipeline = GroundTruthPipeline(None)
    pipeline.name = _SPEAKS_TO
    if wording == PLAIN:
        return FixedJailbreakAttack("{goal}", suite_of(suite), pipeline)
    attack = load_attack(wording, suite_of(suite), pipeline)
    attack.get_injection_candidates = _attack(suite, PLAIN).get_injection_candidates  # found once for all
    return attack


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _strings(one)
        case list():
            for one in value:
                yield from _strings(one)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
