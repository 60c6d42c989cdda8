"""Check the page's own texts that an agent words differently (``page: texts:`` of its ``agent.yaml``)."""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from string import Template
from typing import Final

from agent_core.ai_words import names_an_ai

_DISCLOSING: Final = ("ai", "ai_operator")
"""The law asks for what these say (EU AI Act, Article 50), so an agent may only word it differently."""


@cache
def placeholders() -> Mapping[str, frozenset[str]]:
    """Return the keys of the page's texts, each with its placeholders: the list that the page's tests renew."""
    text = files(__name__.rpartition(".")[0]).joinpath("page_texts.json").read_text(encoding="utf-8")
    return {key: frozenset(names) for key, names in json.loads(text).items()}


def problems(texts: Mapping[str, str], language: str) -> Iterator[tuple[str, str]]:
    """Yield the key of each text that is unusable, and what to do.

    Args:
        texts: By the keys of the page.
        language: Of the agent, as in ``de-DE``.
    """
    for key, text in texts.items():
        known = placeholders().get(key)
        if known is None:
            yield key, f"is not known here; {_nearest(key)}"
            continue
        template = Template(text)
        names = ", ".join(f"${one}" for one in sorted(known)) or "none"
        if not template.is_valid():
            yield key, f"has a $ without a name; write $$ for a dollar sign (placeholders here: {names})"
        elif (used := set(template.get_identifiers())) != known:
            # Each of them says what would be missing without it.
            wrong = ", ".join(f"${one}" for one in sorted(used ^ known))
            yield key, f"must have exactly its placeholders (here: {names}); compare {wrong}"
        elif key in _DISCLOSING and not names_an_ai(text, language):
            yield key, "must say that this is an AI"


def _nearest(key: str) -> str:
    near = get_close_matches(key, list(placeholders()), n=1)
    return f"did you mean {near[0]}?" if near else "docs/howto/write-an-agent.md says where they are"
