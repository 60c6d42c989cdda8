"""Build TwiML documents with ``twilio.twiml``: what Twilio does with a call.

The library builds a tree, so no value can become a verb. It leaves in characters that XML forbids; `_document` removes
them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from twilio.twiml.voice_response import Dial, VoiceResponse

from agent_core.errors import ConfigurationError
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences

_STREAM_SCHEMES: Final = {"https": "wss", "http": "ws"}
_DESTINATIONS: Final = frozenset({"sip", "sips", "tel", "client"})
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|&#5[5-7][0-9]{3};")
"""Characters that XML 1.0 cannot contain; one of them makes Twilio reject the document (error 12100). The library
writes a control character unchanged, and an unpaired surrogate as a reference; it writes no other reference above 13.
"""
TRY_AGAIN: Final = "#ct=2000&rt=3000&rc=3&rp=ct,rt,5xx"
"""Twilio's connection overrides: for some seconds the load balancer may still send requests to a task that has died,
so Twilio retries three times, each with a timeout. (twilio.com/docs/usage/webhooks/webhooks-connection-overrides)
"""
ACCEPT: Final = timedelta(seconds=7)
"""Time to press a key after the whisper's last word."""
VOICES: Final = {"es-US": "Polly.Lupe", "hi-IN": "Polly.Aditi"}
"""Voices for the languages that Twilio's default voice does not speak: of an unsupported one it skips the sentence. The
others are read by the voice that the account has chosen. (twilio.com/docs/voice/twiml/say/text-speech)
"""
_ANSWERED: Final = frozenset({"completed", "answered"})


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a caller hears, and who is called, when the agent is lost.

    Attributes:
        sorry: The first sentence.
        destination: Address to dial, ``sip:``, ``sips:``, ``tel:`` or ``client:``; None hangs up instead.
        caller_id: Number shown to the destination; None shows the caller's own.
        ring: How long the destination rings.
        dial_action_url: Where Twilio reports the result of the dial; None ends the call after it.
        language: Language of the sentence, a BCP 47 tag.

    Raises:
        ConfigurationError: the destination is of none of these kinds.
    """

    sorry: str = field(default_factory=lambda: Sentences.of()[Sentence.SORRY])
    destination: str | None = None
    caller_id: str | None = None
    ring: timedelta = timedelta(seconds=20)
    dial_action_url: str | None = None
    language: str = "en-US"

    def __post_init__(self) -> None:
        """Reject a destination that Twilio cannot call."""
        if self.destination is not None:
            kind, _, rest = self.destination.partition(":")
            if kind.lower() not in _DESTINATIONS or not rest:
                raise ConfigurationError("FALLBACK_DESTINATION: it must be sip:…, sips:…, tel:… or client:…")


@dataclass(frozen=True, slots=True)
class ResumeRedirect:
    """Where a call goes when its conversation is lost and another task may continue it.

    Attributes:
        url: Webhook URL that decides what comes next. The load balancer may still route it to a task that has just
            died, so the URL says how often and how long Twilio retries (connection overrides; they are not sent and
            not signed).
        wait: What the caller hears until the agent is back, which says the rest; None says nothing.
        language: Language of that sentence.
    """

    url: str
    wait: str | None = field(default_factory=lambda: Sentences.of()[Sentence.WAIT])
    language: str = "en-US"


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


def answer(  # noqa: PLR0913 - the parts of the document
    url: str,
    ticket: str,
    *,
    fallback: Fallback | ResumeRedirect,
    part: int = 0,
    caller_id: str | None = None,
    agent: str | None = None,
    note: str | None = None,
    pause: int = 0,
    status_callback_url: str | None = None,
) -> str:
    """Connect a call to its media stream, with the verbs that Twilio runs when the stream ends.

    ``<Connect>`` has no ``action``: with one, Twilio would ignore the verbs behind it.

    Args:
        url: Where Twilio opens the stream, see `stream_url`.
        ticket: Comes back in ``start``.
        fallback: Verbs behind ``<Connect>``. Twilio keeps them: they run even if this task dies.
        part: Which stream of the call this is, from 0; comes back in ``start``.
        caller_id: The service's number, as the caller ID for a dialled person; comes back in ``start``.
        agent: Which agent answers, and in which version; comes back in ``start``.
        note: Comes back in ``start`` too: what another task must know about this call.
        pause: Seconds of silence before it is opened.
        status_callback_url: Where Twilio reports the stream; the only place where a failed handshake shows.
    """
    response = VoiceResponse()
    if pause:
        response.pause(length=pause)
    stream = response.connect().stream(url=url, status_callback=status_callback_url)
    brought = {"ticket": ticket, "part": part or None, "caller_id": caller_id, "agent": agent, "note": note}
    for name, value in brought.items():
        if value is not None:
            stream.parameter(name=name, value=value)
    if isinstance(fallback, ResumeRedirect):
        if fallback.wait is not None:
            _say(response, fallback.wait, fallback.language)
        response.redirect(fallback.url, method="POST")
    else:
        _fall_back(response, fallback)
    return _document(response)


def stream_ended(*, normally: bool, fallback: Fallback) -> str:
    """Hang up after a stream whose conversation was over, otherwise run the fallback."""
    return hang_up() if normally else put_through(fallback)


def transfer(  # noqa: PLR0913 - the parts of the document
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
        headers: For the INVITE of a SIP destination, or parameters for an app; a telephone number takes none.
        whisper_url: Webhook URL for when the person has answered; they hear its document before they hear the caller.
        action_url: Webhook URL for when the dial has ended; it decides what comes next.
        ring: How long the person's phone rings.
        caller_id: Number shown to the person; None shows the caller's own.
    """
    response = VoiceResponse()
    dial = _dial(response, ring, caller_id, action_url)
    kind, _, number = destination.partition(":")
    match kind.lower():
        case "tel":
            dial.number(number, url=whisper_url)
        case "client":
            client = dial.client(url=whisper_url)
            client.identity(number)
            for name, value in headers.items():
                client.parameter(name=name, value=value)
        case _:
            encoded = "&".join(f"{name}={quote(value, safe='')}" for name, value in headers.items())
            dial.sip(f"{destination}?{encoded}" if encoded else destination, url=whisper_url)
    return _document(response)


