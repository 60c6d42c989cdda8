"""Read an e-mail address that was said, spelled or typed. No I/O."""

import re
from collections.abc import Sequence
from typing import Final

from email_validator import EmailNotValidError, validate_email

from agent_core.capture.errors import NotUnderstood
from agent_core.capture.transcript import Atom, atoms, phrases
from agent_core.capture.vocabulary import Vocabulary, phrase, starts

MAX_CHARACTERS: Final = 254
_WRITTEN: Final = re.compile(r"[^\s@,;:<>()\"]+@[^\s@,;:<>()\"]+\.[^\s@,;:<>()\"]+")


def read_email(text: str, words: Vocabulary) -> str:
    """Return the address in lower case.

    Raises:
        NotUnderstood: the words contain no valid address.
    """
    # A typed address, or one that the model has written for the caller, needs no reading.
    written = _WRITTEN.search(text)
    if written:
        return checked(written[0].rstrip(".!?"))
    spoken = atoms(text, words)
    signs = [at for at, atom in enumerate(spoken) if atom == Atom("symbol", "@", breaks=atom.breaks)]
    if not signs:
        raise NotUnderstood("no_at_sign")
    # The last one: "at" is also a word, as in "you reach me at …".
    sign = signs[-1]
    local = "".join(_before(spoken[:sign], words))
    domain = "".join(_after(spoken[sign + 1 :], words))
    return checked(f"{local}@{domain}")


def checked(address: str) -> str:
    """Return an address in its normal form.

    Raises:
        NotUnderstood: it is not valid.
    """
    try:
        # Whether the domain exists is not looked up: a look-up takes time and tells a name server who calls.
        found = validate_email(address[: MAX_CHARACTERS + 1].lower(), check_deliverability=False)
    except EmailNotValidError:
        raise NotUnderstood("invalid_address") from None
    return found.normalized


def _before(spoken: Sequence[Atom], words: Vocabulary) -> list[str]:
    """Return the local part: everything behind the last word that leads to it."""
    taken: list[str] = []
    for at in range(len(spoken) - 1, -1, -1):
        atom = spoken[at]
        # "you reach me at steve at …": the other "at" is a word.
        if atom.text == "@":
            break
        if atom.kind == "word":
            form = phrases(atom.text)
            if starts(words.joins, form, 0) == len(form) and _is_beside_spelling(spoken, at):
                continue
            if starts(words.fillers, form, 0) == len(form):
                break
        taken.append(atom.text)
    return taken[::-1]


def _is_beside_spelling(spoken: Sequence[Atom], at: int) -> bool:
    """Return whether a word such as "and" stands between spelled pieces, and is no part of the address."""
    beside = [spoken[other] for other in (at - 1, at + 1, at + 2) if 0 <= other < len(spoken)]
    return any(atom.is_spelled for atom in beside)


def _after(spoken: Sequence[Atom], words: Vocabulary) -> list[str]:
    taken: list[str] = []
    for atom in spoken:
        form = phrases(atom.text)
        # Only behind a complete domain: "mail.example.es" consists of fillers too.
        is_complete = "." in taken and taken[-1] != "."
        if atom.kind == "word" and is_complete and (not form or starts(words.fillers, form, 0) == len(form)):
            break
        taken.append(atom.text)
        # "com, thank you": a comma ends the address once it is complete.
        if atom.breaks and "." in taken and taken[-1] != "." and len(atom.text) > 1:
            break
    return taken


def segments(address: str) -> list[str]:
    """Return the pieces of an address with the signs between them."""
    return [piece for piece in re.split(r"([@._+-])", address) if piece]


def fragment(text: str, words: Vocabulary) -> str:
    """Return the piece that a correction names, such as ``doe`` of "no, it is d o e, not d o w"; may be empty."""
    spoken = atoms(text, words)
    if spelled := _first_run(spoken):
        return spelled
    said = (atom.text.casefold() for atom in spoken if atom.kind == "word" and not _is_dropped(atom, words))
    return next(said, "")


def _first_run(spoken: Sequence[Atom]) -> str:
    """Return the first spelled piece of at least two characters."""
    run = ""
    for atom in spoken:
        if atom.is_spelled:
            run += atom.text.casefold()
            if not atom.breaks or len(run) == 1:
                continue
        if len(run) > 1:
            return run
        run = ""
    return run if len(run) > 1 else ""


def _is_dropped(atom: Atom, words: Vocabulary) -> bool:
    form = phrase(atom.text)
    return bool(starts(words.fillers, form, 0) == len(form) or starts(words.joins, form, 0) == len(form))
