"""Speech synthesis of the model. The simulated caller uses the same, so it lives in `standins.speech`."""

from standins.speech.voice import VoiceService, sentences_of

__all__ = ["VoiceService", "sentences_of"]
