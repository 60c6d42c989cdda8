"""Review an agent's words by the model's prompting guide. No I/O.

Source: the review checklist of AWS's "Nova Sonic 2.5 Prompting Guide" (amazon-nova-samples,
speech-to-speech/amazon-nova-2.5-sonic), read on 2026-11-29. What stands in the prompt may be spoken, so most findings
are about words that should not stand there.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent_core.agents.agent import Agent

MOST_WORDS: Final = 900
"""Each turn reads the whole prompt again, which costs time and money."""
_SHORTEST_RULE: Final = 25
"""Characters of a line from which a repetition is one rule twice."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that works worse than it could.

    Attributes:
        where: File and line.
        what: What is wrong, and what to write instead.
    """

    where: str
    what: str


_LINES: Final = (
    (
        r"\b(?:never|do not|don't|must not|mustn't|avoid|forbidden)\b",
        "says what not to do, and the model may say it; write what to do instead",
    ),
    (r"\bignore\b", "the word “ignore” can be taken as an instruction to ignore others; write what to do"),
    (r"\[\s*\]|\(\s*\)|\{\s*\}|<\s*>", "empty brackets are read aloud; remove them"),
    (r"<\s*thinking\b|\bthink step by step\b|\bchain of thought\b", "asks the model to think aloud; remove it"),
    (
        r"\b(?:imitate|impersonate|speak like|sound like) (?:the voice|a voice|an accent|[A-Z])",
        "the model refuses to imitate a voice; choose one with voice: in agent.yaml",
    ),
    (
        r"\bsince you usually\b|\bas you always\b|\bI remember that you\b",
        "claims to know the caller; state one short fact for each line instead",
    ),
    (
        r"\b(?:numbered list|bullet points?|bulleted list)\b",
        "a list cannot be spoken; ask for plain sentences",
    ),
    (
        r"\b(?:next|this|last) (?:week|month|year)\b|\b(?:yesterday|the day after tomorrow)\b",
        "a relative date in a text that is kept; the prompt has a table of dates, so name none here",
    ),
)
_FLAGS: Final = re.compile(r"\b(?:true|false|null|[A-Z]+_[A-Z_]+|[a-z]+_[a-z_]+)\b")


def review(agent: Agent) -> list[Remark]:
    """Return what could be better about an agent; empty if it follows the guide."""
    return [
        *_about_lines(agent),
        *_about_repetitions(agent),
        *_about_headers(agent),
        *_about_length(agent),
        *_about_ending(agent),
        *_about_tools(agent),
    ]


def _about_lines(agent: Agent) -> Iterator[Remark]:
    tools = {tool.spec.name for tool in agent.tools}
    for number, line in _lines(agent):
        for pattern, what in _LINES:
            if re.search(pattern, line, re.IGNORECASE):
                yield _remark(agent, number, what)
        # The name of a tool is right where the model should call it; other code names would be spoken.
        code = [word for word in _FLAGS.findall(re.sub(r"\$\{?\w+\}?", "", line)) if word not in tools]
        if code:
            yield _remark(agent, number, f"“{code[0]}” is a value of a program and may be read aloud; write words")


def _about_repetitions(agent: Agent) -> Iterator[Remark]:
    rules = [(number, " ".join(line.lower().split(" "))) for number, line in _lines(agent)]
    counts = Counter(rule for _, rule in rules if len(rule) >= _SHORTEST_RULE)
    seen: set[str] = set()
    for number, rule in rules:
        if counts[rule] > 1 and rule in seen:
            yield _remark(agent, number, "the same rule stands above; give each rule once, near its decision")
        seen.add(rule)


def _about_headers(agent: Agent) -> Iterator[Remark]:
    styles = {
        style: number
        for number, line in _lines(agent)
        for style, pattern in (("##", r"#{1,6} "), ("**", r"\*\*[^*]+\*\*:?$"), ("capitals", r"[A-Z][A-Z ]{5,}:?$"))
        if re.match(pattern, line)
    }
    if len(styles) > 1:
        number = max(styles.values())
        yield _remark(agent, number, f"headers have several styles ({', '.join(styles)}); use one, such as ##")


def _about_length(agent: Agent) -> Iterator[Remark]:
    words = len(agent.instructions.split())
    if words > MOST_WORDS:
        what = f"{words} words; with more than {MOST_WORDS} each turn is slower: move facts to knowledge/"
        yield _remark(agent, 1, what)


def _about_ending(agent: Agent) -> Iterator[Remark]:
    # The runtime's part says this once; a second, blanket rule makes the model hang up without a word.
    for number, line in _lines(agent):
        if re.search(r"\b(?:without (?:a word|speaking)|say nothing)\b.*\btools?\b|\btools?\b.*\bsilently\b", line):
            what = "a rule for all tools makes the model hang up without a goodbye; name the tools"
            yield _remark(agent, number, what)


def _about_tools(agent: Agent) -> Iterator[Remark]:
    for tool in agent.tools:
        place = f"agents/{agent.id}/tools.py"
        if not tool.spec.description:
            yield Remark(place, f"{tool.spec.name} has no docstring: the model does not know when to call it")
        for name, schema in tool.spec.properties.items():
            if not schema.get("description"):
                yield Remark(place, f"{tool.spec.name}: describe {name} with Annotated[…, Field(description=…)]")


def _lines(agent: Agent) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(agent.instructions.splitlines(), 1):
        if stripped := line.strip():
            yield number, stripped


def _remark(agent: Agent, number: int, what: str) -> Remark:
    return Remark(f"agents/{agent.id}/instructions.md, line {number}", what)
