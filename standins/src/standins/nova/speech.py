"""The brain with words: it hears, replies to questions about the weather, and speaks."""

from standins.nova.backend import Backend
from standins.nova.weather_dialogue.dialogue import Dialogue
from standins.speech.recognition import RecognitionService
from standins.speech.voice import VoiceService


def speech_backend() -> Backend:
    """Return a backend of ears, dialogue and voice. Nothing is loaded before the server starts."""
    return Backend(
        hearing=RecognitionService(),
        voice=VoiceService(),
        dialogue=Dialogue,
        description="knows the names of some cities and a few ways to ask about their weather, and nothing else",
    )
