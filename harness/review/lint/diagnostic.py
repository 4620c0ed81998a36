"""What lint finds: the checks by name, how serious each is, and where a thing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from harness.errors import Mistake
from harness.registry.document import Written

Level = Literal["error", "warning", "note"]
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")


class Check(NamedTuple):
    """What a check looks for, and how serious it is by itself."""

    level: Level
    says: str


CHECKS: Final[Mapping[str, Check]] = {
    "dead-rule": Check("error", "A rule that can never speak, or only of what does not fit the declared schemas."),
    "dead-pattern": Check("warning", "A pattern of tools for which the rule can never speak."),
    "dead-question": Check("warning", "A question about the past that no event can answer."),
    "never-satisfiable": Check("error", "A requirement that no step of the declared domains can satisfy."),
    "always-true": Check("warning", "A requirement that every step of the declared domains satisfies."),
    "conflict": Check("error", "Rules that no step of the declared domains can satisfy together."),
    "shadowed": Check("warning", "A rule that is violated only where another one, as strict or stricter, is too."),
    "implied": Check("note", "A rule on an artifact that is met wherever the others are."),
    "single-value": Check("note", "A field of an artifact to which the rules leave one value."),
    "not-solved": Check("note", "Rules on an artifact of which it was not decided whether any can meet them."),
    "duplicate": Check("warning", "Two rules of the same meaning."),
    "unbounded-cost": Check("warning", "A question whose cost grows with the length of the run."),
    "growing-memory": Check("note", "A question whose memory grows with the number of different keys."),
    "no-example": Check("warning", "A rule without an example that holds, or without one that is violated."),
    "no-source": Check("note", "A rule that does not say where it comes from."),
    "no-says": Check("warning", "A rule that blocks without a word to the agent."),
    "unused-parameter": Check("note", "A parameter that no rule uses."),
    "unused-definition": Check("note", "A definition that no rule uses."),
    "unused-tool": Check("note", "A declared tool that no rule speaks of."),
    "unneeded-tool": Check("note", "A tool of the graph whose facts no goal needs."),
    "unguarded-write": Check("warning", "A tool that writes and that no rule can block."),
    "unknown-allowed": Check("warning", "Rules that block, and let through what they cannot decide."),
    "idle-pattern": Check("note", "A regular expression that begins or ends in .*, which changes nothing."),
    "letter-case": Check("note", "A comparison of text that misses other spellings by their case."),
    "float-equality": Check("note", "An equality of numbers that are calculated with fractions."),
    "money-as-float": Check("note", "An amount of money compared with a fraction."),
    "unchecked-field": Check("note", "A field that no declared schema confirms."),
}


class Diagnostic(NamedTuple):
    """One finding: the check, how serious it is here, the rule (empty for the file as a whole), place and cure."""

    check: str
    level: Level
    rule: str
    mistake: Mistake

    def __str__(self) -> str:
        return str(self.mistake).replace(
            self.mistake.message, f"{self.level}  {self.mistake.message}  [{self.check}]", 1
        )


def diagnostic(
    check: str,
    rule: str,
    at: Written,
    message: str,
    cure: str = "",
    *,
    level: Level | None = None,
    start: int = 0,
    end: int | None = None,
) -> Diagnostic:
    """Make a finding at a written value, or at the characters ``start`` up to ``end`` of its text."""
    if end is None and type(at.value) is str:
        end = len(at.value)  # without the quotes
    return Diagnostic(check, level or CHECKS[check].level, rule, at.mistake(message, cure, start=start, end=end))
