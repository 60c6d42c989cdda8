"""The model's voice; the pretend caller speaks with the same, so it lives in `standins.speech`."""

from standins.speech.voice import Voice, sentences_of

__all__ = ["Voice", "sentences_of"]
