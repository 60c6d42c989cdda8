"""Who calls whom, as far as TwiML and the model need to know: kinds and places, never the caller's number."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164 with its plus sign, as Twilio writes numbers."""
_WITHHELD: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE, spelled on a telephone's keys: Twilio sends them for callers
who withhold their number."""
_PLACE_NAME: Final = re.compile(r"[^A-Za-z ,.'-]")


class CallerKind(StrEnum):
    """What ``From`` holds."""

    NUMBER = "number"
    WITHHELD = "withheld"
    SIP = "sip"
    APP = "app"
    """A Voice SDK client, or a messaging application that calls."""
    OTHER = "other"


def kind_of(caller: str) -> CallerKind:
    """Name the kind of a ``From`` without repeating it."""
    scheme, colon, _ = caller.partition(":")
    if colon:
        return CallerKind.SIP if scheme.lower() in {"sip", "sips"} else CallerKind.APP
    if caller in _WITHHELD or caller.lower() in {"", "anonymous", "restricted", "blocked", "unknown", "unavailable"}:
        return CallerKind.WITHHELD
    return CallerKind.NUMBER if NUMBER.fullmatch(caller) else CallerKind.OTHER


def is_outbound(fields: Mapping[str, str]) -> bool:
    """Tell whether we called: then ``From`` is our number and ``To`` the other party."""
    return fields.get("Direction", "").startswith("outbound")


def caller_id(fields: Mapping[str, str]) -> str | None:
    """Return the number of ours that a ``<Dial>`` in this call must show; None where Twilio's own choice is right.

    Without ``callerId`` Twilio shows ``From``. Where that is no telephone number it refuses the dial (error 13214:
    "must be the calling number, called number, or a validated outgoing number"), so the called number is named.
    """
    ours, theirs = fields.get("To", ""), fields.get("From", "")
    if is_outbound(fields):
        ours = theirs  # what Twilio shows by default in a call that we made is not documented alike everywhere
    elif kind_of(theirs) is CallerKind.NUMBER:
        return None
    return ours if kind_of(ours) is CallerKind.NUMBER else None


def caller_facts(fields: Mapping[str, str]) -> dict[str, str]:
    """Where the caller's number is registered: names only, nothing that could be an instruction."""
    names = {"city": fields.get("FromCity", "").title(), "country": fields.get("FromCountry", "")}
    return {key: _PLACE_NAME.sub("", value)[:40].strip() for key, value in names.items()}
