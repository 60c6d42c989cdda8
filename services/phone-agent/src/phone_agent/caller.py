"""Classify the parties of a call for TwiML and the model: kinds and places, never the caller's number."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164 with its plus sign, as Twilio writes numbers."""
_WITHHELD: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE on a phone's keypad: Twilio sends these for callers who
withhold their number.
"""
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PLACE: Final = re.compile(r"(?=.{1,40}$)(?:[^\W\d_]{1,3}\.|[^\W\d_]+)(?:[ '-](?:[^\W\d_]{1,3}\.|[^\W\d_]+)){0,4}")
"""A name of at most five words, such as St. Louis. Anything of another form is omitted rather than cut."""
_MACHINE: Final = re.compile(r"(machine_[a-z_]{1,20}|fax)")
_OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


class CallerKind(StrEnum):
    """The kind of a ``From`` value."""

    NUMBER = "number"
    WITHHELD = "withheld"
    SIP = "sip"
    APP = "app"
    """A Voice SDK client, or a messaging application that calls."""
    OTHER = "other"


def kind_of(caller: str) -> CallerKind:
    """Return the kind of a ``From`` value without repeating it."""
    scheme, colon, _ = caller.partition(":")
    if colon:
        return CallerKind.SIP if scheme.lower() in {"sip", "sips"} else CallerKind.APP
    if caller in _WITHHELD or caller.lower() in {"", "anonymous", "restricted", "blocked", "unknown", "unavailable"}:
        return CallerKind.WITHHELD
    return CallerKind.NUMBER if NUMBER.fullmatch(caller) else CallerKind.OTHER


def is_outbound(fields: Mapping[str, str]) -> bool:
    """Return whether we made the call: then ``From`` is our number and ``To`` the other party."""
    return fields.get("Direction", "").startswith("outbound")


def other_party(fields: Mapping[str, str]) -> CallerKind:
    """Return the kind of the other party: the caller, or the person that we called."""
    return kind_of(fields.get("To" if is_outbound(fields) else "From", ""))


def number_of_ours(fields: Mapping[str, str]) -> str:
    """Return the number that was called, or that called: it decides which agent speaks."""
    return fields.get("From" if is_outbound(fields) else "To", "")


def caller_id(fields: Mapping[str, str]) -> str | None:
    """Return the number of ours that a ``<Dial>`` in this call must show; None if Twilio's default is right.

    Without ``callerId`` Twilio shows ``From``. If that is not a phone number it refuses the dial (error 13214: "must be
    the calling number, called number, or a validated outgoing number"), so the called number is used.
    """
    ours, theirs = fields.get("To", ""), fields.get("From", "")
    if is_outbound(fields):
        ours = theirs  # Twilio's default for a call that we made is documented inconsistently
    elif kind_of(theirs) is CallerKind.NUMBER:
        return None
    return ours if kind_of(ours) is CallerKind.NUMBER else None


def is_over(fields: Mapping[str, str]) -> bool:
    """Return whether a request concerns a call that has ended, which no response can reach."""
    return fields.get("CallStatus") in _OVER


def is_status_callback(fields: Mapping[str, str]) -> bool:
    """Return whether a request only reports call progress; a request for instructions has no such fields."""
    return is_over(fields) or "CallbackSource" in fields or "SequenceNumber" in fields


def machine(fields: Mapping[str, str]) -> str | None:
    """Return the kind of machine that answered our call, from answering-machine detection; None for people."""
    answered_by = fields.get("AnsweredBy", "")
    return answered_by if _MACHINE.fullmatch(answered_by) else None


def caller_facts(fields: Mapping[str, str]) -> dict[str, str]:
    """Return where the other party's number is registered: validated names only, which cannot carry instructions."""
    side = "To" if is_outbound(fields) else "From"
    # Twilio writes place names in capitals, which a model may spell out.
    place, country = fields.get(f"{side}City", "").strip().title(), fields.get(f"{side}Country", "").strip().upper()
    return {
        "place": place if _PLACE.fullmatch(place) else "",
        "country": country if _COUNTRY.fullmatch(country) else "",
    }
