"""Write the notice before a conversation: that it is an AI, who operates it, and what happens to what is said.

Every sentence is derived from the settings that decide it, so that none promises what the service does not do. No I/O.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from string import Template
from typing import Any, Final, Self
from urllib.parse import urlsplit

from agent_core.agents.agent import Agent
from agent_core.events import VisitorConsent
from webrtc_agent.errors import NotAgreed
from webrtc_agent.settings import NoticeChoice, WebSettings

_AI = "You are talking with an AI, a computer program with a synthetic voice. It can be wrong."
_UNNAMED = "The operator of this page has not given a name."
_PLACES: Final = {
    "us-east-1": "Virginia, USA",
    "us-west-2": "Oregon, USA",
    "eu-north-1": "Stockholm, Sweden",
    "ap-northeast-1": "Tokyo, Japan",
}
"""Locations of the regions that have the model; other regions are named by their code."""
_HERE = "on this computer, by a stand-in for the speech model"


@dataclass(frozen=True)
class Notice:
    """The notice of one service.

    Attributes:
        version: Changes with every word of it.
        asks: Whether the visitor must agree before anything starts.
        shown: What the page receives.
    """

    version: str
    asks: bool
    shown: dict[str, Any]

    @classmethod
    def of(cls, settings: WebSettings, agents: Iterable[Agent] = ()) -> Self:
        """Return the notice that is true under the given settings, for a service with these agents."""
        content: dict[str, Any] = {
            "mode": settings.notice.value,
            "operator": settings.operator_name,
            "summary": _summary(settings),
            "details": [
                {"title": title, "text": text}
                for title, text in (
                    ("An AI", _AI),
                    ("Who runs it", settings.operator_name or _UNNAMED),
                    ("Your voice", _voice(settings)),
                    ("The way there", _way(settings)),
                    ("What is kept", _kept(settings)),
                    *(entry for agent in agents for entry in _recipients(agent)),
                    ("Being called", _called(settings)),
                )
                if text
            ],
            "phone": settings.operator_phone,
            "rating": settings.ask_for_rating,
            "comment": settings.asks_for_comment,
            "links": [
                {"title": title, "url": str(url)}
                for title, url in (
                    ("Privacy", settings.privacy_url),
                    ("Terms", settings.terms_url),
                    ("Contact", settings.contact_url),
                )
                if url is not None
            ],
        }
        if settings.call_me_prefixes:
            # The page offers it, and says which numbers and who will be calling.
            content["call_me"] = {"prefixes": list(settings.call_me_prefixes), "from": settings.call_me_from}
        # A digest, because tasks must agree on the version without sharing state.
        version = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        return cls(version, settings.notice is NoticeChoice.CONSENT, {"version": version, **content})

    def accept(self, version: str | None) -> VisitorConsent | None:
        """Return what to record of a visitor who has seen some version.

        Raises:
            NotAgreed: consent is required, and was not given to this version.
        """
        if version == self.version:
            return VisitorConsent(self.version, time.time())
        if self.asks:
            raise NotAgreed("consent")
        return None


def _summary(settings: WebSettings) -> str:
    """Return the essentials in one sentence, in addition to the fact that it is an AI."""
    words = "written to a log" if _logs_words(settings) else "not recorded"
    return f"What you say is processed {_where(settings, short=True)} and is {words}."


def _voice(settings: WebSettings) -> str:
    where = _where(settings)
    if where == _HERE:
        return f"It is processed {_HERE}."
    return f"It is processed {where}, only while you talk."


def _where(settings: WebSettings, *, short: bool = False) -> str:
    given = settings.aws_endpoint_url_bedrock_runtime
    host = "" if given is None else given.host or ""
    if host and _is_here(host):
        return "on this computer" if short else _HERE
    if host and "." not in host:
        return f"by {host}, a server of this installation"
    if host and not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        return f"at {host}"
    if short:
        return f"by Amazon in {' or '.join(_PLACES.get(one, one) for one in settings.model_regions)}"
    regions = " or ".join(f"{one} ({_PLACES[one]})" if one in _PLACES else one for one in settings.model_regions)
    return f"by Amazon Bedrock's speech model in the AWS region {regions}"


def _way(settings: WebSettings) -> str:
    if settings.uses_daily:
        if _is_here(settings.daily_api_url.host or ""):
            return "Sound and messages travel through a stand-in for Daily on this computer."
        return "Sound and messages travel encrypted through servers of Daily (daily.co), which carries the call."
    relays = sorted({_relay(url) for server in settings.ice_servers for url in server.for_clients()["urls"]} - {""})
    by = f", and where a network lets nothing else through by {', '.join(relays)}" if relays else ""
    return f"Sound and messages travel encrypted between your browser and this service{by}."


def _relay(url: str) -> str:
    scheme, _, rest = url.partition(":")
    return rest.partition("?")[0].rpartition(":")[0] or rest if scheme in ("turn", "turns") else ""


def _kept(settings: WebSettings) -> str:
    words = (
        "What is said is written to the service's log as text; no audio is recorded."
        if _logs_words(settings)
        else "No audio is recorded, and what is said is not written down."
    )
    days = settings.log_retention_days
    time = "as long as its operator decides" if days is None else _days(days)
    comment = (
        f" A comment that you write after it is kept for {_days(settings.comment_retention_days)}, for its operator."
        if settings.asks_for_comment
        else ""
    )
    return f"{words} The log holds figures of each conversation, such as its time and length, for {time}.{comment}"


def _days(days: int) -> str:
    return "a day" if days == 1 else f"{days} days"


def _recipients(agent: Agent) -> Iterator[tuple[str, str]]:
    """Return title and text for each service that receives data from the agent's tools."""
    for entry in agent.file.notice:
        # Every address gets the data, so all their hosts must be named.
        hosts = [urlsplit(agent.variables.get(name, "")).hostname or "" for name in entry.urls]
        # An address of IPv6 is written in brackets wherever a host is.
        hosts = [f"[{host}]" if ":" in host else host for host in hosts]
        if entry.text_here is not None and all(map(_is_here, hosts)):
            yield entry.title, entry.text_here
            continue
        usual = all(host == entry.hosts or host.endswith(f".{entry.hosts}") for host in hosts)
        service = entry.service if usual else " and ".join(sorted(set(hosts)))
        yield entry.title, Template(entry.text).safe_substitute(service=service)


def _called(settings: WebSettings) -> str:
    if not settings.call_me_prefixes:
        return ""
    return (
        "If you ask to be called, Twilio receives your number and carries the call. This service does not keep it; "
        "for a day it keeps a code made from it, which only limits how often a number is called."
    )


def _logs_words(settings: WebSettings) -> bool:
    """Return whether ``LOG_LEVEL`` causes transcripts to be logged."""
    return settings.log_level == "DEBUG"


def _is_here(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ip_address(urlsplit(f"//{host}").hostname or "").is_loopback
    except ValueError:
        # Other names are not resolved: the notice must not depend on the network.
        return host == "localhost"
