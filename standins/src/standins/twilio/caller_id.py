"""Validates the caller ID of a `<Dial>` as Twilio does. No I/O.

Error 13214: "CallerId must be the calling number, called number, or a validated outgoing number. Additionally, if the
calling leg is a client leg, the caller ID is required". It applies to phone numbers; a SIP address accepts any caller
ID. This implementation also rejects a withheld number, which cannot be shown.
"""

import re
from collections.abc import Collection
from typing import Final

from standins.twilio.party import Party
from standins.twilio.twiml_parser import Dial

INVALID_CALLER_ID: Final = "13214"
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_SPELLED: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""Words such as ANONYMOUS, spelled on a phone's keypad."""


def refusal(dial: Dial, party: Party, numbers: Collection[str]) -> str | None:
    """Return why a dial is rejected; None if it is valid.

    Args:
        dial: The verb.
        party: The call that dials.
        numbers: Phone numbers of the account.
    """
    # Only calls to phone numbers need a caller ID in E.164.
    if not any(target.address.lstrip("+")[:1].isdigit() for target in dial.targets):
        return None
    if not dial.caller_id:
        return None if _is_number(party.caller) else "the caller has no number, so callerId is required"
    if not _is_number(dial.caller_id):
        return "callerId is not a number in E.164"
    # Twilio also accepts verified caller IDs, which this stand-in has none of.
    if dial.caller_id not in {*numbers, party.caller, party.callee}:
        return "callerId is neither the calling nor the called number, nor one of the account"
    return None


def _is_number(text: str) -> bool:
    return _E164.fullmatch(text) is not None and text not in _SPELLED
