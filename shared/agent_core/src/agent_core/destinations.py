"""Parse the people that a caller may be transferred to: names for the model, addresses that it never sees.

``TRANSFER_DESTINATIONS`` is a list such as ``reception=sip:desk@pbx.example;transport=tls,sales=tel:+46850000000``. A
name may have several addresses, ``sales=tel:+46850000000|client:anna``: each is tried if the one before has not
answered.
"""

import re
from dataclasses import dataclass

_MAX_DESTINATIONS = 20
MAX_ADDRESSES = 3
"""Addresses of one destination: each may take half a minute, and a caller waits."""
_MAX_ADDRESS = 254
"""Most characters of a SIP address for Twilio (its warning 13251 describes more)."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SIP = re.compile(
    r"sips?:(?P<user>[A-Za-z0-9._~!$&'()*+=%-]+)@(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:;[A-Za-z0-9-]+(?:=[A-Za-z0-9.%-]+)?)*"
)
_CLIENT = re.compile(r"client:[A-Za-z0-9_.-]{1,121}")
"""An app that uses Twilio's Voice SDK; its identity consists of characters that need no encoding."""
_PREMIUM = (
    *("+1900", "+1976"),
    *("+870", "+878", "+881", "+882", "+883", "+888", "+979"),
    *("+31900", "+31906", "+31909", "+3290", "+3389", "+34803", "+34806", "+34807", "+34905", "+35176", "+35315"),
    *("+358600", "+358606", "+358700", "+3989", "+4190", "+439", "+4470", "+4487", "+449", "+4590", "+46900"),
    *("+46939", "+46944", "+4782", "+4870", "+49137", "+4918", "+49900", "+6119", "+64900", "+81990"),
)
"""Prefixes that earn their owner money per minute: national premium-rate and personal numbers, satellites, ITU-T's
shared codes.

No complete list exists. This one stops typing errors and common fraud; the geographic permissions of a Twilio account
stop more.
"""


@dataclass(frozen=True, slots=True)
class Destination:
    """A person or team that can be called.

    Attributes:
        name: What the model, the log and people say.
        addresses: ``sip:…``, ``sips:…``, ``tel:+…`` or ``client:…``, in the order in which they are tried; for Twilio
            only.
        language: BCP 47 tag of what the person hears and reads; None means the agent's language.
    """

    name: str
    addresses: tuple[str, ...]
    language: str | None = None

    @property
    def number(self) -> str | None:
        """The first phone number, if there is one."""
        return next((one.removeprefix("tel:") for one in self.addresses if one.startswith("tel:")), None)


def parse(text: str) -> tuple[Destination, ...]:
    """Parse a list of destinations.

    Raises:
        ValueError: an entry is invalid; the text names the entry, never the address.
    """
    found: dict[str, Destination] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, address = (part.strip() for part in entry.partition("="))
        if not _NAME.fullmatch(name):
            raise ValueError("each entry is name=address; a name has lower-case letters, digits, - and _")
        if name in found:
            raise ValueError(f"{name} is listed twice")
        # The name is put in front here, because the address checks must not show the address.
        try:
            found[name] = Destination(name, parse_addresses(address))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    # The names are part of every prompt.
    if len(found) > _MAX_DESTINATIONS:
        raise ValueError(f"at most {_MAX_DESTINATIONS} destinations")
    return tuple(found.values())


def parse_addresses(text: str) -> tuple[str, ...]:
    """Parse the addresses of one destination, separated by ``|``.

    Raises:
        ValueError: one may not be called; the text says why without showing it.
    """
    addresses = tuple(check_address(one.strip()) for one in text.split("|"))
    if len(addresses) > MAX_ADDRESSES:
        raise ValueError(f"at most {MAX_ADDRESSES} addresses, separated by |")
    if len(set(addresses)) < len(addresses):
        raise ValueError("an address is listed twice")
    return addresses


def check_address(address: str) -> str:
    """Return an address if it may be called.

    Raises:
        ValueError: it may not; the text says why without showing it.
    """
    if len(address) > _MAX_ADDRESS:
        raise ValueError(f"an address has at most {_MAX_ADDRESS} characters")
    if address.startswith("tel:"):
        number = address.removeprefix("tel:")
        if not _NUMBER.fullmatch(number):
            raise ValueError("a number is tel:+ and its digits, country code first")
    elif sip := _SIP.fullmatch(address):
        # A SIP user may be a phone number, so it is checked for premium-rate prefixes too.
        number = sip["user"]
    elif _CLIENT.fullmatch(address):
        return address
    else:
        raise ValueError("an address is sip:user@host, sips:user@host, tel:+number or client:identity")
    if number.startswith(_PREMIUM):
        raise ValueError("a premium-rate number is never called")
    return address
