# ruff: noqa: RUF001  phonetic letters look like others
"""How words sound: pocketsphinx's own dictionary, and `pronunciations.dict` for what it does not know.

That file was made with `arpabet` below from the phonemes of the voice `hibari`: the words that the dictionary lacks,
and a second way to say a city where the voice says it another way than the dictionary.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

import pocketsphinx

# The phoneme letters of `hibari` (those of misaki) in the order they must be tried, longest first.
_ARPABET = {
    "ɜɹ": "ER", "əɹ": "ER", "ɑɹ": "AA R", "ɔɹ": "AO R", "ɪɹ": "IH R", "ɛɹ": "EH R", "ʊɹ": "UH R",
    "A": "EY", "I": "AY", "O": "OW", "W": "AW", "Y": "OY", "ʤ": "JH", "ʧ": "CH",
    "æ": "AE", "ɑ": "AA", "ɔ": "AO", "ə": "AH", "ᵊ": "AH", "ʌ": "AH", "ɜ": "ER", "ɪ": "IH", "ᵻ": "IH", "i": "IY",
    "ɛ": "EH", "ʊ": "UH", "u": "UW", "ɹ": "R", "j": "Y", "ŋ": "NG", "ʃ": "SH", "ʒ": "ZH", "θ": "TH", "ð": "DH",
    "ɡ": "G", "T": "T", "ɾ": "T", "b": "B", "d": "D", "f": "F", "h": "HH", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z",
}  # fmt: skip


def arpabet(phonemes: str) -> str:
    """Turn the voice's phonemes into those of the dictionary; stress marks and pauses are dropped."""
    sounds, rest = [], "".join(letter for letter in phonemes if letter not in "ˈˌ ,.")
    while rest:
        length = 2 if rest[:2] in _ARPABET else 1
        if rest[:length] in _ARPABET:
            sounds.append(_ARPABET[rest[:length]])
        rest = rest[length:]
    return " ".join(sounds)


@cache
def known() -> dict[str, tuple[str, ...]]:
    """Read all pronunciations: word → one or more ways to say it. About 130 000 words, 0.2 s."""
    ours = files("standins.speech").joinpath("pronunciations.dict").read_text(encoding="utf-8")
    theirs = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8")
    ways: dict[str, tuple[str, ...]] = {}
    for line in [*theirs.splitlines(), *ours.splitlines()]:
        if not line or line.startswith("#"):
            continue
        word, _, sounds = line.partition(" ")
        word = word.partition("(")[0]
        ways[word] = (*ways.get(word, ()), sounds.strip())
    return ways


def dictionary(words: Iterable[str]) -> str:
    """Write the dictionary for `words` alone, in the format pocketsphinx reads.

    Raises:
        KeyError: a word that nobody told us how to say.
    """
    ways, lines = known(), []
    for word in sorted(set(words)):
        for index, sounds in enumerate(dict.fromkeys(ways[word]), start=1):
            lines.append(f"{word} {sounds}" if index == 1 else f"{word}({index}) {sounds}")
    return "\n".join(lines) + "\n"
