"""Read a tool's result as a model does: whatever a client's library has wrapped it in.

- Pipecat, and those who speak the wire themselves: the object itself.
- Strands: `{"json": object}` or `{"text": prose}`, several blocks as `{"content": [...]}`.
- LiveKit: the object, where the tool returned JSON; `{"tool_result": text}`, where it returned anything else. The
  text of a dictionary is then Python's, not JSON.
"""

import ast
import json
from collections.abc import Mapping

_WRAPPINGS = frozenset({"json", "text", "tool_result", "content"})
_DEPTH = 4
"""A result in more wrappings than this is left as it is."""
_LONGEST = 4096
"""Characters of a text that are looked at."""


def unwrapped(result: object) -> object:
    """Take a result out of its wrappings.

    Returns:
        An object where there is one, a text where the tool answered in prose, otherwise the result as it came.
    """
    for _ in range(_DEPTH):
        match result:
            case {**only} if len(only) == 1 and _WRAPPINGS.issuperset(only):
                (result,) = only.values()
            case [first, *_]:
                result = first
            case str() if isinstance(read := _read(result[:_LONGEST]), Mapping | list):
                result = read
            case _:
                break
    return result


def _read(text: str) -> object:
    """Read JSON, or what Python prints for a dictionary."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    for reader in (json.loads, ast.literal_eval):
        try:
            return reader(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None
