"""The parties of a call, as far as TwiML and the model need to know: kinds and places, never the caller's number."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164 with its plus sign, as Twilio writes numbers."""
_WITHHELD: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE, spelled on a telephone's keys: Twilio sends them for callers
who withhold their number."""
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CITY: Final = re.compile(r"(?=.{1,40}$)(?:[^\W\d_]{1,3}\.|[^\W\d_]+)(?:[ '-](?:[^\W\d_]{1,3}\.|[^\W\d_]+)){0,4}")
"""A name of at most five words, such as St. Louis. What has another form is left out rather than cut to one."""
_MACHINE: Final = re.compile(r"(machine_[a-z_]{1,20}|fax)")
_OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


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


def other_party(fields: Mapping[str, str]) -> CallerKind:
    """Name the kind of the other party: the caller, or the person that we called."""
    return kind_of(fields.get("To" if is_outbound(fields) else "From", ""))


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


def is_over(fields: Mapping[str, str]) -> bool:
    """Tell whether a request is about a call that has ended: nothing that we answer can reach it."""
    return fields.get("CallStatus") in _OVER


def is_status_callback(fields: Mapping[str, str]) -> bool:
    """Tell whether a request only reports what a call does; the one that asks what to do has no such fields."""
    return is_over(fields) or "CallbackSource" in fields or "SequenceNumber" in fields


def machine(fields: Mapping[str, str]) -> str | None:
    """Name the machine that answered a call that we made, as answering-machine detection has it; None for people."""
    answered_by = fields.get("AnsweredBy", "")
    return answered_by if _MACHINE.fullmatch(answered_by) else None


def caller_facts(fields: Mapping[str, str]) -> dict[str, str]:
    """Where the other party's number is registered: names only, nothing that could be an instruction."""
    side = "To" if is_outbound(fields) else "From"
    city, country = fields.get(f"{side}City", "").strip().title(), fields.get(f"{side}Country", "").strip().upper()
    return {
        "city": city if _CITY.fullmatch(city) else "",
        "country": country if _COUNTRY.fullmatch(country) else "",
    }
