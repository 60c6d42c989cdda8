"""Format what an app says about its visitor when it starts a session, as the model reads it. No I/O."""

import json

from webrtc_agent.errors import DetailsTooLarge

MAX_DETAILS_BYTES = 2048
"""A name, a page, a basket. Every model session of the conversation reads it again, and every token costs money."""


def render(body: object) -> str:
    """Return ``body`` as one line of JSON; nothing becomes an empty string.

    Line breaks and other unprintable characters stay escaped, so that no value can start a line of the prompt.

    Raises:
        DetailsTooLarge: the line is longer than ``MAX_DETAILS_BYTES``.
    """
    if not body:
        return ""
    line = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    line = "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in line)
    if len(line.encode()) > MAX_DETAILS_BYTES:
        raise DetailsTooLarge("body")
    return line
