"""Turn the words of a transcript into letters, digits, numbers, symbols and other words. No I/O."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agent_core.capture.vocabulary import Phrase, Vocabulary, alphabet, key, longest, starts

MAX_CHARACTERS: Final = 600
"""Of what is read at once: half a minute of spelling. The rest is dropped."""
_SPELLED: Final = re.compile(r"[^\W\d_](?:[-.·][^\W_]){1,}\.?")
"""``d-o-e`` or ``D.O.E.``, as a transcript writes spelled letters."""
_TOKEN: Final = re.compile(r"[^\s,;:!?\u201c\u201d\"()]+|[,;:!?]")
_CODE: Final = re.compile(r"(?=\w*\d)(?=\w*[a-z])\w+")

_LONGEST_NAME: Final = 2
"""Code words in a row that may be a name."""
_FAR: Final = 6
"""Words to each side that are looked at for letters."""

type AtomKind = Literal["letter", "digits", "number", "symbol", "word"]


@dataclass(frozen=True, slots=True)
class Atom:
    """One piece of what was said.

    Attributes:
        kind: What it is. ``digits`` were said or written one by one, ``number`` is a number of several digits.
        text: A letter, digits, a symbol, or the word with its capitals.
        parts: For a number, its other reading: "ninety two" is 92 or 90 and 2.
        breaks: Whether a comma or the like follows.
    """

    kind: AtomKind
    text: str
    parts: tuple[str, ...] = ()
    breaks: bool = False

    @property
    def is_spelled(self) -> bool:
        """Whether it was spelled: a letter or digits."""
        return self.kind in ("letter", "digits", "number")


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    key: str
    breaks: bool


def atoms(text: str, words: Vocabulary, *, alphabets: bool = False, names: bool = False) -> list[Atom]:
    """Read a transcript.

    Args:
        text: What was heard; read up to `MAX_CHARACTERS`.
        words: Of the agent's language.
        alphabets: Whether words of spelling alphabets are letters even if they are names and stand alone.
        names: Whether those that are names stay names beside each other.
    """
    spoken = list(_words(text[:MAX_CHARACTERS]))
    return list(_Reader(spoken, words, alphabets=alphabets, names=names).read())


def phrases(text: str) -> list[str]:
    """Return the words of a transcript in the form of the vocabulary's phrases."""
    return [part for word in _words(text[:MAX_CHARACTERS]) for part in word.key.replace("-", " ").split()]


def _words(text: str) -> Iterator[_Word]:
    pieces = _TOKEN.findall(text.replace("\u2019", "'"))
    for at, piece in enumerate(pieces):
        if piece in ",;:!?":
            continue
        breaks = (at + 1 < len(pieces) and pieces[at + 1] in ",;:!?") or piece.endswith(".")
        plain = piece.rstrip(".") if len(piece) > 1 else piece
        if not plain:
            continue
        if _SPELLED.fullmatch(piece) and "@" not in piece:
            # The letters of one group stay together, and the group is one word.
            letters = [each for each in piece if each not in "-.·"]
            yield from (_Word(each, key(each), breaks=False) for each in letters[:-1])
            yield _Word(letters[-1], key(letters[-1]), breaks=True)
        else:
            yield _Word(plain, key(plain), breaks)


