"""Parses SIP addresses with parameters and headers, as in a `<Sip>` noun."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

_PORT: Final = 5060
_MAX_ADDRESS: Final = 254
_MAX_HEADERS: Final = 1023
"""Twilio's limits for an address and for its headers (warning 13251)."""
_OTHER_HEADERS: Final = frozenset({"user-to-user", "remote-party-id", "p-preferred-identity", "p-called-party-id"})


class BadAddressError(Exception):
    """The address cannot be called."""


@dataclass(frozen=True)
class SipAddress:
    """A parsed SIP address."""

    uri: str
    """Without headers: the request URI."""
    host: str
    port: int
    transport: str
    headers: tuple[tuple[str, str], ...]


def read(text: str) -> SipAddress:
    """Parse an address.

    Raises:
        BadAddressError: It is not valid, longer than Twilio's limit, or has a header that Twilio does not send.
    """
    uri, _, query = text.partition("?")
    if len(uri) > _MAX_ADDRESS or len(query) > _MAX_HEADERS:
        reason = "too long"
        raise BadAddressError(reason)
    scheme, _, rest = uri.partition(":")
    where, *parameters = rest.rpartition("@")[2].split(";")
    # An IPv6 address in brackets contains colons of its own.
    host, _, port = where.rpartition(":") if ":" in where and not where.endswith("]") else (where, "", "")
    if scheme.lower() not in ("sip", "sips") or not host or (port and not port.isdecimal()):
        reason = "not sip:user@host"
        raise BadAddressError(reason)
    options = dict(part.lower().partition("=")[::2] for part in parameters)
    # sips always means TLS.
    transport = "tls" if scheme.lower() == "sips" else options.get("transport", "udp")
    headers = tuple(parse_qsl(query, keep_blank_values=True))
    for name, _ in headers:
        if not name.lower().startswith("x-") and name.lower() not in _OTHER_HEADERS:
            reason = f"Twilio does not send the header {name}"
            raise BadAddressError(reason)
    return SipAddress(uri, host.strip("[]"), int(port or _PORT), transport, headers)
