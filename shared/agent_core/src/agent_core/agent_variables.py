"""Read the variables of agents that a deployment sets as one JSON object. No I/O.

A template cannot have a parameter for each name that some ``agent.yaml`` declares.
"""

import re
from typing import Final

import orjson

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}")


def parse(text: str) -> dict[str, str]:
    """Return the variables by name; none of an empty text.

    Raises:
        ValueError: it is not such an object; the reason says what is right and shows no value.
    """
    if not text.strip():
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Not the error's own text, which quotes the value.
        raise ValueError('a JSON object such as {"DESK_URL": "https://desk.example.com/mcp"}') from None
    if not isinstance(found, dict):
        raise ValueError("a JSON object of names and texts")  # noqa: TRY004 - pydantic reports a `ValueError` only
    for name, value in found.items():
        if not _NAME.fullmatch(name):
            raise ValueError("names in capitals, with digits and _, as in agent.yaml")
        if not isinstance(value, str):
            raise ValueError(f"the value of {name} must be a text, in quotation marks")  # noqa: TRY004 - as above
    return found
