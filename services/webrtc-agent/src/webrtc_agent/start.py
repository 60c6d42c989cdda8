"""Hold what a client sends when it starts a session. No I/O."""

from dataclasses import dataclass, field
from typing import Final

from webrtc_agent.queue_turns import Asking
from webrtc_agent.request_schemas import ResumeRequest


@dataclass(frozen=True, slots=True)
class StartChoice:
    """One client's start request.

    Attributes:
        details: What the app says about its visitor; see `details.render`.
        region: Region whose units the visitor is used to, ISO 3166.
        consent: Version of the notice that the visitor agreed to, or was shown.
        asking: The client is ready to wait in the queue.
        resume: What the client sends about resuming, if it can.
        agent: Id of the agent to talk with; None for the default one.
    """

    details: str = field(default="", repr=False)
    region: str = ""
    consent: str | None = None
    asking: Asking | None = None
    resume: ResumeRequest | None = None
    agent: str | None = None


PLAIN: Final = StartChoice()
"""A client that sends nothing."""
