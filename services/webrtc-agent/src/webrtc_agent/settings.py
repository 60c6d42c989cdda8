"""What an operator of the web service can turn, beside what both services share."""

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    IPvAnyAddress,
    SecretStr,
    UrlConstraints,
)
from pydantic_settings import NoDecode

from agent_core.destinations import check_address
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings


class TransportChoice(StrEnum):
    """How the sound of a visitor travels: AUTO is Daily where it has a key, peer to peer otherwise."""

    AUTO = "auto"
    WEBRTC = "webrtc"
    DAILY = "daily"


class NoticeChoice(StrEnum):
    """What the page asks for: NOTICE tells, CONSENT starts nothing before the visitor has agreed."""

    NOTICE = "notice"
    CONSENT = "consent"


class IceServer(BaseModel):
    """A STUN or TURN server as browsers take it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: Annotated[str | list[str], Field(min_length=1)]
    username: str | None = None
    credential: str | None = None

    def for_clients(self) -> dict[str, Any]:
        """Return it as every client reads it: iOS and Android accept a list of ``urls`` and nothing else."""
        urls = [self.urls] if isinstance(self.urls, str) else self.urls
        return self.model_dump(exclude_none=True) | {"urls": urls}


def _words(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _origins(given: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what no browser sends as an origin, and so would match none."""
    for one in given:
        parts = urlsplit(one)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("origins such as https://example.com, without a path, separated by commas")
    return given


def _number(value: str) -> str:
    return check_address(f"tel:{value}").removeprefix("tel:")


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("one line of text, without spaces at its ends")
    return text


type Link = Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"], max_length=300)]
"""An address that the page links to."""


class WebSettings(CoreSettings):
    """Settings of the web service."""

    max_sessions: Annotated[int, Field(ge=1, le=1000)] = 8
    """Conversations at once in this task. Each uses about 10 % of a core (SRTP and Opus)."""
    transport: TransportChoice = TransportChoice.AUTO
    """How audio travels: ``webrtc`` (peer to peer), ``daily``, or ``auto``: Daily if DAILY_API_KEY is set."""
    daily_api_key: SecretStr | None = None
    """Key of the Daily account in which rooms are created."""
    daily_api_url: HttpUrl = HttpUrl("https://api.daily.co/v1")
    """Daily's REST API."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_origins)] = ()
    """Other sites whose pages may start sessions: origins such as ``https://example.com``, separated by commas."""
    ice_servers: tuple[IceServer, ...] = ()
    """STUN and TURN servers for the visitor's browser, as JSON: ``[{"urls": "turn:…", "username": …}]``. Not needed on
    one machine or network."""
    ice_hosts: Annotated[tuple[IPvAnyAddress, ...], NoDecode, BeforeValidator(_words)] = ()
    """Addresses to offer for peer-to-peer audio, separated by commas. Without it, those of all network interfaces
    except loopback. ``127.0.0.1`` keeps audio on this machine, and works if there is no other interface."""
    ice_advertised_hosts: Annotated[tuple[IPvAnyAddress, ...], NoDecode, BeforeValidator(_words)] = ()
    """Further addresses to offer for peer-to-peer audio, separated by commas: of a machine that forwards the same UDP
    ports to this service, as Docker does with published ports."""
    callback_number: Annotated[str, AfterValidator(_number)] | None = None
    """Number that the page shows a visitor who wants a person, as ``+`` and digits. It replaces each of
    TRANSFER_DESTINATIONS that has no number of its own."""
    callback_request_url: HttpUrl | None = None
    """Page on which a visitor can request a call; shown beside the number."""
    notice: NoticeChoice = NoticeChoice.NOTICE
    """What visitors see before they talk. ``notice`` informs them that they talk to an AI and what happens to their
    words; by talking they agree. ``consent`` starts no conversation, for any client, before the visitor has agreed."""
    operator_name: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)] | None = None
    """Who runs the agent, as the page names them."""
    operator_phone: Annotated[str, AfterValidator(_number)] | None = None
    """Number that the page shows in the notice, and when no slot is free, as ``+`` and digits."""
    privacy_url: Link | None = None
    """The operator's privacy statement, `https://…`; linked in the notice, as are the next two."""
    terms_url: Link | None = None
    """The operator's terms of use, `https://…`."""
    contact_url: Link | None = None
    """Page with the operator's contact details, ``https://…``."""
    log_retention_days: Annotated[int, Field(ge=1, le=3653)] | None = None
    """How long the log, and with it the call detail records, is kept where this service runs; shown in the notice.
    This setting deletes nothing. Without it, the notice says that the operator decides."""
    resume_seconds: Annotated[int, Field(ge=0, le=600)] = 120
    """How long the page tries to resume a conversation whose connection broke; the service waits a little longer. 0
    ends a conversation with its connection."""
    serve_console: bool = False
    """Serve ``/console``, a page for developers. ``make run`` and compose turn it on."""
    keep_request_open: bool = False
    """Keep a request to itself open through PUBLIC_BASE_URL while this task has visitors. Behind a load balancer that
    drains a task before it is stopped, ECS then waits for the visitors."""
    rate_limit_starts_per_minute_per_address: Annotated[int, Field(ge=1, le=10_000)] = 15
    """Sessions that one address can start in a minute. A whole office often has one address: this is about twice the
    slots of a task, and half of what all addresses can start."""
    rate_limit_starts_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Sessions in a minute from which on the networks that have started the most are rejected."""
    arrivals_per_address: Annotated[int, Field(ge=1, le=1000)] = 2
    """Visitors of one address whose connections are in progress at a time, which takes a second or two each. They hold
    no slot yet. A further one is asked to retry in a few seconds."""
    max_waiting: Annotated[int, Field(ge=0, le=100)] = 20
    """Visitors who can wait for a slot at a time, across all tasks; the page shows each its position in the queue. 0
    asks them to try again instead."""
    waiting_per_address: Annotated[int, Field(ge=1, le=100)] = 5
    """The same from one address."""
    rate_limit_requests_per_minute_per_address: Annotated[int, Field(ge=10, le=1_000_000)] = 1200
    """Requests of any kind that one address can make in a minute, a third of them at once; each 32 KB of a response
    count as one more. Loading the page counts as about twenty. A /24 of IPv4 or a /48 of IPv6 can make four times as
    many."""

    @property
    def uses_daily(self) -> bool:
        """Whether sound travels through Daily.

        Raises:
            ConfigurationError: it should, and there is no key.
        """
        if self.transport is TransportChoice.DAILY and self.daily_api_key is None:
            raise ConfigurationError("set DAILY_API_KEY, or TRANSPORT to webrtc")
        return self.transport is not TransportChoice.WEBRTC and self.daily_api_key is not None
