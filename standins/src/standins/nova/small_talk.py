"""Recognises what callers say to any agent: greetings, thanks, a wish for a person or for the end. No I/O."""

import re
from enum import StrEnum


class SmallTalk(StrEnum):
    """What a caller may say whatever the agent is for."""

    GREETING = "greeting"
    THANKS = "thanks"
    IDENTITY = "identity"
    HELP = "help"
    REPEAT = "repeat"
    GOODBYE = "goodbye"
    HUMAN = "human"
    STOP = "stop"
    YES = "yes"
    NO = "no"


# The first match wins. A caller's questions come after these explicit wishes and before remarks.
_WISHES = (
    (
        SmallTalk.HUMAN,
        (
            r"\b(human|operator|agent|representative|someone|somebody|support|real person"
            r"|put me through|transfer me|(talk|speak) to a person|to a person)\b"
        ),
    ),
    (
        SmallTalk.GOODBYE,
        (
            r"\b(goodbye|good bye|bye|hang up|see you"
            r"|(that is|that's) all|end (the|this) call|good night|have a nice day)\b"
        ),
    ),
    (
        SmallTalk.REPEAT,
        (
            r"\b(repeat|say (that )?again|once more|one more time|pardon|^sorry$|what did you say"
            r"|did ?n[o']t (understand|hear|catch)|did not (understand|hear|catch))\b"
        ),
    ),
)
_REMARKS = (
    (SmallTalk.STOP, r"\b(stop|quiet|shut up|enough|wait|hold on|never mind)\b"),
    (SmallTalk.IDENTITY, r"\b(who are you|what are you|your name|who is this|who am i)\b"),
    (SmallTalk.HELP, r"\b(help|what can (you|i)|how does this work)\b"),
    (SmallTalk.THANKS, r"\b(thanks?|thank you|cheers)\b"),
    (
        SmallTalk.GREETING,
        (
            r"\b(hello|hi|hey|good (morning|afternoon|evening)"
            r"|how are you|can you hear me|are you there|is anybody there|greetings)\b"
        ),
    ),
    (SmallTalk.NO, r"\b(no|nope|nothing|not now)\b"),
    (SmallTalk.YES, r"\b(yes|yeah|yep|sure|okay|ok|correct|right|please)\b"),
)
_QUESTION_ABOUT_ITSELF = re.compile(
    r"\b(are you|am i talking to|is this) (a |an )?(real|robot|computer|machine|person|bot|ai|human)\b"
)


def wish(sentence: str) -> SmallTalk | None:
    """Return an explicit wish, or a question about the agent itself; the sentence is lower case and plain."""
    # Before the wishes: "am I talking to a human?" is not a request for one.
    return SmallTalk.IDENTITY if _QUESTION_ABOUT_ITSELF.search(sentence) else _first(_WISHES, sentence)


def remark(sentence: str) -> SmallTalk | None:
    """Return what a sentence is if it is nothing else: a greeting, thanks, yes or no."""
    return _first(_REMARKS, sentence)


def _first(table: tuple[tuple[SmallTalk, str], ...], sentence: str) -> SmallTalk | None:
    return next((kind for kind, pattern in table if re.search(pattern, sentence)), None)
