"""The options of `voice-agent chat`."""

from dataclasses import dataclass
from typing import Annotated

import typer

from voice_agent.plug_in import command


@dataclass(frozen=True)
class ChatRequest:
    """The validated options of a chat."""

    agent: str
    url: str


@command("voice_agent.chat.command:chat")
def chat(
    agent: Annotated[str, typer.Argument(help="Folder of the agent; the default agent if missing.")] = "",
    *,
    url: Annotated[str, typer.Option(envvar="URL", help="The web service; what `make run` started if missing.")] = "",
) -> ChatRequest:
    """Type to an agent and read its answers, over the page's own protocol. An empty line, or Ctrl-D, ends it."""
    return ChatRequest(agent, url)
