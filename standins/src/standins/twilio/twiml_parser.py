"""TwiML documents as verbs. What this exchange cannot execute is kept by name, so that it can say so."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit
from xml.etree import ElementTree as ET

MAX_DOCUMENT: Final = 64 * 1024
_MAX_PARAMETER: Final = 500
"""Name and value of a `<Parameter>` together stay under this many characters."""


_MAX_SIP_HEADERS: Final = 1024
"""Characters of all headers behind a SIP address, encoded."""
_MAX_CLIENT_PARAMETERS: Final = 800
_IDENTITY: Final = re.compile(r"[^\x00-\x20\x7f<>#%\"{}|\\^\[\]`]{1,256}")
_GATHER: Final = frozenset(
    {"action", "actionOnEmptyResult", "finishOnKey", "input", "method", "numDigits", "timeout", "language"}
)


class TwimlError(Exception):
    """The document cannot be executed; Twilio drops the call with an application error."""

    code = "12100"


class StreamRefusedError(Exception):
    """The exchange will not open this stream."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Stream:
    """A bidirectional stream of the call's sound to an application."""

    url: str
    name: str = ""
    track: str = "inbound_track"
    status_callback: str = ""
    status_callback_method: str = "POST"
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Connect:
    """Hand the call to a stream until that ends."""

    stream: Stream
    action: str = ""
    method: str = "POST"


@dataclass(frozen=True)
class Say:
    """Read a text to the caller."""

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
    """Collect keys while something is said, and for some seconds after it."""

    prompts: tuple["Say | Play | Pause", ...]
    action: str
    method: str = "POST"
    num_digits: int = 0
    """How many keys complete it; 0 for any number."""
    timeout: float = 5.0
    """Seconds without a key after which it ends."""
    finish_on_key: str = "#"
    """Ends it and is not part of it; empty where no key does."""


@dataclass(frozen=True)
class DialTarget:
    """Whom to ring: a `sip:` address with its headers, or a telephone number."""

    address: str
    url: str = ""
    """Asked when they have answered; they hear that document before they hear the caller."""
    method: str = "POST"


@dataclass(frozen=True)
class Dial:
    """Ring somebody else."""

    targets: tuple[DialTarget, ...]
    timeout: float = 30.0
    action: str = ""
    method: str = "POST"
    caller_id: str = ""
    answer_on_bridge: bool = False
    """Whether the caller hears ringing until the two are connected; else nothing once the person has answered."""


