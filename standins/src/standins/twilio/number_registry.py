"""Phone numbers of the account and their webhooks: `IncomingPhoneNumbers`.

Supports listing, filtering by number, and updating. Numbers cannot be bought, and their webhooks do not affect calls
from `Handset`, which names the webhook of each call itself.
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
    """One phone number with its settings."""

    sid: str
    number: str
    settings: dict[str, str] = field(default_factory=lambda: {"voice_method": "POST", "voice_fallback_method": "POST"})

    def update(self, form: Mapping[str, str]) -> None:
        """Apply an update.

        Raises:
            RestError: 21502 for an invalid URL, 20001 for an invalid method.
        """
        for name, key in _SETTABLE.items():
            value = form.get(name)
            # Fields that are missing from a form keep their value.
            if value is None:
                continue
            if name.endswith("Method") and value not in _METHODS:
                raise RestError(400, 20001, f"{name} is not GET or POST")
            # An empty URL removes the setting.
            if not name.endswith("Method") and value and not value.startswith(("http://", "https://")):
                raise RestError(400, 21502, f"{name} is not valid: {value}")
            self.settings[key] = value

    def resource(self, account_sid: str) -> dict[str, object]:
        """Return the number as Twilio's API shows it."""
        unset: dict[str, object] = dict.fromkeys(_SETTABLE.values(), "")
        path = f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{self.sid}.json"
        return {
            **unset,
            **self.settings,
            "sid": self.sid,
            "account_sid": account_sid,
            "phone_number": self.number,
            "friendly_name": self.number,
            "uri": path,
        }


class NumberRegistry:
    """All phone numbers of the account."""

    def __init__(self, numbers: Iterable[str]) -> None:
        named = {f"PN{index:032x}": number for index, number in enumerate(numbers, 1)}
        self._numbers = {sid: PhoneNumber(sid, number) for sid, number in named.items()}

    def listed(self, account_sid: str, number: str) -> dict[str, object]:
        """Return all numbers, or only the requested one."""
        found = [one.resource(account_sid) for one in self._numbers.values() if number in ("", one.number)]
        return {"incoming_phone_numbers": found, "page": 0, "page_size": 50, "next_page_uri": None}

    def update(self, account_sid: str, sid: str, form: Mapping[str, str]) -> dict[str, object]:
        """Update a number, or return it if the form is empty.

        Raises:
            RestError: 20404, or the error in the form.
        """
        number = self._numbers.get(sid)
        if number is None:
            raise not_found(f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{sid}.json")
        number.update(form)
        return number.resource(account_sid)
