"""Sentences that an agent may say, from which the language model of the recogniser for its replies is computed.

From outside a deployment only the audio is there. A recogniser that expects any English reads "booked" as "looked"; one
that expects the folder's own words does not.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from standins.agents.folder import AgentFolder
from standins.agents.sentences import sentences
from standins.agents.words import spelled
from standins.agents.yaml_file import LARGEST_BYTES
from standins.speech.numbers import in_words

_LONGEST_NUMBER = 2
"""Digits of a number that is spoken as one; longer ones are read digit by digit, or as a time."""
_TIMES = 5
"""How often a text of the tools counts: they say word for word what the agent speaks."""


def reply_sentences(folder: Path, agent: AgentFolder) -> list[str]:
    """Return sentences of what callers and documents say, of the rehearsed replies, and of the tools' texts.

    Args:
        folder: The agent's folder.
        agent: What was read of it.
    """
    rehearsed = [text for line in agent.lines for text in (line.answers, *line.expected_words)]
    texts = [*rehearsed, agent.name, *_texts_of_tools(folder)]
    spoken = [_spoken(text) for text in texts]
    return [*sentences(agent), *[sentence for sentence in spoken if sentence] * _TIMES]


def _texts_of_tools(folder: Path) -> Iterator[str]:
    """Yield the texts in the code, read and not run; an f-string in the pieces between its values."""
    for path in sorted(folder.glob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8")[:LARGEST_BYTES])
        except (SyntaxError, ValueError):
            continue  # the runtime reports it with its line
        for node in ast.walk(tree):
            # Words without a space are mostly names of fields and statuses.
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
                yield from node.value.replace("\n", " ").split(". ")


def _spoken(text: str) -> str:
    words = spelled(text)
    return " ".join(
        in_words(int(word)) if word.isdecimal() and len(word) <= _LONGEST_NUMBER else word for word in words
    )
