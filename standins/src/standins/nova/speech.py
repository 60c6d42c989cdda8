"""The brain with words: it hears, replies, and speaks."""

from pathlib import Path
from typing import TYPE_CHECKING

from standins.nova.agents import Cast
from standins.nova.backend import Backend
from standins.nova.weather_dialogue.dialogue import Dialogue
from standins.speech.recognition import RecognitionService
from standins.speech.voice import VoiceService

if TYPE_CHECKING:
    from standins.nova.brain import Brain

_WEATHER = "knows the names of some cities and a few ways to ask about their weather"


def speech_backend(agents: Path | None = None, brain: "Brain | None" = None) -> Backend:
    """Return a backend of ears, dialogue and voice. Models are loaded when the server starts.

    Args:
        agents: Directory of agent folders to play; None for the weather alone.
        brain: A language model that decides what to say.
    """
    hearing, voice = RecognitionService(), VoiceService()
    more = ", and the rehearsed lines of the agents below" if agents is not None else ", and nothing else"
    decides = f"; decisions: the language model at {brain.url}" if brain is not None else ""
    return Backend(
        hearing=hearing,
        voice=voice,
        dialogue=Dialogue,
        description=f"{_WEATHER}{more}{decides}",
        cast=Cast(agents, hearing, voice, brain),
    )