def whisper(sentences: Sequence[tuple[str, str]], *, accept_url: str | None = None) -> str:
    """Say to a person who has just answered what the call is about; the caller is connected after it.

    Args:
        sentences: Texts, each with its language.
        accept_url: Webhook URL for when the person presses a key, which stops the words; its document connects the
            two. Without a key in time the person's leg ends: a voicemail answered. None connects them in any case.
    """
    response = VoiceResponse()
    parent = response
    if accept_url is not None:
        # Without finishOnKey="" a # would end the gathering without digits, and not count as a key.
        parent = response.gather(
            num_digits=1, timeout=_seconds(ACCEPT), finish_on_key="", action=accept_url, method="POST"
        )
    for text, language in sentences:
        _say(parent, text, language)
    if accept_url is not None:
        response.hangup()
    return _document(response)


def connect_now() -> str:
    """End a whisper: connect person and caller."""
    return _document(VoiceResponse())


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return _document(response)


def was_answered(status: str, bridged: str = "true") -> bool:
    """Return whether the dialled person talked with the caller.

    Args:
        status: Twilio's ``DialCallStatus``: completed, answered, busy, no-answer, failed or canceled.
        bridged: Its ``DialBridged``. A person who answers and hangs up during the whisper has completed a call without
            a word.
    """
    return status in _ANSWERED and bridged != "false"


def hang_up_after(sentence: str, language: str = "en-US") -> str:
    """Say a sentence, and hang up. ``<Reject reason="busy">`` would cost less and say less."""
    response = VoiceResponse()
    _say(response, sentence, language)
    response.hangup()
    return _document(response)


def retry_on_another_task(url: str, *, pause: timedelta = timedelta()) -> str:
    """Redirect Twilio to a webhook URL, which the load balancer may route to another task. The caller hears ringing.

    Twilio answers a call at the first verb that plays audio. A pause before it only delays that.

    Args:
        url: It may lead to a task that has died, so Twilio retries it as `TRY_AGAIN` says.
        pause: How long before.
    """
    response = VoiceResponse()
    if pause:
        response.pause(length=_seconds(pause))
    response.redirect(url + TRY_AGAIN, method="POST")
    return _document(response)


def put_through(fallback: Fallback) -> str:
    """Run the fallback without an agent."""
    response = VoiceResponse()
    _fall_back(response, fallback)
    return _document(response)


def _fall_back(response: VoiceResponse, fallback: Fallback) -> None:
    """Apologise, dial the destination if there is one, and hang up: a document that only ran out would look wrong."""
    _say(response, fallback.sorry, fallback.language)
    if fallback.destination is not None:
        dial = _dial(response, fallback.ring, fallback.caller_id, fallback.dial_action_url)
        kind, _, number = fallback.destination.partition(":")
        match kind.lower():
            case "tel":
                dial.number(number)
            case "client":
                dial.client(number)
            case _:
                dial.sip(fallback.destination)
    response.hangup()


def _dial(response: VoiceResponse, ring: timedelta, caller_id: str | None, action: str | None) -> Dial:
    return response.dial(timeout=_seconds(ring), answer_on_bridge=True, caller_id=caller_id, action=action)


def _say(parent: VoiceResponse, text: str, language: str = "en-US") -> None:
    parent.say(text, language=language, voice=VOICES.get(language))


def _seconds(time: timedelta) -> int:
    return round(time.total_seconds())


def _document(response: VoiceResponse) -> str:
    return _NOT_XML.sub("", response.to_xml())
