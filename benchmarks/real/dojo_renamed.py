"""Rename tools, fields and entities of AgentDojo's runs by a seeded map, and the names in the registries alike.

Tools and fields become ``tool_…`` and ``field_…``. Entities are the capitalised words of short values (names of people,
places, files, titles) that occur nowhere in lower case; each becomes a made-up word. Of an address every part between
dots, dashes and ``@`` is made up anew, of an account number every letter and digit, in the same form. Prose keeps its
words: a rule may look at how an order is worded, never at whom or what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from random import Random
from typing import Any, Final

import orjson
import yaml

from harness.adapters.files import shipped_registries
from harness.adapters.transcripts.conversation import Conversation
from harness.determinism.streams import stream
from harness.registry.addresses import addresses_in
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event

_SHORT: Final = 4  # words of a value that may be a name
_CAPITAL: Final = re.compile(r"\b[A-Z][a-z]{2,}\b")
_LOWER: Final = re.compile(r"(?<![\w@./-])[a-z]{3,}(?![\w@/-]|\.\w)")  # words of prose, not parts of addresses or files
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
_KEPT: Final = {"http", "https", "www", "com", "org", "net"}


def renamed(
    recorded: Callable[[], Iterable[Conversation]], registries: dict[str, Registry], seed: int
) -> tuple[Iterator[Conversation], dict[str, Registry]]:
    """Give the runs and registries under other names; the runs are read twice."""
    names = Names(seed)
    for conversation in recorded():
        for event in conversation.events:
            names.learn(event)
    names.settle()
    return (names.conversation(one) for one in recorded()), {suite: names.registry(suite) for suite in registries}


class Names:
    """Collect what is to be renamed, then rename it."""

    def __init__(self, seed: int) -> None:
        self._random: Random = stream(seed, "renaming")
        self._tools: set[str] = set()
        self._fields: set[str] = set()
        self._capital: set[str] = set()
        self._lower: set[str] = set()
        self._map: dict[str, str] = {}
        self.text = lru_cache(maxsize=None)(self._text)

    def learn(self, event: Event) -> None:
        """Take in the names and words of an event."""
        body = event.body
        if event.kind == "message":
            if body["message"]["role"] in ("user", "system"):
                self._lower.update(_LOWER.findall(body["message"]["content"]))
        elif event.kind == "action":
            self._tools.add(body["tool"])
            self._fields.update(body["args"])
            self._value(body["args"])
        elif "ok" in body:
            self._value(body["ok"])

    def _value(self, value: Any) -> None:
        if isinstance(value, str):
            self._lower.update(_LOWER.findall(value))
            if len(value.split()) <= _SHORT:
                self._capital.update(_CAPITAL.findall(value.replace("_", " ")))
        elif isinstance(value, list):
            for item in value:
                self._value(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                (self._fields.add if _FIELD.fullmatch(key) else self._value)(key)
                self._value(item)

    def settle(self) -> None:
        """Choose the new names."""
        self._map |= {name: f"tool_{self._word(6)}" for name in sorted(self._tools)}
        self._map |= {name: f"field_{self._word(6)}" for name in sorted(self._fields - self._tools)}
        self._words = {word: self._word(len(word)).title() for word in sorted(self._capital)}
        self._words = {word: new for word, new in self._words.items() if word.casefold() not in self._lower}
        self._known = re.compile(r"\b(" + "|".join(map(re.escape, self._words)) + r")(?=\b|_)")
        self._parts: dict[str, str] = {}

    def conversation(self, one: Conversation) -> Conversation:
        """Rename a run; the injected text of its label too."""
        injections = {slot: self.text(text) for slot, text in (one.label["injections"] or {}).items()}
        return one._replace(events=map(self._event, one.events), label=one.label | {"injections": injections})

    def registry(self, suite: str) -> Registry:
        """Load a suite's registry with its tools and fields renamed."""
        folder = shipped_registries() / "agentdojo"
        drawn = yaml.safe_load((folder / f"{suite}.yaml").read_text())
        tools = drawn["tools"]
        for spec in tools.values():
            properties = spec["arguments"].get("properties", {})
            spec["arguments"]["properties"] = {self._named(name): kind for name, kind in properties.items()}
        drawn["tools"] = {self._named(name): spec for name, spec in tools.items()}
        for rule in drawn["invariants"]:
            rule["on"] = rule.pop(True)  # as YAML 1.1 reads that word
            rule.pop("examples", None)
            named = rule["tool"] if isinstance(rule["tool"], list) else [rule["tool"]]
            rule["tool"] = list(map(self._named, named))
            for part in ("when", "require", "says"):
                rule[part] = self._expression(rule.get(part, "True"))
        return load(
            orjson.dumps(drawn).decode(),
            f"{suite}.yaml",
            read=lambda base: (folder.parent / f"{base}.yaml").read_text(),
        )

    def _expression(self, text: str) -> str:
        text = re.sub(r"(call\.args\.)(\w+)", lambda found: found[1] + self._named(found[2]), text)
        return re.sub(
            r'(?<=")\w+(?=")', lambda found: self._map[found[0]] if found[0] in self._tools else found[0], text
        )

    def _event(self, event: Event) -> Event:
        body = event.body
        if event.kind == "message":
            changed: dict[str, Any] = {"message": self._message(body["message"])}
        elif event.kind == "action":
            changed = {"tool": self._named(body["tool"]), "args": self._renamed(body["args"])}
        else:
            changed = {"ok": self._renamed(body["ok"])} if "ok" in body else {}
        return event._replace(body={**body, **changed})

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        changed = {**message, "content": self.text(message["content"] or "")}
        if "name" in message:
            changed["name"] = self._named(message["name"])
        if "tool_calls" in message:
            changed["tool_calls"] = list(map(self._call, message["tool_calls"]))
        return changed

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        function = call["function"]
        arguments = orjson.dumps(self._renamed(orjson.loads(function["arguments"]))).decode()
        return {**call, "function": {"name": self._named(function["name"]), "arguments": arguments}}

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        if isinstance(value, dict):
            return {
                self._named(key) if _FIELD.fullmatch(key) else self.text(key): self._renamed(item)
                for key, item in value.items()
            }
        return value

    def _named(self, name: str) -> str:
        """Give the new name of a tool or field; one that no run has gets one here."""
        return self._map.setdefault(name, f"field_{self._word(6)}")

    def _text(self, text: str) -> str:
        for address in sorted(addresses_in(text), key=len, reverse=True):
            text = text.replace(address, "".join(map(self._part, re.split(r"([^A-Za-z0-9]+)", address))))
        return self._known.sub(lambda found: self._words[found[1]], text)

    def _part(self, part: str) -> str:
        """Make a part of an address anew: letters become letters, digits digits."""
        if part.casefold() in _KEPT or not part.isalnum():
            return part
        if part.casefold() not in self._parts:
            made = (self._random.choice("0123456789" if one.isdigit() else _LETTERS) for one in part)
            self._parts[part.casefold()] = "".join(made)
        made_up = self._parts[part.casefold()]
        return made_up.upper() if part.isupper() else made_up

    def _word(self, length: int) -> str:
        return "".join(self._random.choices(_LETTERS, k=max(length, 4)))
