"""What the agent can do. Each marked function is one tool: its types and docstring are what the model sees."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agent_core.agents import Call, tool

Name = Annotated[str, Field(min_length=1, max_length=80, description="Name of the caller")]
About = Annotated[str, Field(min_length=1, max_length=500, description="What the message is about, in one sentence")]


@tool(acts=True, shown=True, failure="message_not_taken")
def take_message(name: Name, about: About, call: Call) -> dict[str, Any]:
    """Take a message when the caller wants to leave one."""
    file = Path(call.settings["MESSAGES_FILE"])
    file.parent.mkdir(parents=True, exist_ok=True)
    message = {"key": call.key, "at": call.now.isoformat(timespec="seconds"), "name": name, "about": about}
    # The model repeats a request after an interruption; the key tells that it is the same message.
    if not (file.exists() and call.key in file.read_text(encoding="utf-8")):
        with file.open("a", encoding="utf-8") as messages:
            messages.write(json.dumps(message, ensure_ascii=False) + "\n")
    return {
        "speak": f"Thank you, {name}. I have taken your message.",
        "card": {"title": "Message taken", "value": name, "rows": [["About", about]]},
    }
