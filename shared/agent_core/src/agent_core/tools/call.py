"""What a tool learns about the conversation that uses it, and what all tools of one agent share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any


@dataclass(slots=True)
class ToolSurroundings:
    """What the tools of one agent share.

    Attributes:
        agent: Folder name of the agent.
        language: Language tag of the agent, such as ``de-DE``.
        zone: Time zone of the agent.
        settings: Environment variables that the agent declares, with its defaults; contains secrets.
        resources: What the agent's ``resources`` function yields while the service runs.
    """

    agent: str
    language: str
    zone: tzinfo
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    resources: Any = field(default=None, repr=False)

    def call(self, session_id: str, key: str, region: str, facts: Mapping[str, str]) -> "Call":
        """Return what one use of a tool receives."""
        return Call(
            agent=self.agent,
            session_id=session_id,
            key=key,
            language=self.language,
            region=region,
            facts=facts,
            now=datetime.now(self.zone),
            settings=self.settings,
            resources=self.resources,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool. A parameter with this annotation is hidden from the model.

    Attributes:
        agent: Folder name of the agent.
        session_id: Identifies the conversation, all its parts included: the CallSid on the phone, where each part has a
            session of its own, and the session's identifier on the page.
        key: Idempotency key: the same for a request that is repeated after a barge-in, a renewal or the loss of a task.
        language: Language tag of the agent, such as ``de-DE``.
        region: Region whose units the caller is used to, ISO 3166; empty if unknown.
        now: The agent's local time.
        settings: Environment variables that the agent declares, with its defaults; contains secrets.
        resources: What the agent's ``resources`` function yields.
        facts: What tools have found out in this conversation (``facts`` in their results), for an agent with stages.
    """

    agent: str
    session_id: str
    key: str
    language: str
    region: str
    now: datetime
    settings: Mapping[str, str] = field(repr=False)
    resources: Any = field(repr=False)
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
