"""Parses TwiML documents into verbs. Unsupported verbs are kept by name, so that they can be reported."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit
from xml.etree import ElementTree as ET

MAX_DOCUMENT: Final = 64 * 1024
_MAX_PARAMETER: Final = 500
"""Maximum length of a `<Parameter>`'s name and value together (exclusive)."""


_MAX_SIP_HEADERS: Final = 1024
"""Maximum length of all headers in a SIP address, encoded."""
_MAX_CLIENT_PARAMETERS: Final = 800
_IDENTITY: Final = re.compile(r"[^\x00-\x20\x7f<>#%\"{}|\\^\[\]`]{1,256}")
_GATHER: Final = frozenset(
    {"action", "actionOnEmptyResult", "finishOnKey", "input", "method", "numDigits", "timeout", "language"}
)


class TwimlError(Exception):
    """The document cannot be executed; Twilio ends the call with an application error."""

    code = "12100"


class StreamRefusedError(Exception):
    """Twilio would not open this stream."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Stream:
    """A bidirectional stream of the call's audio to an application."""

    url: str
    name: str = ""
    track: str = "inbound_track"
    status_callback: str = ""
    status_callback_method: str = "POST"
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Connect:
    """Connect the call to a stream until the stream ends."""

    stream: Stream
    action: str = ""
    method: str = "POST"


@dataclass(frozen=True)
class Say:
    """Speak a text to the caller."""

    text: str
    voice: str = ""
    language: str = ""
    loop: int = 1


@dataclass(frozen=True)
class Play:
    """Play a recording."""

    url: str
    loop: int = 1


@dataclass(frozen=True)
class Pause:
    """Stay silent for some seconds."""

    length: float = 1.0


@dataclass(frozen=True)
class Gather:
    """Collect DTMF keys during the prompts, and for some seconds after them."""

    prompts: tuple["Say | Play | Pause", ...]
    action: str
    method: str = "POST"
    num_digits: int = 0
    """Number of keys that complete it; 0 for any number."""
    timeout: float = 5.0
    """Seconds without a key after which it ends."""
    finish_on_key: str = "#"
    """Key that ends it and is not part of the result; empty for none."""


@dataclass(frozen=True)
class DialTarget:
    """A callee: a `sip:` address with its headers, or a phone number."""

    address: str
    url: str = ""
    """URL of the whisper: the callee hears this document before being connected to the caller."""
    method: str = "POST"


@dataclass(frozen=True)
class Dial:
    """Call another party."""

    targets: tuple[DialTarget, ...]
    timeout: float = 30.0
    action: str = ""
    method: str = "POST"
    caller_id: str = ""
    answer_on_bridge: bool = False
    """Whether the caller hears ringing until the calls are bridged; otherwise silence after the callee has answered."""


@dataclass(frozen=True)
class Redirect:
    """Continue with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Reject the call."""

    reason: str = "rejected"


@dataclass(frozen=True)
class NotPretended:
    """A verb that this stand-in does not support."""

    name: str


type Verb = Connect | Gather | Say | Play | Pause | Dial | Redirect | Hangup | Reject | NotPretended


def parse(text: str, base_url: str) -> tuple[Verb, ...]:
    """Parse a document; URLs in it are relative to `base_url`, the document's own URL.

    Raises:
        TwimlError: Not XML, not `<Response>`, too large, or a verb lacks a required part.
    """
    if len(text) > MAX_DOCUMENT:
        reason = f"the document is longer than {MAX_DOCUMENT} characters"
        raise TwimlError(reason)
    # Checked in the text, because the parser would expand entities while reading.
    if "<!DOCTYPE" in text:  # entities could expand a small document without limit
        reason = "a document type is not allowed"
        raise TwimlError(reason)
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as error:
        reason = f"not XML: {error}"
        raise TwimlError(reason) from error
    if root.tag != "Response":
        reason = f"the document is a <{root.tag}>, not a <Response>"
        raise TwimlError(reason)
    return tuple(_verb(element, base_url) for element in root)


def _verb(element: ET.Element, base: str) -> Verb:  # noqa: PLR0911 - one return per verb
    match element.tag:
        case "Connect":
            return _connect(element, base)
        case "Say":
            return Say(_text(element), element.get("voice", ""), element.get("language", ""), _loop(element))
        case "Play":
            return Play(urljoin(base, _text(element)), _loop(element))
        case "Pause":
            return Pause(_seconds(element, "length", 1.0))
        case "Dial":
            return _dial(element, base)
        case "Gather":
            return _gather(element, base)
        case "Redirect":
            return Redirect(urljoin(base, _text(element)), element.get("method", "POST").upper())
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject(element.get("reason", "rejected"))
        case other:
            return NotPretended(other)


def _connect(element: ET.Element, base: str) -> Connect | NotPretended:
    stream = element.find("Stream")
    if stream is None:
        # <Connect> also starts conversations, rooms and virtual agents.
        return NotPretended("Connect/" + "+".join(child.tag for child in element))
    return Connect(_stream(stream, base), *_action(element, base))


def _stream(element: ET.Element, base: str) -> Stream:
    url = element.get("url")
    if not url:
        reason = "<Stream> without url"
        raise TwimlError(reason)
    callback = element.get("statusCallback", "")
    parameters = tuple((child.get("name", ""), child.get("value", "")) for child in element.findall("Parameter"))
    return Stream(
        url=url,
        name=element.get("name", ""),
        track=element.get("track", "inbound_track"),
        status_callback=urljoin(base, callback) if callback else "",
        status_callback_method=element.get("statusCallbackMethod", "POST").upper(),
        parameters=parameters,
    )


