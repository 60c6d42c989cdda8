"""Small talk in the agent's language. No I/O."""

from standins.agents.language import Language
from standins.agents.words import spelled
from standins.nova import small_talk
from standins.nova.small_talk import SmallTalk
from standins.nova.words import plain

_WISHES = (SmallTalk.IDENTITY, SmallTalk.HUMAN, SmallTalk.GOODBYE, SmallTalk.REPEAT)
_REMARKS = (
    SmallTalk.STOP,
    SmallTalk.HELP,
    SmallTalk.THANKS,
    SmallTalk.GREETING,
    SmallTalk.NO,
    SmallTalk.YES,
)


def wish(text: str, language: Language) -> SmallTalk | None:
    """Return an explicit wish: for a person, the end, a repetition, or to know who speaks."""
    # English has the rules that the weather uses too; the other languages have patterns of their own.
    if language.small_talk:
        return _first(_WISHES, text, language)
    return small_talk.wish(_sentence(text))


def remark(text: str, language: Language) -> SmallTalk | None:
    """Return what a text is if it is nothing else."""
    if language.small_talk:
        return _first(_REMARKS, text, language)
    return small_talk.remark(_sentence(text))


def _first(kinds: tuple[SmallTalk, ...], text: str, language: Language) -> SmallTalk | None:
    sentence, rules = " ".join(spelled(text)), language.small_talk
    return next((kind for kind in kinds if kind in rules and rules[kind].search(sentence)), None)


def _sentence(text: str) -> str:
    words = (plain(word) for word in text.replace("\u2019", "'").split())
    return " ".join(word for word in words if word)
