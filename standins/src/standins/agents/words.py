"""Splits what people say into comparable words. No I/O."""

import re
import unicodedata

_WORD = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[:.]\d{2}|[^\W_]+(?:'[^\W\d_]+)?")
_SHORT_FORMS = {
    "can't": "can not",
    "won't": "will not",
    "n't": " not",
    "'d": " would",
    "'ll": " will",
    "'m": " am",
    "'re": " are",
    "'ve": " have",
    "let's": "let us",
}
_IS = re.compile(r"\b(what|where|who|when|how|that|it|there|here)'s\b")
_HALVES = re.compile(r"\b([ap])\.?\s?m\b\.?")


def plain(text: str) -> str:
    """Return a text in lower case and without accents; combining signs of other scripts stay."""
    letters = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'"))
    # Only Latin accents: in Hindi the combining signs are vowels.
    kept = (letter for letter in letters if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", "".join(kept))


def spelled(text: str) -> tuple[str, ...]:
    """Return the words of a text: "I'd like a check-up" is (i, would, like, a, check, up)."""
    text = _HALVES.sub(r"\1m", plain(text))
    text = _IS.sub(r"\1 is", text)
    for short, long in _SHORT_FORMS.items():
        text = text.replace(short, long)
    # Devanagari vowels are marks, not letters, so its words are split at spaces alone.
    if re.search(r"[\u0900-\u097f]", text):
        return tuple(word for word in re.split(r"[\s,.;:!?\u0964\"-]+", text) if word)
    words: list[str] = []
    for found in _WORD.findall(text):
        # "o'clock" is one word, "l'addition" two, and "friday's" is about Friday.
        words += (
            [found] if found == "o'clock" else [part for part in found.split("'") if part != "s" or "'" not in found]
        )
    return tuple(words)


def stem(word: str) -> str:
    """Return a crude stem, equal for book, books, booked and booking."""
    shortest = 4
    for ending in ("ings", "ing", "ied", "ies", "ed", "es", "s", "en", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= shortest - 1:
            return word.removesuffix(ending)
    return word
