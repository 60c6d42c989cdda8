# ruff: noqa: RUF001  phonetic letters look like others
"""Pronunciations of words: pocketsphinx's dictionary, and `pronunciations.dict` for words that it lacks.

That file was generated with `arpabet` below from the phonemes of the voice `hibari`: words that the dictionary lacks,
and a second pronunciation of cities that the voice pronounces differently.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

import pocketsphinx

# Phoneme letters of `hibari` (as in misaki). Digraphs come first, because a match takes the longest one.
_ARPABET = {
    "ɜɹ": "ER", "əɹ": "ER", "ɑɹ": "AA R", "ɔɹ": "AO R", "ɪɹ": "IH R", "ɛɹ": "EH R", "ʊɹ": "UH R",
    "A": "EY", "I": "AY", "O": "OW", "W": "AW", "Y": "OY", "ʤ": "JH", "ʧ": "CH",
    "æ": "AE", "ɑ": "AA", "ɔ": "AO", "ə": "AH", "ᵊ": "AH", "ʌ": "AH", "ɜ": "ER", "ɪ": "IH", "ᵻ": "IH", "i": "IY",
    "ɛ": "EH", "ʊ": "UH", "u": "UW", "ɹ": "R", "j": "Y", "ŋ": "NG", "ʃ": "SH", "ʒ": "ZH", "θ": "TH", "ð": "DH",
    "ɡ": "G", "T": "T", "ɾ": "T", "b": "B", "d": "D", "f": "F", "h": "HH", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z",
}  # fmt: skip


def arpabet(phonemes: str) -> str:
    """Convert the voice's phonemes to the dictionary's; drop stress marks and pauses."""
    sounds, rest = [], "".join(letter for letter in phonemes if letter not in "ˈˌ ,.")
    while rest:
        # Unknown letters are skipped.
        length = 2 if rest[:2] in _ARPABET else 1
        if rest[:length] in _ARPABET:
            sounds.append(_ARPABET[rest[:length]])
        rest = rest[length:]
    return " ".join(sounds)


@cache
def known() -> dict[str, tuple[str, ...]]:
    """Return all pronunciations: word to one or more phoneme sequences. About 130 000 words, 0.2 s."""
    ours = files("standins.speech").joinpath("pronunciations.dict").read_text(encoding="utf-8")
    theirs = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8")
    ways: dict[str, tuple[str, ...]] = {}
    for line in [*theirs.splitlines(), *ours.splitlines()]:
        if not line or line.startswith("#"):
            continue
        word, _, sounds = line.partition(" ")
        # Variants have the form word(2).
        word = word.partition("(")[0]
        ways[word] = (*ways.get(word, ()), sounds.strip())
    return ways


def dictionary(words: Iterable[str]) -> str:
    """Return the dictionary of `words` in pocketsphinx's format.

    Raises:
        KeyError: The pronunciation of a word is unknown.
    """
    ways, lines = known(), []
    for word in sorted(set(words)):
        # Duplicates would make the decoder slower.
        for index, sounds in enumerate(dict.fromkeys(ways[word]), start=1):
            lines.append(f"{word} {sounds}" if index == 1 else f"{word}({index}) {sounds}")
    return "\n".join(lines) + "\n"
