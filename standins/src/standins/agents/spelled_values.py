# ruff: noqa: SIM905  a list of words reads best as words
"""Sentences in which callers say, spell and correct values: what the recogniser expects of an agent with such tools."""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from standins.speech.numbers import in_words

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CODE_WORDS = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo "
    "sierra tango uniform victor whiskey x-ray yankee zulu"
).split()
_DOMAINS = "example gmail outlook yahoo mail office company home work post net".split()
_ENDINGS = ("com", "com", "com", "org", "net", "co dot uk", "c o dot u k", "de", "fr", "it", "edu", "info")
_ACCOUNTS = "info sales office contact support hello mail admin team shop".split()
_SIGNS = ("dot", "dot", "dot", "dash", "underscore", "hyphen", "apostrophe")
_LEADS = ("", "", "", "my email is", "the address is", "no it is", "no", "sorry", "it is", "yes it is")
_YEARS = range(1930, 2030)
_SAMPLES = 5_000
"""Values of all kinds together. Digits and letters come in any order, so that many teach each pair."""


@dataclass
class SpelledValues:
    """Values of some kinds in words.

    Args:
        kinds: Which: email, phone, date, number, name, postcode.
        names: First and last names.
        dice: For the choice of values.
    """

    kinds: Collection[str]
    names: Sequence[str]
    dice: random.Random

    def sentences(self) -> Iterator[str]:
        """Yield the sentences of all kinds; none without a kind."""
        makers = {
            "email": self._email,
            "name": self._name,
            "phone": lambda: self._digits(7, 12),
            "number": lambda: self._digits(3, 9),
            "postcode": self._postcode,
            "date": self._date,
        }
        for kind in sorted(self.kinds):
            for _ in range(_SAMPLES // len(self.kinds) if kind in makers else 0):
                lead = self.dice.choice(_LEADS).replace("my email", f"my {kind}")
                yield f"{lead} {makers[kind]()}".strip()
                yield self._piece(kind)
        if self.kinds:
            yield from [
                "yes that is right",
                "yes",
                "no",
                "that is right",
                "yes please",
                "no that is wrong",
                "correct",
            ] * 60

    def _piece(self, kind: str) -> str:
        """Return a correction of a part, such as "d o e" or "it ends with nine nine"."""
        if kind in ("email", "name"):
            return f"{self.dice.choice(('no', 'no it is', 'sorry', '', ''))} {self._spelled(2, 7)}".strip()
        lead = self.dice.choice(("no", "it ends with", "no it is", "the last two are", "sorry", ""))
        return f"{lead} {self._digits(1, 4)}".strip()

    def _email(self) -> str:
        ending = self.dice.choice(_ENDINGS)
        domain = self.dice.choice([*_DOMAINS, *["example"] * 8, f"{self.dice.choice(_DOMAINS)} dot example"])
        return f"{self._local()} at {domain} dot {ending}"

    def _local(self) -> str:
        one, other, sign = self._word(), self._word(), self.dice.choice(_SIGNS)
        return self.dice.choice(
            [
                f"{one} {sign} {other}",
                f"{self.dice.choice(_LETTERS)} {sign} {other}",
                f"{one} {sign} {self._spelled(3, 6)}",
                self._spelled(3, 8),
                f"{one} {self._digits(1, 2)}",
                *[f"{self._code_words(1, 7)} {self.dice.choice(['', self._digits(1, 2)])}".strip()] * 3,
                *[f"{self._code_words(1, 5)} {sign} {self._code_words(1, 5)}"] * 2,
                self.dice.choice(_ACCOUNTS),
                f"{self.dice.choice(_LETTERS)} {sign} {other} {self._digits(2, 2)}",
            ]
        )

    def _name(self) -> str:
        one, other = self._word(), self._word()
        return self.dice.choice(
            [
                f"{one} {other}",
                f"{one} {other}",
                f"my name is {one} {other}",
                f"{one} {self._spelled(3, 7)}",
                *[self._code_words(2, 8)] * 3,
            ]
        )

    def _postcode(self) -> str:
        # Those of the United Kingdom and Canada: l is a letter, d a digit.
        codes = [self._code(form) for form in ("ld dll", "lldl dll", "ldl dld")]
        return self.dice.choice([self._digits(4, 5), self._digits(5, 5), *codes])

    def _code(self, form: str) -> str:
        letters = (_LETTERS, _CODE_WORDS)
        said = [
            self._digits(1, 1) if each == "d" else self.dice.choice(self.dice.choice(letters))
            for each in form.replace(" ", "")
        ]
        return " ".join(said)

    def _date(self) -> str:
        ordinals = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
        day = self.dice.choice([*ordinals, *(f"{in_words(n)}th" for n in (13, 14, 15, 16, 17, 18, 19)), "twentieth",
                                *(f"twenty {one}" for one in ordinals[:9]), "thirtieth", "thirty first"])  # fmt: skip
        month = self.dice.choice(
            "january february march april may june july august september october november december".split()
        )
        weekday = self.dice.choice("monday tuesday wednesday thursday friday saturday sunday".split())
        return self.dice.choice(
            [
                f"the {day} of {month}",
                f"the {day} of {month} {self._year()}",
                f"{month} {day} {self._year()}",
                f"{month} {day}",
                f"{weekday} the {day} of {month}",
                f"next {weekday}",
                f"this {weekday}",
                self.dice.choice(["today", "tomorrow", "the day after tomorrow"]),
                self._year(),
                f"the {day}",
            ]
        )

    def _year(self) -> str:
        year = self.dice.choice(_YEARS)
        if year >= 2000:  # noqa: PLR2004  the century in which it is said differently
            return f"two thousand {in_words(year - 2000)}" if year < 2010 else f"twenty {in_words(year - 2000)}"  # noqa: PLR2004
        return f"nineteen {in_words(year - 1900)}"

    def _word(self) -> str:
        return self.dice.choice(self.names)

    def _spelled(self, fewest: int, most: int) -> str:
        letters = [self.dice.choice(_LETTERS) for _ in range(self.dice.randint(fewest, most))]
        if self.dice.random() < 0.2:  # noqa: PLR2004  a share
            letters.insert(self.dice.randrange(len(letters)), "double")
        return " ".join(letters)

    def _code_words(self, fewest: int, most: int) -> str:
        return " ".join(self.dice.choice(_CODE_WORDS) for _ in range(self.dice.randint(fewest, most)))

    def _digits(self, fewest: int, most: int) -> str:
        said = [in_words(self.dice.randrange(10)) for _ in range(self.dice.randint(fewest, most))]
        return " ".join(self.dice.choice(["oh", "zero", "zero"]) if one == "zero" else one for one in said)
