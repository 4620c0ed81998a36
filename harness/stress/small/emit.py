"""A counterexample as a pytest file that a person can read."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from harness.stress.schedule import Schedule
from harness.stress.small.literal import LINE, assigned, called, imports_of, quoted
from harness.stress.words import in_words


def test_text(
    entry: str,
    rule: str,
    schedule: Schedule,
    input: Mapping[str, Any],  # noqa: A002 - as everywhere
    *,
    says: str = "",
    minimal: bool = True,
    trace: str = "",
    path: str = "",
    before: str = "",
    registry: Sequence[str] = (),
    virtual: bool = True,
    model: str = "",
) -> str:
    """Write a test that is red as long as ``entry`` (``module:function``) violates the rule under the schedule.

    ``says`` is the rule in words. ``path`` is the folder to import the entry from, ``trace`` the counterexample's trace
    and ``registry`` are the rules where the app does not bring them: paths relative to the test's folder, but for
    registries that ship with harness. The rest is as in ``harness.door.trial.trial``. NotRecordable for an input that
    has no Python source.
    """
    stated = _stated(schedule)
    imported = imports_of(stated, input)
    imported += ["from pathlib import Path"] if path or any(map(_is_file, registry)) else []
    arguments = [quoted(entry), "SCHEDULE", "input=INPUT"]
    arguments += [f"registry=[{', '.join(map(_registry, registry))}]"] if registry else []
    arguments += [f"before={quoted(before)}"] if before else []
    arguments += [f"path={_folder(path)}"] if path else []
    arguments += [f"model={quoted(model)}"] if model else []
    arguments += [] if virtual else ["virtual=False"]
    test = (
        f"def test_{_slug(rule)}():",
        f'    """{_escaped(rule)} holds under this schedule too."""',
        called("    run = trial", arguments),
        "    violated = run.seen.rules",
        f"    assert {quoted(rule)} not in violated, run.story",
    )
    head = [_about(entry, rule, schedule, says, minimal, trace), *(["\n".join(imported)] if imported else [])]
    head.append("from harness.door.trial import trial")
    values = assigned("SCHEDULE", stated), assigned("INPUT", dict(input))
    return "\n\n".join([*head, "\n".join(values)]) + "\n\n\n" + "\n".join(test) + "\n"


test_text.__test__ = False  # type: ignore[attr-defined] # pytest would take it for a test wherever it is imported


def _stated(schedule: Schedule) -> dict[str, Any]:
    """State a schedule in few words: no names that a plan gives by itself, and one thing without a list around it."""
    stated = schedule.stated()
    for place, fault in enumerate(stated.get("inject", ())):
        if fault["name"] == f"{fault['fault']}-{place + 1}":
            del fault["name"]
        for key in ("tool", "agent", "nth"):
            if len(fault.get(key, ())) == 1:
                (fault[key],) = fault[key]
    return stated


def _about(entry: str, rule: str, schedule: Schedule, says: str, minimal: bool, trace: str) -> str:
    """Write the docstring of the module: what was found, under what, and where it is kept."""
    stop = "" if says.endswith((".", "!", "?")) else "."
    parts = [_wrapped(f'"""{_escaped(f"{rule}: {says}{stop}" if says else f"{rule} is violated.")}'), ""]
    found = f"harness found that {entry} violates this"
    if schedule.elements:
        needs = ", and needs all of it" if minimal and len(schedule) > 1 else ""
        parts += [_wrapped(f"{found}{needs}:"), ""]
        parts += [_wrapped(f"- {_escaped(line)}", "  ") for line in in_words(schedule)]
    else:
        parts += [_wrapped(f"{found} for the input below.")]
    kept = ["", _wrapped(f"The run is kept in {trace}.")] if trace else []
    return "\n".join([*parts, *kept, '"""'])


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _escaped(text: str) -> str:
    """Give a text as it may stand in a docstring."""
    text = " ".join(text.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _slug(rule: str) -> str:
    return re.sub(r"\W+", "_", rule, flags=re.ASCII).strip("_").lower() or "rule"


def _is_file(registry: str) -> bool:
    return registry.endswith((".yaml", ".yml", ".json"))


def _registry(name: str) -> str:
    return _folder(name) if _is_file(name) else quoted(name)


def _folder(path: str) -> str:
    """Write a path as seen from the test's folder, going up by ``parents``."""
    parts = PurePosixPath(path).parts
    up = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    base = "Path(__file__).parent" if not up else f"Path(__file__).parents[{up}]"
    down = "/".join(parts[up:])
    return f"{base} / {quoted(down)}" if down not in ("", ".") else base
