"""Read the requests of Pipecat's clients, within bounds."""

import re
from typing import Annotated, Any, Final, Literal

from fastapi import Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent_core.events import Rating
from agent_core.regions import region_of
from agent_core.web import read_body
from webrtc_agent.called_number import MAX_CHARACTERS as MAX_CHARACTERS_OF_NUMBER
from webrtc_agent.details import render
from webrtc_agent.errors import BadRequest, MisplacedOffer
from webrtc_agent.queue_ticket import MAX_CHARACTERS

MAX_SDP_BYTES = 64 * 1024
"""A browser's offer with audio, camera and screen has about 8 KB, plus half a KB for each address of a laptop."""
MAX_OFFER_BYTES = 80 * 1024
"""The offer as JSON, in which each line end takes four bytes; or the candidates that follow it."""
MAX_BODY_BYTES = 16 * 1024
MAX_COMMENT = 1000
"""Characters: a long paragraph. As JSON escapes they have 12 KB, so they fit into a body."""

_AGENT_ID: Final = re.compile("[a-z][a-z0-9-]{0,30}")

type Text = Annotated[str, Field(max_length=1024)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class QueueRequest(_Body):
    """A client that waits: without a ticket at first, then with that of the previous response."""

    ticket: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None


class ResumeRequest(_Body):
    """What a page that can resume a conversation sends: nothing, or what it received for that."""

    token: Annotated[str | None, Field(max_length=128, repr=False)] = None
    """Token of the conversation to resume."""
    attempt: Annotated[str, Field(max_length=128, repr=False)] = ""
    """Identifies this attempt, so that a page that got no response may repeat it."""


class StartRequest(_Body):
    """``POST /start``. ``body`` is what the app says about its visitor. Nothing else can be chosen with it."""

    transport: Text | None = None
    """Clients know more transports than this service, such as ``websocket`` and ``livekit``."""
    create_daily_room: Annotated[
        bool | None, Field(validation_alias=AliasChoices("createDailyRoom", "create_daily_room"))
    ] = None
    text_only: Annotated[bool | None, Field(validation_alias=AliasChoices("textOnly", "text_only"))] = None
    """The visitor reads the replies: the agent's audio is silent until a message requests it."""
    body: Annotated[Any, Field(repr=False)] = None
    consent: Text | None = None
    """Version of `/notice` that the visitor agreed to, or was shown."""
    queue: QueueRequest | None = None
    """The client is ready to wait if no slot is free."""
    resume: ResumeRequest | None = None
    """Sent only by pages that can resume; other clients never send it."""
    agent: Text | None = None
    """Id of the agent to talk with; without one it is the default agent."""
    locale: Annotated[Any, Field(repr=False)] = None
    """The browser's locale, such as ``en-US``: its region decides the units of figures."""
    sdp: Annotated[Any, Field(repr=False)] = None
    """Some clients post their offer here if the response to the start named no other URL."""

    @property
    def details(self) -> str:
        """``body`` for the model; see `details.render`."""
        return render(self.body)

    @property
    def chosen_agent(self) -> str | None:
        """The agent to talk with; apps that cannot set their own fields put it into ``body``."""
        return self.agent if self.agent is not None else _agent_in(self.body)

    @property
    def region(self) -> str:
        """The region of the locale; apps that cannot set their own fields put it into ``body``."""
        return region_of(self.locale) or _region_in(self.body)


class RatingRequest(_Body):
    """A visitor's judgement of their conversation."""

    rating: Rating
    """`up` or `down`."""
    comment: Annotated[str, Field(max_length=MAX_COMMENT, repr=False)] = ""
    """What the visitor wrote about it; may follow in a second request."""

    @field_validator("comment")
    @classmethod
    def _stripped(cls, comment: str) -> str:
        return comment.strip()


class OfferRequest(_Body):
    """``POST …/api/offer``. ``pc_id`` names a connection to change, or to replace with ``restart_pc``."""

    sdp: Annotated[str, Field(max_length=MAX_SDP_BYTES)]
    type: Literal["offer"]
    pc_id: Text | None = None
    restart_pc: bool | None = None
    consent: Text | None = None
    """As in a start."""
    agent: Text | None = None
    """As in a start; ignored if a start chose one."""
    request_data: Annotated[Any, Field(repr=False, validation_alias=AliasChoices("request_data", "requestData"))] = None

    @property
    def details(self) -> str:
        """What the app says about its visitor, if it started no session before; see `details.render`."""
        return render(self.request_data)

    @property
    def chosen_agent(self) -> str | None:
        """The agent to talk with, also among these details."""
        return self.agent if self.agent is not None else _agent_in(self.request_data)

    @property
    def region(self) -> str:
        """The region of a locale among these details."""
        return _region_in(self.request_data)


class CallMeRequest(_Body):
    """``POST /call-me``: the visitor wants to be called."""

    number: Annotated[str, Field(max_length=MAX_CHARACTERS_OF_NUMBER, repr=False)]
    """As they typed it."""
    consent: Text | None = None
    """As in a start."""
    agent: Text | None = None
    """Id of the agent whose page asks: its notice is the one that the visitor has seen."""


class Candidate(_Body):
    """One network address of the client; an empty one marks the end of candidates."""

    candidate: Text
    sdp_mid: Text | None = None
    sdp_mline_index: int | None = None


class CandidatesRequest(_Body):
    """``PATCH …/api/offer``: addresses found after the offer was sent."""

    pc_id: Text
    candidates: list[Candidate]


async def read_start(request: Request) -> StartRequest:
    """Read a start request; an empty body, and ``null``, request the defaults.

    Raises:
        ProtocolError: it is not a start request.
    """
    body = (await read_body(request, MAX_BODY_BYTES)).strip()
    wanted = _parse(StartRequest, b"{}" if body in (b"", b"null") else body)
    # Transports from 1.7 on post their offer to the URL that started the session.
    if wanted.sdp is not None:
        raise MisplacedOffer("sdp")
    return _noted(request, wanted, wanted.chosen_agent)


async def read_call_me(request: Request) -> CallMeRequest:
    """Read a request to be called.

    Raises:
        ProtocolError: it is not one.
    """
    # A form of another site can send text, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("content type")
    wanted = _parse(CallMeRequest, await read_body(request, MAX_BODY_BYTES))
    return _noted(request, wanted, wanted.agent)


async def read_leave(request: Request) -> str:
    """Read the ticket of a visitor who leaves the queue.

    Raises:
        ProtocolError: there is none.
    """
    ticket = _parse(QueueRequest, await read_body(request, MAX_BODY_BYTES)).ticket
    if ticket is None:
        raise BadRequest("ticket")
    return ticket


async def read_rating(request: Request) -> RatingRequest:
    """Read a rating.

    Raises:
        ProtocolError: it is not a rating, or the comment is too long.
    """
    return _parse(RatingRequest, await read_body(request, MAX_BODY_BYTES))


async def read_offer(request: Request) -> OfferRequest:
    """Read an offer.

    Raises:
        ProtocolError: it is not an offer.
    """
    offer = _parse(OfferRequest, await read_body(request, MAX_OFFER_BYTES))
    return _noted(request, offer, offer.chosen_agent)


async def read_candidates(request: Request) -> CandidatesRequest:
    """Read network addresses.

    Raises:
        ProtocolError: they are invalid.
    """
    return _parse(CandidatesRequest, await read_body(request, MAX_OFFER_BYTES))


def _noted[B: _Body](request: Request, wanted: B, agent: str | None) -> B:
    """Keep which agent a request is for: a refusal is in its language."""
    request.state.agent = agent
    return wanted


def _agent_in(body: object) -> str | None:
    agent = body.get("agent") if isinstance(body, dict) else None
    # An app may say something else with this word, such as its user agent; that must not fail its start.
    return agent if isinstance(agent, str) and _AGENT_ID.fullmatch(agent) else None


def _region_in(body: object) -> str:
    return region_of(body.get("locale")) if isinstance(body, dict) else ""


def _parse[B: _Body](kind: type[B], body: bytes) -> B:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        # Names of fields only: their values may be someone's address.
        raise BadRequest(", ".join(sorted(_names(error))) or "JSON") from None


def _names(error: ValidationError) -> set[str]:
    issues: list[Any] = error.errors(include_url=False, include_input=False, include_context=False)
    return {str(issue["loc"][0]) for issue in issues if issue["loc"]}
