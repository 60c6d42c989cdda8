"""Reads a tool's result as a model does, in whatever structure a client library has wrapped it.

- Pipecat, and clients without a library: the object itself.
- Strands: `{"json": object}` or `{"text": prose}`, several blocks as `{"content": [...]}`.
- LiveKit: the object, if the tool returned JSON; `{"tool_result": text}`, if it returned anything else. The text of a
  dictionary is then Python's repr, not JSON.
"""

import ast
import json
from collections.abc import Mapping

_WRAPPINGS = frozenset({"json", "text", "tool_result", "content"})
_DEPTH = 4
"""Maximum number of nested structures; deeper results stay as they are."""
_LONGEST = 4096
"""Maximum number of characters of a text to parse."""


def unwrapped(result: object) -> object:
    """Remove the structures around a result.

    Returns:
        An object if there is one, a text if the tool replied in prose, otherwise the result as it came.
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
    """Parse JSON, or Python's repr of a dictionary."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    for reader in (json.loads, ast.literal_eval):
        try:
            return reader(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None
