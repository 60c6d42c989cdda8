"""List words for countries and states that the geocoder itself does not use."""

ALSO_CALLED = {
    "usa": "us", "america": "us", "united states of america": "us", "dc": "washington, dc",
    "uk": "gb", "great britain": "gb", "britain": "gb", "uae": "ae", "holland": "nl",
    "czech republic": "cz", "czechia": "cz", "turkey": "tr", "korea": "kr", "south korea": "kr",
    "ivory coast": "ci", "burma": "mm", "russia": "ru", "vietnam": "vn",
}  # fmt: skip
"""What people call a country or a region, and the geocoder's word for it (an ISO code or a name)."""

STATES = {
    "al": "alabama", "ak": "alaska", "az": "arizona", "ar": "arkansas", "ca": "california", "co": "colorado",
    "ct": "connecticut", "de": "delaware", "dc": "district of columbia", "fl": "florida", "ga": "georgia",
    "hi": "hawaii", "id": "idaho", "il": "illinois", "in": "indiana", "ia": "iowa", "ks": "kansas",
    "ky": "kentucky", "la": "louisiana", "me": "maine", "md": "maryland", "ma": "massachusetts", "mi": "michigan",
    "mn": "minnesota", "ms": "mississippi", "mo": "missouri", "mt": "montana", "ne": "nebraska", "nv": "nevada",
    "nh": "new hampshire", "nj": "new jersey", "nm": "new mexico", "ny": "new york", "nc": "north carolina",
    "nd": "north dakota", "oh": "ohio", "ok": "oklahoma", "or": "oregon", "pa": "pennsylvania",
    "ri": "rhode island", "sc": "south carolina", "sd": "south dakota", "tn": "tennessee", "tx": "texas",
    "ut": "utah", "vt": "vermont", "va": "virginia", "wa": "washington", "wv": "west virginia", "wi": "wisconsin",
    "wy": "wyoming",
}  # fmt: skip
"""United States by postal abbreviation: the tool's own example used to be ``San Francisco, CA``."""
