"""Define the state of a call that is stored so that another task can continue it. No I/O.

It is small and holds only what is needed to continue a conversation: no phone number of a caller, no audio.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from agent_core.errors import ProtocolError

type Said = tuple[tuple[str, str], ...]
"""Speaker (``USER`` or ``ASSISTANT``) and words, oldest first."""

MAX_SAID_BYTES: Final = 32_000
"""More than the model accepts as history; the oldest words are dropped first."""
MAX_NOTE: Final = 600
"""Most characters of a note."""
_MAX_FACT: Final = 100
_MAX_FACTS: Final = 20
_MAX_CAPTURED: Final = 16
_SPEAKERS: Final = frozenset({"USER", "ASSISTANT"})


class Unreadable(ProtocolError):
    """These bytes are not a valid call state."""


@dataclass(frozen=True, slots=True)
class CallState:
    """The state of one call.

    Attributes:
        call_sid: Identifies the call.
        history: What was said.
        facts: What is known about the caller, such as ``{"place": "Stockholm"}``.
        transferred: How often the caller was transferred to a person.
        note: What the model receives when the call is resumed; None means that the connection was lost.
        ended: Why the conversation ended, an ``EndReason``; None while it is active, or if its task died.
        part: Number of the stream, from 0, that Twilio was instructed to open for this conversation. A task that still
            holds an earlier one must not overwrite.
        begun: Conversations of this call that have started, including this one.
        session_id: The conversation that wrote this, for the log.
        began_at: Unix seconds at which the first conversation of the call started; 0 if unknown.
        caller_id: Number of ours that a dialled person must see; None shows the caller's.
        stats: What the conversation has counted in all its parts, by the field names of `agent_core.events.Tally`.
        seen_at: Unix seconds at which a visitor of the page was last connected; 0 on the phone.
        details: What an app said about its visitor.
        region: Region whose units the visitor is used to, ISO 3166.
        holder: The part whose token lets the visitor return.
        attempt: Identifies the request that opened this part, until its response is known to have arrived.
        agent: Folder name of the agent that speaks.
        agent_version: Version of that folder.
        acts: How many changes its tools have made, and a digest of the last one.
        stage: Name of the agent's stage that the conversation is in; empty if it has none.
        known: What tools have found out, by name; not logged, it may be what a caller said.
        captured: The values that the caller has given, see `agent_core.capture.values`; never logged.
        recorded: Whether the end record has been written: what follows is another conversation that knows of this one.
    """

    call_sid: str
    history: Said = ()
    facts: dict[str, str] = field(default_factory=dict)
    transferred: int = 0
    note: str | None = None
    ended: str | None = None
    part: int = 0
    begun: int = 0
    session_id: str = ""
    began_at: float = 0.0
    caller_id: str | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    seen_at: float = 0.0
    details: str = field(default="", repr=False)
    region: str = ""
    holder: int = 0
    attempt: str = ""
    recorded: bool = False
    agent: str = ""
    agent_version: str = ""
    acts: tuple[int, str] = (0, "")
    stage: str = ""
    known: Mapping[str, str] = field(default_factory=dict, repr=False)
    captured: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)

    def seconds_left(self, most: float, now: float) -> float:
        """Return how long the call may still last, given the limit for all its conversations together.

        The start may have been written by another machine's clock: the result is within 0 and ``most``.
        """
        return min(max(self.began_at + most - now, 0.0), most) if self.began_at else most

    def encode(self) -> bytes:
        """Serialize the state, cut to its bounds."""
        # The long fields are cut, because an item of the store has a size limit.
        return orjson.dumps(
            {
                "history": newest(self.history),
                "facts": {key[:_MAX_FACT]: text[:_MAX_FACT] for key, text in list(self.facts.items())[:_MAX_FACTS]},
                "transferred": self.transferred,
                "note": self.note if self.note is None else self.note[:MAX_NOTE],
                "ended": self.ended,
                "part": self.part,
                "begun": self.begun,
                "session_id": self.session_id,
                "began_at": self.began_at,
                "caller_id": self.caller_id,
                "tally": self.stats,
                "seen_at": self.seen_at,
                "details": self.details,
                "region": self.region,
                "holder": self.holder,
                "attempt": self.attempt,
                "recorded": self.recorded,
                "agent": self.agent,
                "agent_version": self.agent_version,
                "acts": self.acts,
                "stage": self.stage,
                "known": dict(self.known),
                "captured": self.captured[:_MAX_CAPTURED],
            }
        )


def decode(call_sid: str, text: bytes) -> CallState:
    """Parse what `CallState.encode` wrote, possibly in another version of this program.

    Raises:
        Unreadable: it is something else.
    """
    try:
        fields: dict[str, Any] = orjson.loads(text)
        # A newer version may know more speakers; this one skips them.
        said = tuple((str(speaker), str(words)) for speaker, words in fields["history"] if speaker in _SPEAKERS)
        return CallState(
            call_sid=call_sid,
            history=said,
            facts={str(key): str(text) for key, text in fields["facts"].items()},
            transferred=int(fields["transferred"]),
            # Fields added later have defaults, so that a rolling deployment can read older states.
            note=_text(fields.get("note")),
            ended=_text(fields.get("ended")),
            part=int(fields["part"]),
            begun=int(fields["begun"]),
            session_id=str(fields.get("session_id", "")),
            began_at=_moment(fields.get("began_at")),
            caller_id=_text(fields.get("caller_id")),
            stats=dict(fields.get("tally", {})),
            seen_at=_moment(fields.get("seen_at")),
            details=str(fields.get("details", "")),
            region=str(fields.get("region", "")),
            holder=int(fields.get("holder", 0)),
            attempt=str(fields.get("attempt", "")),
            recorded=bool(fields.get("recorded", False)),
            agent=str(fields.get("agent", "")),
            agent_version=str(fields.get("agent_version", "")),
            acts=_acts(fields.get("acts")),
            stage=str(fields.get("stage", "")),
            known={str(key): str(text) for key, text in fields.get("known", {}).items()},
            captured=tuple(tuple(one) for one in fields.get("captured", ()) if isinstance(one, list))[:_MAX_CAPTURED],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(type(error).__name__) from None


def newest(said: Said, limit: int = MAX_SAID_BYTES) -> Said:
    """Keep the newest entries whose words fit into so many bytes; at least one, cut if necessary."""
    kept: list[tuple[str, str]] = []
    for speaker, words in reversed(said):
        size = len(words.encode())
        if size > limit:
            if not kept:
                kept.append((speaker, words.encode()[-limit:].decode(errors="ignore")))
            break
        limit -= size
        kept.append((speaker, words))
    return tuple(reversed(kept))


def _acts(value: object) -> tuple[int, str]:
    """Parse the count of changes; versions before the field existed omit it."""
    match value:
        case [int(count), str(last)]:
            return count, last
    return 0, ""


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(value: object) -> float:
    """Parse a timestamp; versions before the field existed omit it."""
    return value if isinstance(value, float) and math.isfinite(value) and value > 0 else 0.0