class _Reader:
    def __init__(self, spoken: Sequence[_Word], words: Vocabulary, *, alphabets: bool, names: bool) -> None:
        self._spoken = spoken
        self._keys = [one.key for one in spoken]
        self._words = words
        self._alphabets = alphabets
        self._names = names

    def read(self) -> Iterator[Atom]:
        at = 0
        repeat = 1
        while at < len(self._keys):
            count, length = longest(self._words.doubles, self._keys, at)
            if count is not None and at + length < len(self._keys) and not self._letter(at)[1]:
                repeat, at = count, at + length
                continue
            # "with a b" is the letter B and not A, B.
            if (length := starts(self._words.joins, self._keys, at)) > 1:
                repeat, at = 1, at + length
                continue
            atom, length = self._atom(at)
            if atom is not None:
                once = repeat if len(atom.text) == 1 and atom.kind in ("letter", "digits") else 1
                yield Atom(atom.kind, atom.text * once, atom.parts, self._breaks(at + length - 1))
            repeat, at = 1, at + max(length, 1)

    def _breaks(self, at: int) -> bool:
        return self._spoken[at].breaks

    def _atom(self, at: int) -> tuple[Atom | None, int]:
        letter, length = self._letter(at)
        if length:
            return Atom("letter", letter), length
        symbol, length = longest(self._words.symbols, self._keys, at)
        if symbol is not None:
            return Atom("symbol", symbol), length
        if self._keys[at].isdecimal():
            # Every script's digits, as those of this one.
            return Atom("digits", "".join(str(int(digit)) for digit in self._keys[at])), 1
        number = self._number(at)
        if number is not None:
            return number
        if len(self._spoken[at].text) == 1 and not self._keys[at].isalnum():
            return Atom("symbol", self._spoken[at].text), 1
        return Atom("word", self._spoken[at].text), 1

    def _letter(self, at: int) -> tuple[str, int]:
        """Return the letter that starts here, with the words that only explain it: "b as in bravo"."""
        listed, length = longest(self._words.letters, self._keys, at)
        word = self._keys[at]
        letter = listed or (self._spoken[at].text.casefold() if len(word) == 1 and word.isalpha() else "")
        if not letter:
            return (word[0], 1) if self._is_code_word(at) else ("", 0)
        length = length if listed else 1
        explained = starts(self._words.as_in, self._keys, at + length)
        after = at + length + explained
        # The explaining word begins with the letter, or "a like that" would lose a word.
        if explained and after < len(self._keys) and self._keys[after][:1] == key(letter)[:1]:
            return letter, length + explained + 1
        return letter, length

    def _is_code_word(self, at: int) -> bool:
        plain, names = alphabet()
        if self._keys[at] not in plain and self._keys[at] not in names:
            return False
        if self._alphabets:
            return True
        run = self._run(at)
        # A letter or a digit beside it, or more code words than a name has. Mike Oscar is a name.
        if any(len(word) == 1 for word in run) or len(run) > _LONGEST_NAME - (not self._names):
            return True
        return self._keys[at] in plain and any(self._is_number(other) for other in (at - 1, at + 1))

    def _run(self, at: int) -> list[str]:
        """Return the code words, letters and digits around a place, without a gap."""
        plain, names = alphabet()
        start = stop = at
        # Only as far as it matters: a transcript of nothing but code words would be read over and over.
        while start > max(0, at - _FAR) and self._is_piece(self._keys[start - 1], plain | names):
            start -= 1
        while stop < min(len(self._keys), at + _FAR) and self._is_piece(self._keys[stop], plain | names):
            stop += 1
        return self._keys[start:stop]

    @staticmethod
    def _is_piece(word: str, code_words: frozenset[str]) -> bool:
        return word in code_words or (len(word) == 1 and word.isalnum())

    def _is_number(self, at: int) -> bool:
        # "mike twenty two" is a name and a number; "kilo nine" is spelled.
        return 0 <= at < len(self._keys) and longest(self._words.numbers, self._keys, at)[0] is not None

    def _number(self, at: int) -> tuple[Atom, int] | None:
        keys, words = self._split_keys(at), self._words
        value, length = longest(words.numbers, keys, 0)
        if value is None:
            # "mille huit" and "hundert" begin without a unit.
            if not (starts(words.thousand, keys, 0) or starts(words.hundred, keys, 0)):
                return self._compound(at)
            value, length = 1, 0
        if value < 10 and not self._is_scaled(keys, length):  # noqa: PLR2004 - a digit
            return Atom("digits", str(value)), self._consumed(at, length)
        tens = (str(value - value % 10), str(value % 10)) if value > 20 and value % 10 else ()  # noqa: PLR2004
        total, length, scaled = self._scaled(keys, value, length)
        return Atom("number", str(total), () if scaled else tens), self._consumed(at, length)

    def _is_scaled(self, keys: Sequence[str], at: int) -> bool:
        return bool(starts(self._words.hundred, keys, at) or starts(self._words.thousand, keys, at))

    def _scaled(self, keys: Sequence[str], value: int, at: int) -> tuple[int, int, bool]:
        """Multiply by hundred and thousand, and add what belongs to it; return value, words, whether it was scaled."""
        scaled = False
        for scale, phrases_ in ((100, self._words.hundred), (1000, self._words.thousand)):
            if not (length := starts(phrases_, keys, at)):
                continue
            value, at, scaled = value * scale, at + length, True
            joined = starts(self._words.joiner, keys, at)
            rest, more = longest(self._words.numbers, keys, at + joined)
            if rest is None or rest >= scale:
                continue
            # "nine hundred one two three" continues digit by digit, "two thousand one" does not.
            after, _ = longest(self._words.numbers, keys, at + joined + more)
            if joined or after is None or rest > 9:  # noqa: PLR2004 - a digit
                value, at = value + rest, at + joined + more
        return value, at, scaled

    def _compound(self, at: int) -> tuple[Atom, int] | None:
        """Read a number that is written as one word: neunzehnhundertachtzig, zweitausend."""
        word = self._keys[at]
        for scale, listed in ((1000, self._words.thousand), (100, self._words.hundred)):
            for (name,) in (one for one in listed if len(one) == 1):
                head, found, tail = word.partition(name)
                first = 1 if head in ("", "ein") else self._words.numbers.get((head,))
                tail = tail.removeprefix("und")
                last = 0 if not tail else self._words.numbers.get((tail,))
                if found and first is not None and last is not None:
                    return Atom("number", str(first * scale + last)), 1
        return None

    def _split_keys(self, at: int) -> list[str]:
        # "soixante-dix-huit" is three words of a phrase.
        return [part for word in self._keys[at : at + 8] for part in word.replace("-", " ").split() or [word]]

    def _consumed(self, at: int, parts: int) -> int:
        taken = count = 0
        while taken < parts and at + count < len(self._keys):
            taken += len(self._keys[at + count].replace("-", " ").split() or [""])
            count += 1
        return max(count, 1)


def is_code(text: str) -> bool:
    """Return whether a word mixes letters and digits, such as ``sw1a``."""
    return _CODE.fullmatch(text.casefold()) is not None


def found_phrase(table: frozenset[Phrase], text: str) -> bool:
    """Return whether one of the phrases occurs in a transcript."""
    said = phrases(text)
    return any(starts(table, said, at) for at in range(len(said)))
