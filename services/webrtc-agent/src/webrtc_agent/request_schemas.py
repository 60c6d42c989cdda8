"""What Pipecat's clients send, read within bounds."""

from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from agent_core.units import region_of
from agent_core.web import read_body
from webrtc_agent.details import render
from webrtc_agent.errors import BadRequest, MisplacedOffer
from webrtc_agent.queue_ticket import MAX_CHARACTERS

MAX_SDP_BYTES = 64 * 1024
"""A browser's offer with sound, camera and screen takes about 8 KB, and half a KB more for each address of a laptop."""
MAX_OFFER_BYTES = 80 * 1024
"""The offer as JSON, in which each line's end takes four bytes; or the candidates that follow it."""
MAX_BODY_BYTES = 16 * 1024

type Text = Annotated[str, Field(max_length=1024)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class QueueRequest(_Body):
    """A client that waits: with no ticket yet, or with that of the answer before."""

    ticket: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None


class ResumeRequest(_Body):
    """What a page says that can come back to a conversation: nothing, or what it was given for that."""

    token: Annotated[str | None, Field(max_length=128, repr=False)] = None
    """Of the conversation that it comes back to."""
    attempt: Annotated[str, Field(max_length=128, repr=False)] = ""
    """Names this attempt, so that a page that got no answer may ask again."""


class StartRequest(_Body):
    """``POST /start``. ``body`` is what the app says about its visitor. Nothing else can be chosen by one."""

    transport: Text | None = None
    """Clients know more of them than this service, such as ``websocket`` and ``livekit``."""
    create_daily_room: Annotated[
        bool | None, Field(validation_alias=AliasChoices("createDailyRoom", "create_daily_room"))
    ] = None
    text_only: Annotated[bool | None, Field(validation_alias=AliasChoices("textOnly", "text_only"))] = None
    """The visitor reads the answers: the agent's audio is silent until a message asks for it."""
    body: Annotated[Any, Field(repr=False)] = None
    consent: Text | None = None
    """Version of `/notice` that the visitor agreed to, or was shown."""
    queue: QueueRequest | None = None
    """The client is ready to wait where no place is free."""
    resume: ResumeRequest | None = None
    """Only pages that can come back send it; no client of others does."""
    locale: Annotated[Any, Field(repr=False)] = None
    """The browser's, such as ``en-US``: its region decides the units of the weather."""
    sdp: Annotated[Any, Field(repr=False)] = None
    """Some clients post their offer here when the answer to the start named no other address."""

    @property
    def details(self) -> str:
        """``body`` for the model; see `details.render`."""
        return render(self.body)

    @property
    def region(self) -> str:
        """The region of the locale, which apps that cannot set fields of their own put into ``body``."""
        return region_of(self.locale) or _region_in(self.body)


class OfferRequest(_Body):
    """``POST …/api/offer``. ``pc_id`` names a connection that is to be changed, or made anew with ``restart_pc``."""

    sdp: Annotated[str, Field(max_length=MAX_SDP_BYTES)]
    type: Literal["offer"]
    pc_id: Text | None = None
    restart_pc: bool | None = None
    consent: Text | None = None
    """As in a start."""
    request_data: Annotated[Any, Field(repr=False, validation_alias=AliasChoices("request_data", "requestData"))] = None

    @property
    def details(self) -> str:
        """What the app says about its visitor, where it started no session before; see `details.render`."""
        return render(self.request_data)

    @property
    def region(self) -> str:
        """The region of a locale among these details."""
        return _region_in(self.request_data)


class Candidate(_Body):
    """One network address of the client; an empty one says that no more will come."""

    candidate: Text
    sdp_mid: Text | None = None
    sdp_mline_index: int | None = None


class CandidatesRequest(_Body):
    """``PATCH …/api/offer``: addresses found after the offer was sent."""

    pc_id: Text
    candidates: list[Candidate]


async def read_start(request: Request) -> StartRequest:
    """Read a start; an empty body, and ``null``, ask for what there is.

    Raises:
        ProtocolError: it is no start.
    """
    body = (await read_body(request, MAX_BODY_BYTES)).strip()
    wanted = _parse(StartRequest, b"{}" if body in (b"", b"null") else body)
    if wanted.sdp is not None:
        raise MisplacedOffer("sdp")
    return wanted


async def read_leave(request: Request) -> str:
    """Read the ticket of a visitor who leaves the queue.

    Raises:
        ProtocolError: there is none.
    """
    ticket = _parse(QueueRequest, await read_body(request, MAX_BODY_BYTES)).ticket
    if ticket is None:
        raise BadRequest("ticket")
    return ticket


async def read_offer(request: Request) -> OfferRequest:
    """Read an offer.

    Raises:
        ProtocolError: it is no offer.
    """
    return _parse(OfferRequest, await read_body(request, MAX_OFFER_BYTES))


async def read_candidates(request: Request) -> CandidatesRequest:
    """Read addresses.

    Raises:
        ProtocolError: they are none.
    """
    return _parse(CandidatesRequest, await read_body(request, MAX_OFFER_BYTES))


def _region_in(body: object) -> str:
    return region_of(body.get("locale")) if isinstance(body, dict) else ""


def _parse[B: _Body](kind: type[B], body: bytes) -> B:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        # Names of fields only: what stands in them may be somebody's address.
        raise BadRequest(", ".join(sorted(_names(error))) or "JSON") from None


def _names(error: ValidationError) -> set[str]:
    issues: list[Any] = error.errors(include_url=False, include_input=False, include_context=False)
    return {str(issue["loc"][0]) for issue in issues if issue["loc"]}
