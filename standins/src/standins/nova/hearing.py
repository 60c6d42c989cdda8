"""The model's ears; the pretend caller's telephone has the same, so they live in `standins.speech`."""

from standins.speech.recognition import RecognisedWords, RecognitionService, SessionRecognition, SpeechStarted

__all__ = ["SessionRecognition", "RecognisedWords", "RecognitionService", "SpeechStarted"]