@dataclass(frozen=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Do not take the call."""

    reason: str = "rejected"


@dataclass(frozen=True)
class NotPretended:
    """A verb of Twilio's that this exchange does not execute."""

    name: str


type Verb = Connect | Gather | Say | Play | Pause | Dial | Redirect | Hangup | Reject | NotPretended


def parse(text: str, base_url: str) -> tuple[Verb, ...]:
    """Read a document; addresses in it are taken relative to `base_url`, the address it came from.

    Raises:
        TwimlError: not XML, not `<Response>`, too large, or a verb lacks what it needs.
    """
    if len(text) > MAX_DOCUMENT:
        reason = f"the document is longer than {MAX_DOCUMENT} characters"
        raise TwimlError(reason)
    if "<!DOCTYPE" in text:  # entities could make a small document endless
        reason = "a document type is not allowed"
        raise TwimlError(reason)
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - no document type, so no entity to expand
    except ET.ParseError as error:
        reason = f"not XML: {error}"
        raise TwimlError(reason) from error
    if root.tag != "Response":
        reason = f"the document is a <{root.tag}>, not a <Response>"
        raise TwimlError(reason)
    return tuple(_verb(element, base_url) for element in root)


def _verb(element: ET.Element, base: str) -> Verb:  # noqa: PLR0911 - one return a verb
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
    """Read a `<Gather>`; what it may hold, and which attributes it has, is Twilio's list and nothing else."""
    if "dtmf" not in element.get("input", "dtmf").split():
        return NotPretended("Gather/speech")
    if unknown := sorted(set(element.attrib) - _GATHER):
        reason = f"<Gather> has no attribute {unknown[0]!r}"
        raise TwimlError(reason)
    prompts = tuple(_verb(child, base) for child in element)
    if not all(isinstance(prompt, Say | Play | Pause) for prompt in prompts):
        reason = "<Gather> may hold <Say>, <Play> and <Pause> only"
        raise TwimlError(reason)
    digits = element.get("numDigits", "0")
    if not digits.isdecimal():
        reason = f'<Gather numDigits="{digits}"> is not a number'
        raise TwimlError(reason)
    action, method = _action(element, base)
    return Gather(
        tuple(prompt for prompt in prompts if isinstance(prompt, Say | Play | Pause)),
        action or base,
        method,
        int(digits),
        _seconds(element, "timeout", 5.0),
        element.get("finishOnKey", "#"),
    )


def _dial(element: ET.Element, base: str) -> Dial:
    targets = [_target(child, base) for child in element if child.tag in {"Sip", "Number", "Client"}]
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
    """Read which app is called; parameters for it are bounded."""
    child = element.find("Identity")
    identity = _text(element) if child is None else _text(child)
    if not _IDENTITY.fullmatch(identity):
        reason = "the identity of a <Client> has 1 to 256 characters, without spaces or delimiters"
        raise TwimlError(reason)
    parameters = [(each.get("name", ""), each.get("value", "")) for each in element.findall("Parameter")]
    if sum(len(quote(text)) for pair in parameters for text in pair) > _MAX_CLIENT_PARAMETERS:
        reason = f"the parameters of a <Client> have more than {_MAX_CLIENT_PARAMETERS} characters"
        raise TwimlError(reason)
    return identity


def _checked_headers(address: str) -> str:
    """Refuse more headers for an invitation than Twilio takes."""
    if len(address.partition("?")[2]) > _MAX_SIP_HEADERS:
        reason = f"the headers of a SIP address have more than {_MAX_SIP_HEADERS} characters"
        raise TwimlError(reason)
    return address


def _action(element: ET.Element, base: str) -> tuple[str, str]:
    action = element.get("action")
    return (urljoin(base, action) if action is not None else "", element.get("method", "POST").upper())


def _text(element: ET.Element) -> str:
    return " ".join((element.text or "").split())


def _seconds(element: ET.Element, name: str, default: float) -> float:
    try:
        return max(0.0, float(element.get(name, default)))
    except ValueError as error:
        reason = f'<{element.tag} {name}="{element.get(name)}"> is not a number of seconds'
        raise TwimlError(reason) from error


def _loop(element: ET.Element) -> int:
    text = element.get("loop", "1")
    return min(int(text), 10) if text.isdecimal() and int(text) else 1


def check_stream(stream: Stream) -> None:
    """Refuse what Twilio refuses of a stream, before anything is opened.

    A plain `ws:` address is taken for this machine only, which has no certificate; Twilio never takes one.

    Raises:
        StreamRefusedError: a query string, no TLS, a foreign scheme, a parameter that is too long.
    """
    parts = urlsplit(stream.url)
    local = parts.scheme == "ws" and is_loopback(parts.hostname or "")
    if parts.scheme != "wss" and not local:
        code, reason = "31920", "only wss addresses are taken (ws on this machine)"
        raise StreamRefusedError(code, reason)
    if parts.query:
        code, reason = "31920", "a stream address may have no query string"
        raise StreamRefusedError(code, reason)
    if any(len(name) + len(value) >= _MAX_PARAMETER for name, value in stream.parameters):
        code, reason = "12200", f"a <Parameter> has {_MAX_PARAMETER} characters or more"
        raise StreamRefusedError(code, reason)


def is_loopback(host: str) -> bool:
    """Tell whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def names(verbs: tuple[Verb, ...]) -> list[str]:
    """Return the verbs by name, for a timeline."""
    return [_name(verb) for verb in verbs]


def _name(verb: Verb) -> str:
    if isinstance(verb, NotPretended):
        return verb.name
    return "Connect/Stream" if isinstance(verb, Connect) else type(verb).__name__
