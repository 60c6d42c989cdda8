"""Ears and a voice that need nothing but Python packages: what the pretend model and the pretend caller share."""

from standins.speech.answers import contains, transcribe_answer
from standins.speech.hearing import Ear, Heard, Hearing, SpeechStarted
from standins.speech.voice import NoVoiceError, Voice, sentences_of

__all__ = [
    "Ear",
    "Heard",
    "Hearing",
    "NoVoiceError",
    "SpeechStarted",
    "Voice",
    "contains",
    "sentences_of",
    "transcribe_answer",
]
