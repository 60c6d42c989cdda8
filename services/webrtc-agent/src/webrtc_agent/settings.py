"""Define the web service's settings, in addition to those that both services share."""

import re
from dataclasses import dataclass
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
from agent_core.settings import CoreSettings, web_address


class TransportChoice(StrEnum):
    """How a visitor's audio travels: AUTO uses Daily if there is an API key, otherwise peer to peer."""

    AUTO = "auto"
    WEBRTC = "webrtc"
    DAILY = "daily"


class NoticeChoice(StrEnum):
    """What the page requires: NOTICE informs, CONSENT starts nothing before the visitor has agreed."""

    NOTICE = "notice"
    CONSENT = "consent"


class IceServer(BaseModel):
    """A STUN or TURN server in the format of browsers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: Annotated[str | list[str], Field(min_length=1)]
    username: str | None = None
    credential: str | None = None

    def for_clients(self) -> dict[str, Any]:
        """Return it in the format of all clients: iOS and Android accept only a list of ``urls``."""
        urls = [self.urls] if isinstance(self.urls, str) else self.urls
        return self.model_dump(exclude_none=True) | {"urls": urls}


# `NoDecode` turns JSON off for the fields that use this: operators write plain lists.
def _words(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _origins(given: tuple[str, ...]) -> tuple[str, ...]:
    """Reject values that no browser sends as an origin and that would never match."""
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


def _prefixes(given: tuple[str, ...]) -> tuple[str, ...]:
    """Reject what cannot be the start of a number: ``46`` would match nothing, and ``+`` everything."""
    for one in given:
        if not re.fullmatch(r"\+[1-9][0-9]{0,7}", one):
            raise ValueError("first digits of numbers, each with +, such as +46 or +4670, separated by commas")
    return given


@dataclass(frozen=True, slots=True)
class CallMeSettings:
    """What placing calls needs.

    Attributes:
        account_sid: Of Twilio.
        api_sid: API key.
        api_secret: Its secret.
        api_url: Base URL of Twilio's REST API.
        caller: Number that the called person sees.
        phone_url: Public URL of the phone service, without a trailing slash.
    """

    account_sid: str
    api_sid: str
    api_secret: SecretStr
    api_url: str
    caller: str
    phone_url: str


type Link = Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"], max_length=300)]
"""A URL that the page links to."""


class WebSettings(CoreSettings):
    """Settings of the web service."""

    max_sessions: Annotated[int, Field(ge=1, le=1000)] = 8
    """Concurrent conversations in this task. Each uses about 10 % of a core (SRTP and Opus)."""
    transport: TransportChoice = TransportChoice.AUTO
    """How audio travels: ``webrtc`` (peer to peer), ``daily``, or ``auto``: Daily if DAILY_API_KEY is set."""
    daily_api_key: SecretStr | None = None
    """API key of the Daily account in which the rooms are created."""
    daily_api_url: HttpUrl = HttpUrl("https://api.daily.co/v1")
    """URL of Daily's REST API."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_origins)] = ()
    """Other sites whose pages may start sessions: origins such as ``https://example.com``, comma-separated."""
    ice_servers: tuple[IceServer, ...] = ()
    """STUN and TURN servers for the visitor's browser, as JSON: ``[{"urls": "turn:…", "username": …}]``. Not needed on
    a single machine or network.
    """
    ice_hosts: Annotated[tuple[IPvAnyAddress, ...], NoDecode, BeforeValidator(_words)] = ()
    """Addresses to offer for peer-to-peer audio, comma-separated; an empty list offers those of all network interfaces
    except loopback. ``127.0.0.1`` restricts audio to this machine, and works without any other interface.
    """
    ice_advertised_hosts: Annotated[tuple[IPvAnyAddress, ...], NoDecode, BeforeValidator(_words)] = ()
    """Further addresses to advertise for peer-to-peer audio, comma-separated: of a machine that forwards the same UDP
    ports to this service, as Docker does with published ports.
    """
    callback_number: Annotated[str, AfterValidator(_number)] | None = None
    """Number that the page shows a visitor who wants a person, as ``+`` and digits. Used for every entry of
    TRANSFER_DESTINATIONS without a number of its own.
    """
    callback_request_url: HttpUrl | None = None
    """Page where a visitor can request a call; shown beside the number."""
    call_me_prefixes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_prefixes)] = ()
    """First digits of the numbers that visitors may ask to be called at, such as ``+46,+4917``, comma-separated. Empty
    calls no one. Anyone can type any number, so keep it as narrow as your visitors allow, and Twilio's geographic
    permissions too. Premium-rate numbers are refused in any case.
    """
    call_me_from: Annotated[str, AfterValidator(_number)] | None = None
    """Number that a called visitor sees, as ``+`` and digits: one of the Twilio account, or verified by it. Required
    with CALL_ME_PREFIXES, as are the next three.
    """
    call_me_account_sid: Annotated[str, Field(pattern="^AC[0-9a-fA-F]{32}$")] | None = None
    """Twilio account that places these calls; the phone service's."""
    call_me_api_sid: Annotated[str, Field(pattern="^(SK|AC)[0-9a-fA-F]{32}$")] | None = None
    """API key that places these calls: a restricted one that may create calls and nothing else."""
    call_me_api_secret: SecretStr | None = None
    """Secret of this API key."""
    call_me_api_url: HttpUrl = HttpUrl("https://api.twilio.com")
    """Base URL of Twilio's REST API: another region's, or a stand-in's."""
    call_me_phone_url: Annotated[str, AfterValidator(web_address)] | None = None
    """PUBLIC_BASE_URL of the phone service, which answers these calls; None if it is the same as this one's."""
    call_me_per_number: Annotated[int, Field(ge=1, le=20)] = 3
    """Most calls to one number within 24 hours, over all tasks that share the CALL_STORE."""
    call_me_per_day: Annotated[int, Field(ge=1, le=200)] = 50
    """Most calls to all numbers within 24 hours, likewise: this limits what abuse can cost."""
    notice: NoticeChoice = NoticeChoice.NOTICE
    """What visitors see before they talk: `notice` informs them that they talk with an AI and what happens to their
    words, and talking implies consent; `consent` starts nothing, for any client, before they have agreed.
    """
    operator_name: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)] | None = None
    """Who operates the agent, as shown on the page."""
    operator_phone: Annotated[str, AfterValidator(_number)] | None = None
    """Number that the page offers a visitor who finds no free slot, and in the notice, as ``+`` and digits."""
    privacy_url: Link | None = None
    """The operator's privacy statement, `https://…`; linked in the notice, as are the next two."""
    terms_url: Link | None = None
    """The operator's terms of use, `https://…`."""
    contact_url: Link | None = None
    """Page where the operator can be contacted, `https://…`."""
    log_retention_days: Annotated[int, Field(ge=1, le=3653)] | None = None
    """How long the log, including the end records, is kept where this service runs, as stated in the notice. It deletes
    nothing. None states that the operator decides.
    """
    ask_for_rating: bool = True
    """Whether the page asks for a rating after a conversation. It is a log event, ``session_rated``, and a metric."""
    comment_retention_days: Annotated[int, Field(ge=0, le=365)] = 30
    """How long a comment with a rating is kept in CALL_STORE, where ``python -m webrtc_agent.comments`` reads it. The
    notice says so. 0, or CALL_STORE=none, asks for no comment.
    """
    resume_seconds: Annotated[int, Field(ge=0, le=600)] = 120
    """How long the page tries to resume a conversation whose connection broke; the service waits a little longer. 0
    ends a conversation with its connection.
    """
    serve_console: bool = False
    """Whether ``/console``, a page for developers, is served. ``make run`` and compose enable it."""
    keep_request_open: bool = False
    """Whether this task, while it has visitors, keeps a request to itself open through PUBLIC_BASE_URL. Behind a load
    balancer that drains a task before it is stopped, ECS then waits for the visitors.
    """
    rate_limit_starts_per_minute_per_address: Annotated[int, Field(ge=1, le=10_000)] = 15
    """Sessions that one address may start per minute. A whole office often has one address: this is about twice the
    slots of a task, and half of what all addresses may start.
    """
    rate_limit_starts_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Sessions per minute above which the networks that have started most are refused."""
    arrivals_per_address: Annotated[int, Field(ge=1, le=1000)] = 2
    """Most visitors of one address who may be connecting at a time, which takes a second or two each. They hold no slot
    yet. Further ones are asked to retry in a few seconds.
    """
    max_waiting: Annotated[int, Field(ge=0, le=100)] = 20
    """Most visitors waiting for a slot at a time, over all tasks; the page shows each the position in the queue. 0 asks
    them to retry.
    """
    waiting_per_address: Annotated[int, Field(ge=1, le=100)] = 5
    """The same per address."""
    rate_limit_requests_per_minute_per_address: Annotated[int, Field(ge=10, le=1_000_000)] = 1200
    """Requests of any kind that one address may make per minute, a third of them at once; each 32 KB of a response
    count as one more. Loading the page counts for about twenty. A /24 of IPv4 or a /48 of IPv6 may make four times as
    many.
    """

    @property
    def asks_for_comment(self) -> bool:
        """Whether the page asks for a comment: only where an operator can read it later."""
        return self.ask_for_rating and self.comment_retention_days > 0 and self.call_store != "none"

    @property
    def call_me(self) -> CallMeSettings | None:
        """What placing calls needs; None if visitors are not called.

        Raises:
            ConfigurationError: something is missing.
        """
        if not self.call_me_prefixes:
            return None
        caller, account_sid = self.call_me_from, self.call_me_account_sid
        api_sid, api_secret = self.call_me_api_sid, self.call_me_api_secret
        if caller is None or account_sid is None or api_sid is None or api_secret is None:
            raise ConfigurationError(
                "CALL_ME_PREFIXES: set CALL_ME_FROM, CALL_ME_ACCOUNT_SID, CALL_ME_API_SID and CALL_ME_API_SECRET too"
            )
        phone_url = (self.call_me_phone_url or self.base_url).rstrip("/")
        api_url = str(self.call_me_api_url).rstrip("/")
        return CallMeSettings(account_sid, api_sid, api_secret, api_url, caller, phone_url)

    @property
    def uses_daily(self) -> bool:
        """Whether audio travels through Daily.

        Raises:
            ConfigurationError: it should, but there is no API key.
        """
        # A fallback to peer to peer would fail silently in networks for which Daily was chosen.
        if self.transport is TransportChoice.DAILY and self.daily_api_key is None:
            raise ConfigurationError("set DAILY_API_KEY, or TRANSPORT to webrtc")
        return self.transport is not TransportChoice.WEBRTC and self.daily_api_key is not None
