"""What a forked run changes of the run it comes from, applied to the calls that an agent proposes.

The header of a fork says what was changed and where, so that whoever runs it again, to replay or to resume it, makes
the same changes. They are applied before anything is recorded, judged or performed: the trace holds what was sent.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from harness.determinism import canonical
from harness.errors import UsageError
from harness.run.inputs import Call

PLACES: Final = ("outcome", "args", "input")
"""What may be set as a whole or, with ``./POINTER``, in part."""

NAMES: Final = (*PLACES, "prompt", "model", "registry", "seed", "down", "faults")

Changed = dict[str, Any]
"""What is changed: names as in ``NAMES``, some with ``./POINTER``, and the new values."""


def check_names(changed: Mapping[str, Any]) -> None:
    """Raise UsageError for a name that cannot be set."""
    for name in changed:
        place, dot, pointer = name.partition(".")
        if place not in NAMES or (dot and (place not in PLACES or not pointer.startswith("/"))):
            cure = "set outcome, args, input (or a part: args./amount), prompt, model, down, registry, seed or faults"
            raise UsageError(f"{name!r} cannot be changed", cure=cure)


def changed_part(value: Any, place: str, changed: Mapping[str, Any]) -> Any:
    """Give a JSON value with the changes of one place (``args``, ``outcome``, ``input``) made; the value is kept.

    UsageError names a pointer that leads nowhere.
    """
    for name, new in changed.items():
        if name == place:
            value = new
        elif name.startswith(f"{place}./"):
            value = _set(copy.deepcopy(value), name.removeprefix(f"{place}."), new)
    return value


class Forks:
    """Change the calls of one run as its header says: ``forked_from``, a list, the oldest fork first."""

    def __init__(self, forked_from: list[dict[str, Any]]) -> None:
        self._forks = [(one["step"], one["set"]) for one in forked_from if one["step"] is not None]
        self._said: dict[bytes, Any] = {}

    def applied(self, call: Call, step: int) -> Call:
        """Give the call that is made in the place of the step ``step`` as proposed; the same where nothing changes."""
        args = call.args
        for at, changed in self._forks:
            if call.surface == "model" and step > at and self._said:
                args = self._repeated(args)
            if step == at:
                args = changed_part(args, "args", changed)
                if "prompt" in changed:
                    args = self._prompted(args, changed["prompt"])
            if "model" in changed and step >= at and call.surface == "model":
                args = {**args, "model": changed["model"]}
        return call if args is call.args else call._replace(args=args)

    def _prompted(self, args: dict[str, Any], prompt: str) -> dict[str, Any]:
        """Say something else in the place of the user's last message."""
        if isinstance(args.get("input"), str):
            return {**args, "input": prompt}
        name = "messages" if "messages" in args else "input"
        messages = args.get(name)
        asked = [
            place for place, one in enumerate(messages or ()) if isinstance(one, dict) and one.get("role") == "user"
        ]
        if not isinstance(messages, list) or not asked:
            raise UsageError("the call at the fork holds no message of a user", cure="change a part: args./POINTER")
        new = {**messages[asked[-1]], "content": prompt}
        self._said[canonical.encode(messages[asked[-1]])] = new
        return {**args, name: [new if place == asked[-1] else one for place, one in enumerate(messages)]}

    def _repeated(self, args: dict[str, Any]) -> dict[str, Any]:
        """Say in later requests what was said in the changed one: a chat client repeats the conversation."""
        for name in ("messages", "input"):
            messages = args.get(name)
            if isinstance(messages, list):
                new = [self._said.get(canonical.encode(one), one) for one in messages]
                if new != messages:
                    args = {**args, name: new}
        return args


def _set(value: Any, pointer: str, new: Any) -> Any:
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    place = value
    try:
        for token in tokens[:-1]:
            place = place[int(token)] if isinstance(place, list) else place[token]
        if isinstance(place, list):
            place[int(tokens[-1])] = new
        elif isinstance(place, dict):
            place[tokens[-1]] = new
        else:
            raise KeyError(tokens[-1])
    except (LookupError, ValueError, TypeError):
        raise UsageError(
            f"{pointer} leads nowhere in {str(value)[:200]}", cure="look at it with harness show"
        ) from None
    return value
