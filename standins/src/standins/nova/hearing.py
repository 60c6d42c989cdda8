"""The model's ears; the pretend caller's telephone has the same, so they live in `standins.speech`."""

from standins.speech.hearing import Ear, Heard, Hearing, SpeechStarted

__all__ = ["Ear", "Heard", "Hearing", "SpeechStarted"]
