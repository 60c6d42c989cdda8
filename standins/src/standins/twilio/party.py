"""The parties of a call, and the form fields that describe them in every request."""

from dataclasses import dataclass
from typing import Final

API_VERSION: Final = "2010-04-01"
_PLACES: Final = {
    "+1": ("US", "CA", "SAN FRANCISCO", "94105"),
    "+44": ("GB", "", "LONDON", ""),
    "+46": ("SE", "", "STOCKHOLM", ""),
    "+49": ("DE", "", "BERLIN", ""),
}
"""Location by number prefix; enough to fill the fields that Twilio fills."""


@dataclass(frozen=True)
class Party:
    """The constant facts of a call."""

    call_sid: str
    account_sid: str
    caller: str
    callee: str
    direction: str = "inbound"
    """`outbound-api` for a call that the REST API has placed."""

    def calling(self, call_sid: str, callee: str) -> "ChildParty":
        """Return the call to a party that this call dials."""
        return ChildParty(call_sid, self.account_sid, self.caller, callee, "outbound-dial", self.call_sid)

    def params(self, status: str, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Return the form fields of a request about this call."""
        return {
            # Twilio sends both the old names (Called, Caller) and the new ones (To, From).
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": self.call_sid,
            "CallStatus": status,
            "Called": self.callee,
            "Caller": self.caller,
            "Direction": self.direction,
            "From": self.caller,
            "To": self.callee,
            **_place("Caller", self.caller),
            **_place("From", self.caller),
            **_place("Called", self.callee),
            **_place("To", self.callee),
            **(extra or {}),
        }


@dataclass(frozen=True)
class ChildParty(Party):
    """A call that was dialled by another call."""

    parent_call_sid: str = ""

    def params(self, status: str, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Return the form fields of a request about this call."""
        return super().params(status, {"ParentCallSid": self.parent_call_sid, **(extra or {})})


def _place(role: str, number: str) -> dict[str, str]:
    # The longest prefix wins, as in a phone network.
    prefix = next((known for known in sorted(_PLACES, key=len, reverse=True) if number.startswith(known)), "")
    country, state, city, post_code = _PLACES.get(prefix, ("", "", "", ""))
    return {f"{role}Country": country, f"{role}State": state, f"{role}City": city, f"{role}Zip": post_code}