def _gather(element: ET.Element, base: str) -> Gather | NotPretended:
    """Parse a `<Gather>`; only the nested verbs and the attributes of Twilio's documentation are accepted."""
    # Speech input needs a recogniser, which this stand-in has only for the model.
    if "dtmf" not in element.get("input", "dtmf").split():
        return NotPretended("Gather/speech")
    if unknown := sorted(set(element.attrib) - _GATHER):
        reason = f"<Gather> has no attribute {unknown[0]!r}"
        raise TwimlError(reason)
    prompts = tuple(_verb(child, base) for child in element)
    if not all(isinstance(prompt, Say | Play | Pause) for prompt in prompts):
        reason = "<Gather> may contain only <Say>, <Play> and <Pause>"
        raise TwimlError(reason)
    digits = element.get("numDigits", "0")
    if not digits.isdecimal():
        reason = f'<Gather numDigits="{digits}"> is not a number'
        raise TwimlError(reason)
    action, method = _action(element, base)
    return Gather(
        tuple(prompt for prompt in prompts if isinstance(prompt, Say | Play | Pause)),
        # Without `action`, Twilio requests the current document again.
        action or base,
        method,
        int(digits),
        _seconds(element, "timeout", 5.0),
        element.get("finishOnKey", "#"),
    )


def _dial(element: ET.Element, base: str) -> Dial:
    targets = [_target(child, base) for child in element if child.tag in {"Sip", "Number", "Client"}]
    # A number directly in <Dial> is the short form of <Number>.
    if not targets and _text(element):
        targets = [DialTarget(_text(element))]
    if not targets:
        reason = "<Dial> without a destination"
        raise TwimlError(reason)
    action, method = _action(element, base)
    return Dial(
        tuple(targets),
        _seconds(element, "timeout", 30.0),
        action,
        method,
        element.get("callerId", ""),
        element.get("answerOnBridge", "false").lower() == "true",
    )


def _target(element: ET.Element, base: str) -> DialTarget:
    url = element.get("url", "")
    match element.tag:
        case "Sip":
            address = _checked_headers(_text(element))
        case "Client":
            address = f"client:{_identity(element)}"
        case _:
            address = _text(element)
    return DialTarget(address, urljoin(base, url) if url else "", element.get("method", "POST").upper())


def _identity(element: ET.Element) -> str:
    """Return the identity of a `<Client>`, after checking the length of its parameters."""
    child = element.find("Identity")
    identity = _text(element) if child is None else _text(child)
    if not _IDENTITY.fullmatch(identity):
        reason = "the identity of a <Client> has 1 to 256 characters, without spaces or delimiters"
        raise TwimlError(reason)
    parameters = [(each.get("name", ""), each.get("value", "")) for each in element.findall("Parameter")]
    # Lengths count in the encoded form, in which they are sent.
    if sum(len(quote(text)) for pair in parameters for text in pair) > _MAX_CLIENT_PARAMETERS:
        reason = f"the parameters of a <Client> have more than {_MAX_CLIENT_PARAMETERS} characters"
        raise TwimlError(reason)
    return identity


def _checked_headers(address: str) -> str:
    """Return a SIP address, after checking the length of its headers."""
    if len(address.partition("?")[2]) > _MAX_SIP_HEADERS:
        reason = f"the headers of a SIP address have more than {_MAX_SIP_HEADERS} characters"
        raise TwimlError(reason)
    return address


def _action(element: ET.Element, base: str) -> tuple[str, str]:
    action = element.get("action")
    # An empty `action` means the current document, a missing one none.
    return (urljoin(base, action) if action is not None else "", element.get("method", "POST").upper())


def _text(element: ET.Element) -> str:
    # Twilio ignores line breaks and indentation in texts.
    return " ".join((element.text or "").split())


def _seconds(element: ET.Element, name: str, default: float) -> float:
    try:
        return max(0.0, float(element.get(name, default)))
    except ValueError as error:
        reason = f'<{element.tag} {name}="{element.get(name)}"> is not a number of seconds'
        raise TwimlError(reason) from error


def _loop(element: ET.Element) -> int:
    text = element.get("loop", "1")
    # loop="0" repeats forever at Twilio; here a test must end, so it plays once.
    return min(int(text), 10) if text.isdecimal() and int(text) else 1


def check_stream(stream: Stream) -> None:
    """Check a stream by Twilio's rules, before a connection is opened.

    Accepts a `ws:` URL for this machine, which has no certificate; Twilio never does.

    Raises:
        StreamRefusedError: A query string, no TLS, another scheme, or a parameter that is too long.
    """
    parts = urlsplit(stream.url)
    # A stand-in cannot require a certificate for a laptop's own address.
    local = parts.scheme == "ws" and is_loopback(parts.hostname or "")
    if parts.scheme != "wss" and not local:
        code, reason = "31920", "only wss URLs are accepted (ws on this machine)"
        raise StreamRefusedError(code, reason)
    if parts.query:
        code, reason = "31920", "a stream URL must not have a query string"
        raise StreamRefusedError(code, reason)
    if any(len(name) + len(value) >= _MAX_PARAMETER for name, value in stream.parameters):
        code, reason = "12200", f"a <Parameter> has {_MAX_PARAMETER} characters or more"
        raise StreamRefusedError(code, reason)


def is_loopback(host: str) -> bool:
    """Return whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def names(verbs: tuple[Verb, ...]) -> list[str]:
    """Return the names of verbs, for a timeline."""
    return [_name(verb) for verb in verbs]


def _name(verb: Verb) -> str:
    if isinstance(verb, NotPretended):
        return verb.name
    return "Connect/Stream" if isinstance(verb, Connect) else type(verb).__name__
