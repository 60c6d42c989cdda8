"""The numbers of an account, and whom each asks when somebody calls: `IncomingPhoneNumbers`.

It pretends a list filtered by number, and an update. Numbers are not bought here, and what they are told does not
decide where `Handset` calls: a call says itself whom it asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from standins.twilio.party import API_VERSION
from standins.twilio.rest import RestError, not_found

_SETTABLE: Final = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}
_METHODS: Final = {"GET", "POST"}


@dataclass
class PhoneNumber:
    """One number, as it was told."""

    sid: str
    number: str
    told: dict[str, str] = field(default_factory=lambda: {"voice_method": "POST", "voice_fallback_method": "POST"})

    def tell(self, form: Mapping[str, str]) -> None:
        """Take what an update says.

        Raises:
            RestError: 21502 for an address that is none, 20001 for a method that is none.
        """
        for name, key in _SETTABLE.items():
            value = form.get(name)
            if value is None:
                continue
            if name.endswith("Method") and value not in _METHODS:
                raise RestError(400, 20001, f"{name} is not GET or POST")
            if not name.endswith("Method") and value and not value.startswith(("http://", "https://")):
                raise RestError(400, 21502, f"{name} is not valid: {value}")
            self.told[key] = value

    def resource(self, account_sid: str) -> dict[str, object]:
        """Describe it the way Twilio does."""
        unset: dict[str, object] = dict.fromkeys(_SETTABLE.values(), "")
        path = f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{self.sid}.json"
        return {
            **unset,
            **self.told,
            "sid": self.sid,
            "account_sid": account_sid,
            "phone_number": self.number,
            "friendly_name": self.number,
            "uri": path,
        }


class NumberRegistry:
    """All numbers of the account."""

    def __init__(self, numbers: Iterable[str]) -> None:
        named = {f"PN{index:032x}": number for index, number in enumerate(numbers, 1)}
        self._numbers = {sid: PhoneNumber(sid, number) for sid, number in named.items()}

    def listed(self, account_sid: str, number: str) -> dict[str, object]:
        """List them, or the one that is asked for."""
        found = [one.resource(account_sid) for one in self._numbers.values() if number in ("", one.number)]
        return {"incoming_phone_numbers": found, "page": 0, "page_size": 50, "next_page_uri": None}

    def told(self, account_sid: str, sid: str, form: Mapping[str, str]) -> dict[str, object]:
        """Change one, or look at it with an empty form.

        Raises:
            RestError: 20404, or what the form has wrong.
        """
        number = self._numbers.get(sid)
        if number is None:
            raise not_found(f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{sid}.json")
        number.tell(form)
        return number.resource(account_sid)
