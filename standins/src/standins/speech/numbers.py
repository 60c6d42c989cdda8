# ruff: noqa: SIM905  a list of words reads best as words
"""Converts whole numbers to words, as a reply speaks them, and back."""

from collections.abc import Sequence

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUE = {word: number for number, word in enumerate(_SMALL)} | {
    word: 10 * number for number, word in enumerate(_TENS) if word
}
_MINUS = ("minus", "negative")
_HUNDRED = 100


def in_words(number: int) -> str:
    """Return a number from -999 to 999 in words: -7 is "minus seven", 130 is "one hundred thirty"."""
    if number < 0:
        return f"minus {in_words(-number)}"
    if number >= _HUNDRED:
        rest = f" {in_words(number % _HUNDRED)}" if number % _HUNDRED else ""
        return f"{_SMALL[number // _HUNDRED]} hundred{rest}"
    if number < len(_SMALL):
        return _SMALL[number]
    return _TENS[number // 10] + (f" {_SMALL[number % 10]}" if number % 10 else "")


def with_digits(words: Sequence[str]) -> list[str]:
    """Replace numbers in words by digits: ["minus", "twenty", "one", "degrees"] becomes ["-21", "degrees"]."""
    out: list[str] = []
    index = 0
    while index < len(words):
        number, length = _number_at(words, index)
        out.append(words[index] if number is None else str(number))
        index += max(length, 1)
    return out


def _number_at(words: Sequence[str], index: int) -> tuple[int | None, int]:
    """Return the longest number that starts here, and its number of words."""
    # "minus" without a number stays a word.
    if words[index] in _MINUS and index + 1 < len(words):
        number, length = _number_at(words, index + 1)
        return (None if number is None or number < 0 else -number), (1 if number is None or number < 0 else length + 1)
    if words[index].isdecimal():
        return int(words[index]), 1
    below, length = _below_hundred(words, index)
    after = index + length
    if below is None or not 1 <= below <= 9 or words[after : after + 1] != ["hundred"]:  # noqa: PLR2004  digits
        return below, length
    more, taken = _below_hundred(words, after + 1)
    return _HUNDRED * below + (more or 0), length + 1 + taken


def _below_hundred(words: Sequence[str], index: int) -> tuple[int | None, int]:
    if index >= len(words) or words[index] not in _VALUE:
        return None, 0
    value = _VALUE[words[index]]
    # "twenty one" is one number, "twenty thirty" two.
    unit = _VALUE.get(words[index + 1], 0) if index + 1 < len(words) else 0
    return (value + unit, 2) if value >= 20 and 1 <= unit <= 9 else (value, 1)  # noqa: PLR2004  "twenty one"
