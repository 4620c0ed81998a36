"""What becomes of an action that was begun and never ended, decided by what its tool declares.

A run that was killed leaves actions of which nobody knows whether they happened. A generator decides each: it yields
what has to be asked, of a probe or of a person, and is sent the answer, so that one text serves threads and coroutines.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.mediation.approval import objection
from harness.ports import Question
from harness.tool import ToolSpec
from harness.trace.again import NOTE
from harness.trace.outcome import Ok, Outcome, Unknown

IN_DOUBT: Final = "IN-DOUBT"
"""The rule that a question about a repetition names."""

REASON: Final = "the run was killed while it was under way"

_HAPPENED: Final = "happened"
_RESULT: Final = "result"


class Doubt(NamedTuple):
    """An action that was begun and never ended.

    ``args`` are as the trace has them, without secrets. ``repeatable`` says whether nothing that it did inside itself
    speaks against performing it again; ``digest`` names the call in its run, and how often it was in doubt before.
    ``void`` says why the approval it was begun under does not count any more; empty where it does, or where none was
    needed.
    """

    action: int
    model: bool
    args: dict[str, Any]
    spec: ToolSpec
    repeatable: bool
    digest: str
    void: str = ""


class Probing(NamedTuple):
    """A call of the tool that tells whether another one happened."""

    tool: str
    args: dict[str, Any]


class Settled(NamedTuple):
    """How a doubt ended: what was decided and why, and the outcome, None where the action has to be performed."""

    decided: str
    why: str
    outcome: Outcome | None = None

    @property
    def note(self) -> dict[str, Any]:
        """Give what the trace keeps of it, inside the effect of the action."""
        return {"data": {"decided": self.decided, "why": self.why}, "text": NOTE}


def settle(doubt: Doubt) -> Generator[Probing | Question, Any, Settled]:
    """Decide one doubt: send a probe's encoded result or the exception it raised, and an Approval to a question."""
    reason = why_again(doubt)
    if reason and not doubt.void:
        return Settled("performed", reason)
    spec, unclear = doubt.spec, f"; {doubt.void}" if doubt.void else ""
    if spec.probe is not None:
        found = reading(spec.probe, (yield Probing(spec.probe, doubt.args)))
        if isinstance(found, Settled) and not (doubt.void and found.outcome is None):
            return found
        unclear += f"; {found.why if isinstance(found, Settled) else found}"
    question = Question(
        IN_DOUBT,
        f"{REASON}: {spec.name} may have happened{unclear}; may it be performed, perhaps for the second time?",
        spec.name,
        doubt.args,
        canonical.digest_of({"action": doubt.action, "args": doubt.args, "tool": spec.name, "trace": doubt.digest}),
    )
    approval = yield question
    void = objection(approval, question)
    said = void or f"the answer ({approval.by}) was {'yes' if approval.allowed else 'no'}"
    said += f": {approval.reason}" if approval.reason else ""
    if approval.allowed and not void:
        return Settled("performed", said)
    return Settled("left", said + unclear, Unknown(f"{REASON}; {said}{unclear}"))


def why_again(doubt: Doubt) -> str:
    """Say why an action may be performed again without asking; empty where it may not."""
    spec = doubt.spec
    if doubt.model:
        return "a model call changes nothing"
    if not doubt.repeatable:
        return ""
    if spec.effect == "read":
        return "it is declared to change nothing"
    if spec.keyed(doubt.args):
        return f"its {spec.idempotency_key} makes it happen once"
    return "it is declared idempotent" if spec.idempotent and spec.idempotency_key is None else ""


def reading(probe: str, said: Any) -> Settled | str:
    """Read what a probe says; what it says instead, where it cannot tell.

    None and ``{"happened": false}``: it did not happen. ``{"happened": true, "result": …}``: it did, with this result
    (None without one). ``{"happened": null}``: it cannot tell. Anything else is the result of what happened.
    """
    if isinstance(said, Exception):
        return f"the probe {probe} failed with {type(said).__name__}: {said}"
    if said is None:
        return Settled("performed", f"{probe} says that it did not happen")
    if not isinstance(said, dict) or _HAPPENED not in said:
        return Settled("found", f"{probe} says that it happened", Ok(said))
    happened = said[_HAPPENED]
    if said.keys() - {_HAPPENED, _RESULT} or (happened is not True and _RESULT in said):
        return f"the probe {probe} answered {said!r}, which is neither yes nor no"
    if happened is True:
        return Settled("found", f"{probe} says that it happened", Ok(said.get(_RESULT)))
    if happened is False:
        return Settled("performed", f"{probe} says that it did not happen")
    return f"the probe {probe} cannot tell"
