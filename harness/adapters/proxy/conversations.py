"""Which conversation a request belongs to.

A client that says so in a header is believed. Else a request continues the conversation whose calls it brings the
results of, or whose response it names, or whose messages it extends; else it begins one. Nothing is ever found by
somebody with another key: a conversation belongs to the credentials it was begun with.

What this cannot tell apart: two conversations of the same credentials that have gone word for word alike so far; then
the one that was not yet continued goes on. And a client that shortens what it has said before begins a new one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Final

from harness.adapters.proxy.asked import Asked
from harness.adapters.proxy.heard import Heard

_KNOWN: Final = 10_000  # conversations that can still be continued, of all that have ever been
_REMEMBERED: Final = 64  # things by which one conversation is found again

Key = tuple[str, ...]


class Conversation:
    """One conversation: its name, what it is found by, and how it stood when it was last heard of."""

    __slots__ = ("caller", "home", "keys", "name", "tip", "used")

    def __init__(self, name: str, caller: str, home: Key) -> None:
        self.name, self.caller, self.home = name, caller, home
        self.keys: deque[Key] = deque()
        self.tip: frozenset[Key] = frozenset()
        self.used = 0


class Conversations:
    """Remember what was said in each conversation, as digests, and find the one that a request continues.

    ``name`` gives a new conversation its name. The longest unused of more than 10,000 are forgotten: what would have
    continued one of them begins a new one.
    """

    def __init__(self, name: Callable[[], str]) -> None:
        self._name = name
        self._known: dict[Key, list[Conversation]] = {}
        self._recent: OrderedDict[Conversation, None] = OrderedDict()
        self._clock = 0

    def of(self, caller: str, asked: Asked, *, named: str = "", again: bool = False) -> Conversation:
        """Give the conversation of a request; ``again`` says that the client calls it a repetition of its last one.

        ``caller`` stands for the credentials, ``named`` is the client's own name for the conversation.
        O(places where the assistant speaks).
        """
        home: Key | None = ("named", caller, named) if named else None
        if home is None and not (asked.whole or asked.after):
            home = "loose", caller
        found = self._best([home]) if home else self._found(caller, asked, again)
        found = found or self._begun(caller, named, home)
        self._clock += 1
        found.used = self._clock
        self._recent.move_to_end(found)
        if asked.whole:
            self._remember(found, [_asked(caller, asked.whole)])
        return found

    def heard(self, conversation: Conversation, asked: Asked, heard: Heard) -> None:
        """Take note of the answer to a request of a conversation."""
        caller = conversation.caller
        keys: list[Key] = [("call", caller, call) for call in heard.calls]
        if heard.response:
            keys.append(("response", caller, heard.response))
        if asked.whole:
            keys += [_asked(caller, asked.whole), _said(caller, asked.whole, heard.speech)]
        self._remember(conversation, keys)

    def _found(self, caller: str, asked: Asked, again: bool) -> Conversation | None:
        said = [_said(caller, *pair) for pair in asked.extends]
        extended = [_asked(caller, before) for before, _ in asked.extends]
        if again:
            extended.insert(0, _asked(caller, asked.whole))
        standing = frozenset([*said, *extended])
        by: list[list[Key]] = [[("call", caller, call) for call in asked.answers], [("response", caller, asked.after)]]
        by += [[one] for one in (*said, *extended)]
        return next((found for keys in by if (found := self._best(keys, standing)) is not None), None)

    def _best(self, keys: list[Key], standing: frozenset[Key] = frozenset()) -> Conversation | None:
        """Give the conversation that most of the keys speak for, of several one that stands where the request does."""
        known = [one for key in keys for one in self._known.get(key, ())]
        if len(known) < 2:
            return known[0] if known else None
        return max(known, key=lambda one: (known.count(one), len(one.tip & standing), one.used))

    def _begun(self, caller: str, named: str, home: Key | None) -> Conversation:
        name = named or self._name()
        begun = Conversation(name, caller, home or ("named", caller, name))
        self._recent[begun] = None
        self._known[begun.home] = [begun]
        if len(self._recent) > _KNOWN:
            gone, _ = self._recent.popitem(last=False)
            self._forget(gone, [*gone.keys, gone.home])
        return begun

    def _remember(self, conversation: Conversation, keys: list[Key]) -> None:
        if conversation not in self._recent:
            return  # it was forgotten while its answer was under way
        for key in keys:
            if key not in conversation.keys:
                self._known.setdefault(key, []).append(conversation)
                conversation.keys.append(key)
        conversation.tip = frozenset(keys)
        surplus = len(conversation.keys) - _REMEMBERED
        self._forget(conversation, [conversation.keys.popleft() for _ in range(surplus)])

    def _forget(self, conversation: Conversation, keys: Iterable[Key]) -> None:
        for key in keys:
            known = self._known[key]
            known.remove(conversation)
            if not known:
                del self._known[key]


def _asked(caller: str, whole: str) -> Key:
    return "asked", caller, whole


def _said(caller: str, whole: str, speech: str) -> Key:
    return "said", caller, whole, speech
