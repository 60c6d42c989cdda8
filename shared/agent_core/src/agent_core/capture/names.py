"""Read a name that was said or spelled. No I/O."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from agent_core.capture.errors import NotUnderstood
from agent_core.capture.transcript import Atom, atoms, phrases
from agent_core.capture.vocabulary import Vocabulary, phrase, starts

MAX_WORDS: Final = 5
MAX_CHARACTERS: Final = 80
_SIMILAR: Final = 0.5
"""Share of equal letters from which a spelled word is the one before it, spelled."""
_SAME: Final = 0.75
"""The same within one answer: rather two words than one lost."""
_WORD: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


def read_name(text: str, words: Vocabulary) -> str:
    """Return a name with its capitals.

    Raises:
        NotUnderstood: the words are no name.
    """
    # Mike and Oscar are names here, unless something else is spelled beside them.
    pieces = _pieces(atoms(_without_lead(text, words), words, names=True), words)
    name = " ".join(_capitals(piece) for piece in pieces)
    is_name = 1 <= len(pieces) <= MAX_WORDS and all(_WORD.fullmatch(piece) for piece in pieces)
    # A letter alone is what remains of a spelling that was cut off.
    if not is_name or len(name) > MAX_CHARACTERS or max(map(len, pieces)) < 2:  # noqa: PLR2004
        raise NotUnderstood("no_name")
    return name


def _without_lead(text: str, words: Vocabulary) -> str:
    tokens = text.replace("\u2019", "'").split()
    forms = [phrases(token) for token in tokens]
    flat = [(at, part) for at, form in enumerate(forms) for part in form]
    said = [part for _, part in flat]
    for at in range(len(said)):
        if length := starts(words.name_leads, said, at):
            after = at + length
            return " ".join(tokens[flat[after][0] :]) if after < len(flat) else ""
    return text


def _pieces(spoken: Sequence[Atom], words: Vocabulary) -> list[str]:
    pieces: list[str] = []
    was_spelled = False
    for at, atom in enumerate(spoken):
        if atom.kind in ("digits", "number"):
            raise NotUnderstood("no_name")
        if atom.kind == "symbol":
            _attach(pieces, atom.text)
            was_spelled = atom.text == "'" and was_spelled
        elif atom.kind == "letter":
            begins = not was_spelled or spoken[at - 1].breaks
            _spell(pieces, atom.text, begins=begins and not _is_open(pieces))
            was_spelled = True
        elif phrase(atom.text) not in words.name_fillers:
            if was_spelled:
                _settle(pieces)
            pieces = [*pieces[:-1], pieces[-1] + atom.text] if _is_open(pieces) else [*pieces, atom.text]
            was_spelled = False
        if was_spelled and (at + 1 == len(spoken) or atom.breaks):
            _settle(pieces)
    return pieces


def _is_open(pieces: Sequence[str]) -> bool:
    return bool(pieces) and pieces[-1][-1:] in ("'", "-")


def _attach(pieces: list[str], sign: str) -> None:
    if pieces and sign in ("'", "-"):
        pieces[-1] += sign


def _spell(pieces: list[str], letter: str, *, begins: bool) -> None:
    if begins:
        pieces.append(letter)
    else:
        pieces[-1] += letter


def _settle(pieces: list[str]) -> None:
    """Let a spelled word replace the one that it spells: "jane doe, d o e" are two words."""
    *before, last = pieces
    nearest = max(before, key=lambda one: alike(one, last), default="")
    if alike(nearest, last) >= _SAME:
        pieces[:] = [last if one == nearest else one for one in before]


def alike(one: str, other: str) -> float:
    """Return the share of equal letters, from 0 to 1."""
    return SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False).ratio()


def _capitals(piece: str) -> str:
    # Capitals inside a word, as in McDonald, are the transcript's and are kept.
    if any(letter.isupper() for letter in piece[1:]):
        return piece
    return re.sub(r"(^|['-])(\w)", lambda found: found[1] + found[2].upper(), piece.lower())


def corrected_name(before: str, text: str, words: Vocabulary) -> str:
    """Return a name with the word replaced that the correction is about.

    Raises:
        NotUnderstood: the correction contains no name.
    """
    fixed = read_name(text, words).split(" ")
    old = before.split(" ")
    # A whole name replaces a whole name.
    if len(fixed) != 1 or len(old) == 1:
        return " ".join(fixed)
    nearest = max(range(len(old)), key=lambda at: (alike(old[at], fixed[0]), at))
    # What resembles no word is most likely the last name, which people spell.
    at = nearest if alike(old[nearest], fixed[0]) >= _SIMILAR else len(old) - 1
    return " ".join([*old[:at], fixed[0], *old[at + 1 :]])
