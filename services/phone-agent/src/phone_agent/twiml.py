"""What Twilio is told to do with a call.

Documents are built as trees, so that no value can become a verb. ``twilio.twiml`` would do the same; it is a thin
layer over the tree used here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from agent_core.errors import ConfigurationError

_STREAM_SCHEMES: Final = {"https": "wss", "http": "ws"}
_DESTINATIONS: Final = {"sip": "Sip", "sips": "Sip", "tel": "Number", "client": "Client"}
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 cannot hold these in any spelling; one of them makes Twilio reject the document (error 12100)."""
TRY_AGAIN: Final = "#ct=2000&rt=3000&rc=3&rp=ct,rt,5xx"
"""Twilio's connection overrides: for some seconds the load balancer may still send requests to a task that has died,
so three more tries, each with a time-out. (twilio.com/docs/usage/webhooks/webhooks-connection-overrides)"""
ACCEPT: Final = timedelta(seconds=7)
"""Time for a key after the whisper's last word."""
_ANSWERED: Final = frozenset({"completed", "answered"})


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a caller gets when the agent is lost.

    Attributes:
        sorry: What is said first.
        destination: Who is called then, ``sip:``, ``sips:`` or ``tel:``; None hangs up instead.
        caller_id: Number shown to the destination; None shows the caller's own.
        ring: How long the destination rings.
        dial_action_url: Where Twilio reports how that ended; None ends the call after it.
        language: Language of what is said.

    Raises:
        ConfigurationError: the destination is of none of these kinds.
    """

    sorry: str = "Sorry, we lost our assistant."
    destination: str | None = None
    caller_id: str | None = None
    ring: timedelta = timedelta(seconds=20)
    dial_action_url: str | None = None
    language: str = "en-US"

    def __post_init__(self) -> None:
        """Refuse a destination that Twilio could not call."""
        if self.destination is not None:
            kind, _, rest = self.destination.partition(":")
            if kind.lower() not in _DESTINATIONS or not rest:
                raise ConfigurationError("FALLBACK_DESTINATION: it must be sip:…, sips:… or tel:…")


@dataclass(frozen=True, slots=True)
class ResumeRedirect:
    """Where a call goes when its conversation is lost and another task may go on with it.

    Attributes:
        url: Asked what to do then. A task that has just died may still be asked, so the address says how often and how
            long Twilio tries (its connection overrides; they are not sent and not signed).
        wait: What is said until the agent is back, which says the rest itself; None says nothing.
    """

    url: str
    wait: str | None = "One moment."


def stream_url(public_base_url: str, call_sid: str) -> str:
    """Return the address of a call's media stream.

    It has no query: Twilio strips it or fails the handshake (error 31920).

    Raises:
        ConfigurationError: the base URL is neither ``http`` nor ``https``.
    """
    base = urlsplit(public_base_url)
    if base.scheme not in _STREAM_SCHEMES:
        raise ConfigurationError("PUBLIC_BASE_URL: it must be http(s)://host")
    path = f"{base.path.rstrip('/')}/media-stream/{quote(call_sid, safe='')}"
    return f"{_STREAM_SCHEMES[base.scheme]}://{base.netloc}{path}"


def answer(  # noqa: PLR0913 - what the document is made of
    url: str,
    ticket: str,
    *,
    fallback: Fallback | ResumeRedirect,
    part: int = 0,
    caller_id: str | None = None,
    note: str | None = None,
    pause: int = 0,
    status_callback_url: str | None = None,
) -> str:
    """Connect the call to its media stream, and leave word with Twilio for when that ends without us.

    Args:
        url: Where Twilio opens the stream, see `stream_url`.
        ticket: Comes back in ``start``.
        fallback: Verbs behind ``<Connect>``. They are in Twilio's hands from now on: they run even if this task dies.
        part: Which stream of the call this is, from 0; comes back in ``start``.
        caller_id: Number of ours to show to a person who is dialled; comes back in ``start``.
        note: Comes back in ``start`` too: what another task has to know of this call.
        pause: Seconds of silence before it is opened.
        status_callback_url: Where Twilio reports the stream; the only place where a failed handshake shows.
    """
    response = Element("Response")
    if pause:
        SubElement(response, "Pause", _attributes(length=str(pause)))
    connect = SubElement(response, "Connect")
    stream = SubElement(connect, "Stream", _attributes(url=url, statusCallback=status_callback_url))
    SubElement(stream, "Parameter", _attributes(name="ticket", value=ticket))
    for name, value in (("part", str(part) if part else None), ("caller_id", caller_id), ("note", note)):
        if value is not None:
            SubElement(stream, "Parameter", _attributes(name=name, value=value))
    if isinstance(fallback, ResumeRedirect):
        if fallback.wait is not None:
            _say(response, fallback.wait)
        SubElement(response, "Redirect", _attributes(method="POST")).text = _xml(fallback.url)
    else:
        _fall_back(response, fallback)
    return _document(response)


def stream_ended(*, normally: bool, fallback: Fallback) -> str:
    """Answer what comes after the stream: nothing more if the conversation was over, else the fallback."""
    response = Element("Response")
    if normally:
        SubElement(response, "Hangup")
    else:
        _fall_back(response, fallback)
    return _document(response)


def transfer(  # noqa: PLR0913 - what the document is made of
    destination: str,
    *,
    headers: Mapping[str, str],
    whisper_url: str,
    action_url: str,
    ring: timedelta,
    caller_id: str | None = None,
) -> str:
    """Dial a person for a caller who is on the line.

    Args:
        destination: ``sip:…``, ``sips:…``, ``tel:…`` or ``client:…``.
        headers: For the invitation of a SIP destination, or parameters for an app; a telephone number takes none.
        whisper_url: Asked when the person has answered; they hear its document before they hear the caller.
        action_url: Asked when that call has ended, and decides what comes next.
        ring: How long the person is rung.
        caller_id: Number shown to the person; None shows the caller's own.
    """
    response = Element("Response")
    attributes = _attributes(timeout=_seconds(ring), answerOnBridge="true", callerId=caller_id, action=action_url)
    dial = SubElement(response, "Dial", attributes)
    kind, _, number = destination.partition(":")
    noun = SubElement(dial, _DESTINATIONS[kind.lower()], _attributes(url=whisper_url))
    if kind.lower() == "tel":
        noun.text = _xml(number)
    elif kind.lower() == "client":
        SubElement(noun, "Identity").text = _xml(number)
        for name, value in headers.items():
            SubElement(noun, "Parameter", _attributes(name=name, value=value))
    else:
        encoded = "&".join(f"{name}={quote(value, safe='')}" for name, value in headers.items())
        noun.text = _xml(f"{destination}?{encoded}" if encoded else destination)
    return _document(response)


def whisper(sentences: Sequence[tuple[str, str]], *, accept_url: str | None = None) -> str:
    """Say to a person who has just answered what the call is about; the caller is connected after it.

    Args:
        sentences: Texts, each with its language.
        accept_url: Requested when the person presses a key, which stops the words; its document connects the two.
            Without a key in time the person's leg ends: a voicemail answered. None connects them in any case.
    """
    response = Element("Response")
    parent = response
    if accept_url is not None:
        # Without finishOnKey="" a # would end the gathering with nothing gathered, and count as no key.
        attributes = _attributes(
            numDigits="1", timeout=_seconds(ACCEPT), finishOnKey="", action=accept_url, method="POST"
        )
        parent = SubElement(response, "Gather", attributes)
    for text, language in sentences:
        _say(parent, text, language)
    if accept_url is not None:
        SubElement(response, "Hangup")
    return _document(response)


def connect_now() -> str:
    """End a whisper: person and caller are connected."""
    return _document(Element("Response"))


def hang_up() -> str:
    """End the call."""
    response = Element("Response")
    SubElement(response, "Hangup")
    return _document(response)


def was_answered(status: str, bridged: str = "true") -> bool:
    """Tell whether somebody talked with the caller.

    Args:
        status: Twilio's ``DialCallStatus``: completed, answered, busy, no-answer, failed or canceled.
        bridged: Its ``DialBridged``. Who answers and hangs up during the whisper has completed a call without a word.
    """
    return status in _ANSWERED and bridged != "false"


def nobody_free(text: str = "Sorry, nobody is free right now. Please call again later.") -> str:
    """Say after a fallback was dialled that nobody talks with the caller, and hang up."""
    return _say_and_hang_up(text)


def time_is_up(text: str = "Sorry, this call has to end now. Goodbye.") -> str:
    """Say goodbye to a call that has lasted as long as a call may last, and hang up."""
    return _say_and_hang_up(text)


def retry_on_another_task(url: str, *, pause: timedelta = timedelta()) -> str:
    """Ask again at once, or after a pause: the load balancer may find another task, and the caller hears it ring.

    Twilio takes a call off the hook at the first verb that makes a sound. A pause before it only delays that.

    Args:
        url: Whom to ask; it may lead to a task that has died, so it is asked as `TRY_AGAIN` says.
        pause: How long before.
    """
    response = Element("Response")
    if pause:
        SubElement(response, "Pause", _attributes(length=str(round(pause.total_seconds()))))
    SubElement(response, "Redirect", _attributes(method="POST")).text = _xml(url + TRY_AGAIN)
    return _document(response)


def put_through(fallback: Fallback) -> str:
    """Put a call through to the fallback without an agent."""
    response = Element("Response")
    _fall_back(response, fallback)
    return _document(response)


def busy(text: str = "All our lines are busy. Please call again in a few minutes.") -> str:
    """Say that no place is free, and hang up. ``<Reject reason="busy">`` would cost less and say less."""
    return _say_and_hang_up(text)


def _say_and_hang_up(text: str) -> str:
    response = Element("Response")
    _say(response, text)
    SubElement(response, "Hangup")
    return _document(response)


def _fall_back(response: Element, fallback: Fallback) -> None:
    """Say sorry, dial if there is somebody, and end: a document that only ran out would look like a mistake."""
    _say(response, fallback.sorry, fallback.language)
    if fallback.destination is not None:
        kind, _, number = fallback.destination.partition(":")
        dial = SubElement(
            response,
            "Dial",
            _attributes(
                timeout=_seconds(fallback.ring),
                answerOnBridge="true",
                callerId=fallback.caller_id,
                action=fallback.dial_action_url,
            ),
        )
        noun = SubElement(dial, _DESTINATIONS[kind.lower()])
        noun.text = _xml(number if kind.lower() in {"tel", "client"} else fallback.destination)
    SubElement(response, "Hangup")


def _say(response: Element, text: str, language: str = "en-US") -> None:
    SubElement(response, "Say", _attributes(language=language)).text = _xml(text)


def _seconds(time: timedelta) -> str:
    return str(round(time.total_seconds()))


def _attributes(**values: str | None) -> dict[str, str]:
    return {name: _xml(value) for name, value in values.items() if value is not None}


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)


def _document(response: Element) -> str:
    document: bytes = tostring(response, encoding="UTF-8", xml_declaration=True)
    return document.decode()
