"""The page's own texts, read from its sources: what a visitor reads in each language."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

from tools.workspace import ROOT

TEXTS: Final = ROOT / "services/webrtc-agent/client/src/texts"
_ENTRY: Final = re.compile(r'^  (\w+):\s+("(?:[^"\\]|\\.)*"),$', re.MULTILINE)
"""A key and its text, on the same or on the next line; texts with plural forms are not among them."""


@cache
def words(language: str) -> dict[str, str]:
    """Return the texts of a language, such as ``de``, by their keys."""
    return {key: json.loads(text) for key, text in _ENTRY.findall(_source(language))}


def _source(language: str) -> str:
    return Path(TEXTS / f"{language}.ts").read_text(encoding="utf-8")
