"""Who calls whom, as Twilio tells an application on every request."""

from dataclasses import dataclass
from typing import Final

API_VERSION: Final = "2010-04-01"
_PLACES: Final = {
    "+1": ("US", "CA", "SAN FRANCISCO", "94105"),
    "+44": ("GB", "", "LONDON", ""),
    "+46": ("SE", "", "STOCKHOLM", ""),
    "+49": ("DE", "", "BERLIN", ""),
}
"""What a number's prefix says about where it is from; enough to fill the fields as Twilio fills them."""


@dataclass(frozen=True)
class Party:
    """The fixed facts of a call."""

    call_sid: str
    account_sid: str
    caller: str
    callee: str

    def params(self, status: str, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Return the form fields of a request about this call."""
        return {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": self.call_sid,
            "CallStatus": status,
            "Called": self.callee,
            "Caller": self.caller,
            "Direction": "inbound",
            "From": self.caller,
            "To": self.callee,
            **_place("Caller", self.caller),
            **_place("From", self.caller),
            **_place("Called", self.callee),
            **_place("To", self.callee),
            **(extra or {}),
        }


def _place(role: str, number: str) -> dict[str, str]:
    prefix = next((known for known in sorted(_PLACES, key=len, reverse=True) if number.startswith(known)), "")
    country, state, city, post_code = _PLACES.get(prefix, ("", "", "", ""))
    return {f"{role}Country": country, f"{role}State": state, f"{role}City": city, f"{role}Zip": post_code}
