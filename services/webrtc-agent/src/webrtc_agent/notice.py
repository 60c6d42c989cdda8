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
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from webrtc_agent.errors import NotAgreed
from webrtc_agent.settings import NoticeChoice, WebSettings

_PLACES: Final = {
    "us-east-1": Sentence.PLACE_VIRGINIA,
    "us-west-2": Sentence.PLACE_OREGON,
    "eu-north-1": Sentence.PLACE_STOCKHOLM,
    "ap-northeast-1": Sentence.PLACE_TOKYO,
}
"""Locations of the regions that have the model; other regions are named by their code."""


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
    def of(cls, settings: WebSettings, agent: Agent) -> Self:
        """Return the notice that is true of an agent under the given settings, in its language."""
        say = agent.sentences
        content: dict[str, Any] = {
            "mode": settings.notice.value,
            "operator": settings.operator_name,
            "summary": _summary(settings, say),
            "details": [
                {"title": title, "text": text}
                for title, text in (
                    (say[Sentence.TITLE_NOTICE_AI], say[Sentence.NOTICE_AI]),
                    (say[Sentence.TITLE_NOTICE_OPERATOR], settings.operator_name or say[Sentence.NOTICE_UNNAMED]),
                    (say[Sentence.TITLE_NOTICE_VOICE], _voice(settings, say)),
                    (say[Sentence.TITLE_NOTICE_WAY], _way(settings, say)),
                    (say[Sentence.TITLE_NOTICE_KEPT], _kept(settings, say)),
                    *_recipients(agent),
                    (say[Sentence.TITLE_NOTICE_CALLED], _called(settings, say)),
                )
                if text
            ],
            "phone": settings.operator_phone,
            "rating": settings.ask_for_rating,
            "comment": settings.asks_for_comment,
            "links": [
                {"title": title, "url": str(url)}
                for title, url in (
                    (say[Sentence.LINK_PRIVACY], settings.privacy_url),
                    (say[Sentence.LINK_TERMS], settings.terms_url),
                    (say[Sentence.LINK_CONTACT], settings.contact_url),
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


def _summary(settings: WebSettings, say: Sentences) -> str:
    """Return the essentials in one sentence, in addition to the fact that it is an AI."""
    kind, host = _model(settings)
    sentence = Sentence(f"notice_summary_{kind}{'_logged' if _logs_words(settings) else ''}")
    places = [say[_PLACES[one]] if one in _PLACES else one for one in settings.model_regions]
    return say.say(sentence, host=host, places=_listed(places, say, Sentence.NUMBER_OR))


def _voice(settings: WebSettings, say: Sentences) -> str:
    kind, host = _model(settings)
    regions = [f"{one} ({say[_PLACES[one]]})" if one in _PLACES else one for one in settings.model_regions]
    sentence = Sentence(f"notice_voice_{kind}")
    return say.say(sentence, host=host, regions=_listed(regions, say, Sentence.NUMBER_OR))


def _model(settings: WebSettings) -> tuple[str, str]:
    """Return where the model is, as the keys of the sentences name it, and its host."""
    given = settings.aws_endpoint_url_bedrock_runtime
    host = "" if given is None else given.host or ""
    if host and _is_here(host):
        return "here", host
    if host and "." not in host:
        return "server", host
    is_amazon = not host or host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
    return ("amazon" if is_amazon else "host"), host


def _way(settings: WebSettings, say: Sentences) -> str:
    if settings.uses_daily:
        here = _is_here(settings.daily_api_url.host or "")
        return say[Sentence.NOTICE_WAY_DAILY_HERE if here else Sentence.NOTICE_WAY_DAILY]
    relays = sorted({_relay(url) for server in settings.ice_servers for url in server.for_clients()["urls"]} - {""})
    if not relays:
        return say[Sentence.NOTICE_WAY_DIRECT]
    return say.say(Sentence.NOTICE_WAY_RELAYS, relays=", ".join(relays))


def _listed(items: Iterable[str], say: Sentences, word: Sentence) -> str:
    return f" {say[word]} ".join(items)


def _relay(url: str) -> str:
    scheme, _, rest = url.partition(":")
    return rest.partition("?")[0].rpartition(":")[0] or rest if scheme in ("turn", "turns") else ""


def _kept(settings: WebSettings, say: Sentences) -> str:
    words = say[Sentence.NOTICE_LOGGED if _logs_words(settings) else Sentence.NOTICE_UNRECORDED]
    days = settings.log_retention_days
    figures = (
        say[Sentence.NOTICE_FIGURES]
        if days is None
        else _for_days(say, days, Sentence.NOTICE_FIGURES_DAY, Sentence.NOTICE_FIGURES_DAYS)
    )
    sentences = [words, figures]
    if settings.asks_for_comment:
        kept = settings.comment_retention_days
        sentences.append(_for_days(say, kept, Sentence.NOTICE_COMMENT_DAY, Sentence.NOTICE_COMMENT_DAYS))
    return " ".join(sentences)


def _for_days(say: Sentences, days: int, one: Sentence, many: Sentence) -> str:
    # All seven languages distinguish one from more, and no further numbers below a million.
    return say[one] if days == 1 else say.say(many, days=days)


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
        service = entry.service if usual else _listed(sorted(set(hosts)), agent.sentences, Sentence.LIST_AND)
        yield entry.title, Template(entry.text).safe_substitute(service=service)


def _called(settings: WebSettings, say: Sentences) -> str:
    return say[Sentence.NOTICE_CALLED] if settings.call_me_prefixes else ""


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
