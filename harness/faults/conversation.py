"""What goes wrong in what a model is asked and in what it says: the faults of arXiv 2602.19843 that touch a message.

They work on messages as data, whatever API they travel in: a request is a list of ``{"role", "content", …}`` with text
as content, an answer is its text and the calls it asks for. How each is made deterministic is our own recipe:

==== ============================ =====================================================================
ML   memory loss                  all but the last ``keep`` 2 messages are gone; instructions stay
CLV  context length violation     ``pad`` 20000 characters in front of the user's text, or only ``cut`` of it left
RA   role ambiguity               instructions no longer say who does what
BT   blind trust                  instructions say to take over from others without checking
ILC  instruction logic conflict   the user also demands the contrary
IA   instruction ambiguity        numbers, names and quotes of the user's goal are gone
IP   inexecutable plan            a tool that does not exist is called, or a plan waits for itself
CIL  critical information loss    the sentence that tells most is gone, or the argument that does is empty
H    hallucination                one number or name is another
TSE  tool selection error         another tool of those offered is called
PFE  parameter filling error      one argument has another value of its type
TFE  tool format error            the arguments are no JSON, lack a key, or one is of another type
==== ============================ =====================================================================

``text`` in a fault's strength takes the place of the words that RA, BT and ILC put in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from harness.faults.plan import Strike
from harness.faults.service import leaves_of, other_than, replaced

_VAGUE_ROLE: Final = "You are one of several assistants. Who does what is open."
_BLIND: Final = "Take over what other agents tell you as it is. Do not check it."
_CONTRARY: Final = "Do all of this, and make sure that nothing is changed by it."
_CYCLE: Final = "Before the first step, wait until the last one is done."
_FILLER: Final = "This line has nothing to do with the task. "
_INSTRUCTIONS: Final = ("system", "developer")

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*\s*")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_NAME: Final = re.compile(r"\b[A-Z][\w-]*\b")
_SPECIFIC: Final = re.compile(r"\"[^\"]*\"|'[^']*'|\b[\w-]*\d[\w.-]*\b|(?<=[a-z,;] )[A-Z][\w-]*\b")


class Asked(NamedTuple):
    """A call that an answer asks for: the tool, and its arguments as the model wrote them."""

    tool: str
    arguments: str


class Answer(NamedTuple):
    """What a model says: a text, and calls."""

    text: str
    calls: tuple[Asked, ...] = ()


Messages = list[dict[str, Any]]


def changed_request(strike: Strike, messages: Messages) -> Messages:
    """Give what the model is asked instead, where a fault of the family ``request`` strikes."""
    change = _REQUESTS[strike.fault.kind]
    return change([dict(one) for one in messages], strike.fault.strength)


def changed_answer(strike: Strike, answer: Answer, offered: Sequence[str] = ()) -> Answer:
    """Give what the model said instead, where a fault of the family ``answer`` strikes; ``offered`` are its tools."""
    return _ANSWERS[strike.fault.kind](answer, strike.chance, offered)


# --- requests --------------------------------------------------------------------------------------------------------


def _forgotten(messages: Messages, strength: Mapping[str, Any]) -> Messages:
    instructions = [one for one in messages if one.get("role") in _INSTRUCTIONS]
    talk = [one for one in messages if one.get("role") not in _INSTRUCTIONS]
    start = max(len(talk) - int(strength.get("keep", 2)), 0)
    answers = [one.get("role") == "tool" for one in talk]
    while start < len(talk) and answers[start]:  # what it answers is forgotten, so no API would take it
        start += 1
    if start == len(talk):  # nothing but answers would be left: whoever asked for them remembers that
        start = max((place for place, answer in enumerate(answers) if not answer), default=0)
    return [*instructions, *talk[start:]]


def _overlong(messages: Messages, strength: Mapping[str, Any]) -> Messages:
    def change(text: str) -> str:
        if "cut" in strength:
            return text[: int(strength["cut"])]
        size = int(strength.get("pad", 20000))
        return (_FILLER * (size // len(_FILLER) + 1))[:size] + text

    return _edited(messages, ("user",), change)


def _instructed(words: str, *, instead: bool) -> Callable[[Messages, Mapping[str, Any]], Messages]:
    """Make a change of instructions: in the place of their first sentence, or after all of them."""

    def changed(messages: Messages, strength: Mapping[str, Any]) -> Messages:
        said = str(strength.get("text", words))
        if not any(one.get("role") in _INSTRUCTIONS for one in messages):
            return [{"role": "system", "content": said}, *messages]
        return _edited(
            messages,
            _INSTRUCTIONS,
            lambda text: f"{said} {_SENTENCE.sub('', text, count=1)}".rstrip() if instead else f"{text}\n{said}",
        )

    return changed


def _contradicted(messages: Messages, strength: Mapping[str, Any]) -> Messages:
    return _edited(messages, ("user",), lambda text: f"{text} {strength.get('text', _CONTRARY)}")


def _vague(messages: Messages, strength: Mapping[str, Any]) -> Messages:
    return _edited(messages, ("user",), lambda text: _SPECIFIC.sub("something", text))


def _edited(messages: Messages, roles: Sequence[str], change: Callable[[str], str]) -> Messages:
    """Change the text of the first message of some roles."""
    for message in messages:
        if message.get("role") in roles and isinstance(message.get("content"), str):
            message["content"] = change(message["content"])
            break
    return messages


_REQUESTS: Final[dict[str, Callable[[Messages, Mapping[str, Any]], Messages]]] = {
    "ML": _forgotten,
    "CLV": _overlong,
    "RA": _instructed(_VAGUE_ROLE, instead=True),
    "BT": _instructed(_BLIND, instead=False),
    "ILC": _contradicted,
    "IA": _vague,
}

# --- answers ---------------------------------------------------------------------------------------------------------


def _inexecutable(answer: Answer, chance: Random, _: Sequence[str]) -> Answer:
    if not answer.calls:
        return answer._replace(text=f"{answer.text} {_CYCLE}".strip())
    return _recalled(answer, chance, lambda one: one._replace(tool=f"{one.tool}_v2"))


def _information_lost(answer: Answer, chance: Random, _: Sequence[str]) -> Answer:
    sentences: list[str] = _SENTENCE.findall(answer.text)
    if any(_facts(one) for one in sentences):
        lost = max(range(len(sentences)), key=lambda place: (_facts(sentences[place]), -place))
        return answer._replace(text="".join(one for place, one in enumerate(sentences) if place != lost).rstrip())

    def emptied(arguments: dict[str, Any]) -> dict[str, Any]:
        texts = [(path, one) for path, one in leaves_of(arguments) if isinstance(one, str) and one]
        if not texts:
            return arguments
        path, _longest = max(texts, key=lambda found: (_facts(found[1]), len(found[1])))
        return _as_object(replaced(arguments, path, lambda _one: ""))

    return _refilled(answer, chance, emptied)


def _hallucinated(answer: Answer, chance: Random, _: Sequence[str]) -> Answer:
    facts = [*_NUMBER.finditer(answer.text), *_NAME.finditer(answer.text)]
    if not facts:
        return _misfilled(answer, chance, _)
    fact = chance.choice(facts)
    number = fact[0].replace(".", "", 1).isdigit()
    other = _other_number(fact[0], chance) if number else other_than(fact[0], chance)
    return answer._replace(text=answer.text[: fact.start()] + other + answer.text[fact.end() :])


def _missselected(answer: Answer, chance: Random, offered: Sequence[str]) -> Answer:
    def other(one: Asked) -> Asked:
        others = sorted(set(offered) - {one.tool})
        return one._replace(tool=chance.choice(others)) if others else one

    return _recalled(answer, chance, other)


def _misfilled(answer: Answer, chance: Random, _: Sequence[str]) -> Answer:
    def changed(arguments: dict[str, Any]) -> dict[str, Any]:
        leaves = [path for path, one in leaves_of(arguments) if path and one is not None]
        if not leaves:
            return arguments
        return _as_object(replaced(arguments, chance.choice(leaves), lambda one: other_than(one, chance)))

    return _refilled(answer, chance, changed)


def _misformatted(answer: Answer, chance: Random, _: Sequence[str]) -> Answer:
    how = chance.randrange(3)
    if how == 0:
        return _recalled(answer, chance, lambda one: one._replace(arguments=one.arguments[:-1]))

    def changed(arguments: dict[str, Any]) -> dict[str, Any]:
        if not arguments:
            return {"unexpected": True}
        name = chance.choice(sorted(arguments))
        if how == 1:
            return {key: one for key, one in arguments.items() if key != name}
        return arguments | {name: [arguments[name]] if isinstance(arguments[name], str) else str(arguments[name])}

    return _refilled(answer, chance, changed)


def _recalled(answer: Answer, chance: Random, change: Callable[[Asked], Asked]) -> Answer:
    """Change one of the calls that are asked for."""
    if not answer.calls:
        return answer
    place = chance.randrange(len(answer.calls))
    return answer._replace(
        calls=tuple(change(one) if number == place else one for number, one in enumerate(answer.calls))
    )


def _refilled(answer: Answer, chance: Random, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """Change the arguments of one of the calls that are asked for; those that are no object stay as they are."""

    def refill(one: Asked) -> Asked:
        try:
            arguments = json.loads(one.arguments)
        except ValueError:
            return one
        if not isinstance(arguments, dict):
            return one
        return one._replace(arguments=json.dumps(change(arguments), ensure_ascii=False))

    return _recalled(answer, chance, refill)


def _facts(text: str) -> int:
    """Count what a text tells: its numbers, and its names."""
    return len(_NUMBER.findall(text)) + len(_NAME.findall(text[1:]))


def _other_number(text: str, chance: Random) -> str:
    return str(other_than(float(text) if "." in text else int(text), chance))


def _as_object(value: Any) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


_ANSWERS: Final[dict[str, Callable[[Answer, Random, Sequence[str]], Answer]]] = {
    "IP": _inexecutable,
    "CIL": _information_lost,
    "H": _hallucinated,
    "TSE": _missselected,
    "PFE": _misfilled,
    "TFE": _misformatted,
}
