"""Read the region of a caller from a locale or a country code. No I/O."""

import re
from typing import Final

_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4})?[-_](?P<region>[A-Za-z]{2})(?:[-_].{0,40})?")
_REGION: Final = re.compile(r"[A-Z]{2}")


def region_of(locale: object) -> str:
    """Return the region of a locale such as ``en-US``; empty if it has none, or is not a locale."""
    # A client may send anything here, and another value is not an error.
    found = _LOCALE.fullmatch(locale) if isinstance(locale, str) else None
    return known_region(found["region"].upper()) if found else ""


def known_region(code: str) -> str:
    """Return a country code if it is well-formed, else an empty string."""
    return code if _REGION.fullmatch(code) else ""
