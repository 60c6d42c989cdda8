# ruff: noqa: RUF001  phonetic letters look like others
"""Pronunciations of words: pocketsphinx's dictionary, and `pronunciations.dict` for words that it lacks.

That file was generated with `arpabet` below from the phonemes of the voice `hibari`: words that the dictionary lacks,
and a second pronunciation of cities and first names that the voice pronounces differently.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

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


_LONG_WORD = 5
"""Letters."""


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


def with_the_voices(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return pronunciations of words that `known` lacks, or that the voice pronounces differently.

    Words without a known pronunciation are missing. Takes a second, so call it once for many words: the voice's rules
    are not kept, because they need 100 MB.
    """
    try:
        from hibari.g2p import G2P  # noqa: PLC0415  a second of imports that most processes do not need
    except ImportError:
        return {}
    voice, ways = G2P(), known()
    made = {}
    for word in sorted(set(words)):
        # Short words have weak forms, which the dictionary knows better: "for" is rarely "four".
        if word in ways and len(word) < _LONG_WORD:
            continue
        sounds = arpabet(voice(word))
        if sounds and sounds not in ways.get(word, ()):
            made[word] = (*ways.get(word, ()), sounds)
    return made


def dictionary(words: Iterable[str], more: Mapping[str, tuple[str, ...]] = MappingProxyType({})) -> str:
    """Return the dictionary of `words` in pocketsphinx's format.

    Args:
        words: The words.
        more: Pronunciations in place of the known ones.

    Raises:
        KeyError: The pronunciation of a word is unknown.
    """
    ways, lines = {**known(), **more} if more else known(), []
    for word in sorted(set(words)):
        # Duplicates would make the decoder slower.
        for index, sounds in enumerate(dict.fromkeys(ways[word]), start=1):
            lines.append(f"{word} {sounds}" if index == 1 else f"{word}({index}) {sounds}")
    return "\n".join(lines) + "\n"
