"""The brain with words: it hears, answers about the weather, and speaks."""

from standins.nova.brain import Brain
from standins.nova.dialogue import Dialogue
from standins.nova.hearing import Hearing
from standins.nova.voice import Voice


def speech_brain() -> Brain:
    """Put ears, dialogue and voice together. Nothing starts before the server does."""
    return Brain(
        hearing=Hearing(),
        voice=Voice(),
        dialogue=Dialogue,
        description="knows the names of some cities and a few ways to ask about their weather, and nothing else",
    )
